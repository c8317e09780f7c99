"""Looking into registered registries, with the credential that is stored for them."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bot.core.access import Actor
from bot.core.check import Verdict
from bot.core.config import Config
from bot.core.image import Reference
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.policy import canonical_host
from bot.core.sight import Absence, ImageFacts
from bot.errors import Undecryptable, Unresolved, Unseen
from bot.store.registries import Stored
from bot.usecases.deps import Deps
from bot.usecases.judging import SignIn, must_wait, note_sign_in, person_waits
from bot.usecases.references import whole
from bot.usecases.registries import find
from bot.usecases.resolving import REMEDY
from bot.usecases.retest import PUT_IN_AGAIN

_T = TypeVar("_T")


class Looks(Protocol):
    """Looks into a registry now. Raises Unseen with the reason, and nothing else."""

    async def image(self, config: Config, image: Reference) -> ImageFacts: ...

    async def repositories(
        self, config: Config, text: str, cursor: str
    ) -> Page[FoundRepository]: ...

    async def tags(
        self, config: Config, repository: str, text: str, cursor: str
    ) -> Page[FoundTag]: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A stored registry with what it is signed in to with."""

    stored: Stored
    config: Config


async def see_image(
    deps: Deps, looks: Looks, actor: Actor, registry: str, image: Reference
) -> ImageFacts:
    """An image of a registry, as the registry describes it; raises Unseen or NotFound."""
    opened = await open_registry(deps, actor, registry)
    host = opened.stored.registry.host
    if canonical_host(host) != image.host:
        raise Unseen(
            Absence.NOT_ASKED,
            f"It is pulled from {image.host}, where Registrar has no sign-in; {registry} signs in "
            f"at {host}.",
        )
    return await watched(deps, opened, looks.image(opened.config, image))


async def open_registry(deps: Deps, actor: Actor, name: str) -> Opened:
    """A registry that may be signed in to now; raises Unseen when that would do harm."""
    async with deps.store.reading() as session:
        stored = await find(session, actor, name)
    try:
        stored, config = await whole(deps, stored)
    except (Undecryptable, Unresolved) as error:
        remedy = REMEDY if isinstance(error, Unresolved) else PUT_IN_AGAIN
        raise Unseen(Absence.NOT_ASKED, str(error), remedy) from None
    row, held = stored.registry, stored.credential
    async with deps.store.reading() as session:
        account, fingerprint = _account(stored), held.fingerprint if held else ""
        now = deps.clock.now()
        until = await person_waits(session, account, fingerprint, now)
    if until is not None:
        waiting = must_wait(row.host, until, now)
        raise Unseen(Absence.LIMITED, waiting.sentence, waiting.remedy, retry_at=until)
    if row.verdict == Verdict.REFUSED:
        raise Unseen(
            Absence.REFUSED,
            f"The credential of {name} was refused at its last check, so nothing was looked at.",
            f"Mend it first: edit {name}.",
        )
    return Opened(stored, config)


async def watched(deps: Deps, opened: Opened, look: Awaitable[_T]) -> _T:
    """What a look shows; a sign-in that fails counts as one that failed at a check."""
    try:
        return await look
    except Unseen as unseen:
        account, held = _account(opened.stored), opened.stored.credential
        if unseen.failed_sign_in and account[2] and held is not None:
            now = deps.clock.now()
            seen = SignIn(account, held.fingerprint, now, failed=True, by_person=True)
            async with deps.store.transaction() as session:
                await note_sign_in(session, seen)
        raise


def _account(stored: Stored) -> tuple[str, str, str]:
    row = stored.registry
    return (row.team_id, row.host, row.login)
