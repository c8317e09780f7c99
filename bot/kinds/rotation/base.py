"""What a provider must be able to do so that its credentials can be rotated without a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol

from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.base import Field
from bot.kinds.visit import Visit


class Strategy(StrEnum):
    """How the old and the new credential of a provider live together."""

    DUAL = "dual"  # both work until the old one is ended
    IN_PLACE = "in_place"  # making the new one ends the old one at once


@dataclass(frozen=True, slots=True)
class Right:
    """A right that rotating needs, by the vendor's name, and what for."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """What asking without side effects showed.

    `handle` is the provider's own name of the credential in force (an access key id, a token's
    number); empty where the provider does not tell which one it is: then the old one is never
    touched, and a person has to remove it. `problems` are sentences on what is missing; with any,
    nothing must be made. `notes` are what else a person should know before. `others` are the names
    of what was there before, where the provider takes no label: none of that can be ours.
    """

    handle: str = ""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class Issued:
    """A new credential as the provider gave it, once.

    `values` and `secrets` are the answers of the form that change, by field name; `handle` is the
    provider's own name of it.
    """

    handle: str
    secrets: Mapping[str, Secret]
    values: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """Something at the provider that bears our label, or can be nobody's but ours."""

    handle: str
    made_at: datetime | None = None


def _no_more_time() -> None:
    """For whoever has no time limit that could be put off."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One registry's credential, and what else may be used to rotate it.

    `visit` goes to the provider with the credential that is used for the call. `access` holds the
    answers to the provider's `fields`, all of them secret; empty where its own key is enough.
    `made` is the provider's own name of the credential in force where Registrar made that itself.
    `takes_long` asks for more time, for a provider that has begun and says that it is not done.
    """

    visit: Visit
    access: Mapping[str, Secret] = field(default_factory=dict)
    made: str = ""
    takes_long: Callable[[], None] = _no_more_time

    @property
    def config(self) -> Config:
        return self.visit.config


class Provider(Protocol):
    """One provider's way to rotate.

    Every method raises `bot.errors.NotDone` when the provider said no and nothing was changed, and
    `bot.errors.Unclear` when it may or may not have been done: no answer, or a 5xx after the
    request was sent. Both carry a sentence that is fit to show.

    `settles` is how long a new or ended credential takes to be known everywhere. `fields` are asked
    of the person who switches automatic rotation on, where the credential cannot rotate itself.
    """

    slug: ClassVar[str]
    strategy: ClassVar[Strategy]
    settles: ClassVar[timedelta]
    reversible: ClassVar[bool]
    rights: ClassVar[tuple[Right, ...]]
    fields: ClassVar[tuple[Field, ...]]

    def unsuited(self, config: Config) -> str:
        """Why this credential cannot be rotated so, in a sentence; empty when it can."""
        ...

    async def ready(self, errand: Errand) -> Readiness:
        """Look at the credential in force, at the rights and at the room for one more."""
        ...

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        """Make a new credential with the rights of the old one, labelled where that is possible.

        With an IN_PLACE strategy the old one is dead from then on. `proposed` is stored already: a
        provider that lets the secret be chosen is given that one, so that no crash can lose it.
        """
        ...

    async def recover(self, errand: Errand, proposed: Secret) -> Issued | None:
        """After an unclear IN_PLACE `issue`: the new credential, where it can still be learnt.

        None where it cannot, and for DUAL providers, whose label finds it.
        """
        ...

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        """What bears this label; where there are none, what was made in that time."""
        ...

    async def disable(self, errand: Errand, handle: str) -> None:
        """Stop a credential so that it can be started again; only where `reversible`."""
        ...

    async def enable(self, errand: Errand, handle: str) -> None:
        """Start what `disable` stopped."""
        ...

    async def revoke(self, errand: Errand, handle: str) -> None:
        """End a credential for good; one that is gone already is no error."""
        ...

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        """Whether the provider still lists it as working; None where it does not tell."""
        ...
