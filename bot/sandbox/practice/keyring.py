"""The credentials of one holder at a practice registry: several may work side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.clock import Clock


@dataclass(slots=True)
class Held:
    """One credential.

    `handle` is the vendor's own name of it (an access key id, a token's number), `login` the user
    name that goes with it where it has one of its own. It works from `known_from` on, as a vendor
    takes a while to make it known everywhere, and after its end until `dead_from`. An `undying` one
    works on after it was stopped or ended, whatever the vendor says of it.
    """

    handle: str
    secret: str
    made_at: datetime
    known_from: datetime
    login: str = ""
    label: str = ""
    active: bool = True
    expires_at: datetime | None = None
    dead_from: datetime | None = None
    used_at: datetime | None = None
    undying: bool = False

    def works(self, now: datetime) -> bool:
        """Whether it opens anything, its expiry aside: vendors tell that apart."""
        alive = self.active if self.dead_from is None else now < self.dead_from
        return (alive or self.undying) and self.known_from <= now


class Keyring:
    """All credentials of a holder, oldest first; iterates over those that were not ended.

    What was ended is remembered, for it may go on working for a while, and no log must show it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: list[Held] = []
        self._ended: list[Held] = []

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._held))

    def __len__(self) -> int:
        return len(self._held)

    @property
    def made(self) -> int:
        """How many there were ever."""
        return len(self._held) + len(self._ended)

    @property
    def shown(self) -> Held:
        """The one to copy: the newest that is not stopped, or the last there was."""
        active = [one for one in self._held if one.active]
        return (active or self._held or self._ended)[-1]

    def add(
        self,
        handle: str,
        secret: str,
        *,
        login: str = "",
        label: str = "",
        expires_at: datetime | None = None,
        settles: timedelta = timedelta(),
    ) -> Held:
        """One more; it works everywhere after `settles`."""
        now = self._clock.now().replace(microsecond=0)
        held = Held(handle, secret, now, now + settles, login, label, expires_at=expires_at)
        self._held.append(held)
        return held

    def find(self, handle: str) -> Held | None:
        """The one of this name, unless it was ended."""
        return next((one for one in self._held if one.handle == handle), None)

    def ever(self, handle: str) -> Held | None:
        """The one of this name, also after it was ended."""
        return next((one for one in (*self._held, *self._ended) if one.handle == handle), None)

    def holding(self, secret: str, login: str = "") -> Held | None:
        """The one with this secret (and `login`, where it has one of its own), stopped or not.

        Also one that was ended and may still work.
        """
        return next(
            (
                one
                for one in (*self._held, *self._ended)
                if one.secret == secret and one.login in {"", login}
            ),
            None,
        )

    def end(self, handle: str, lingers: timedelta = timedelta()) -> bool:
        """End one for good; it may go on working for `lingers`. False when there is none."""
        held = self.find(handle)
        if held is None:
            return False
        now = self._clock.now()
        held.dead_from = now + lingers if held.active else now
        self._held.remove(held)
        self._ended.append(held)
        return True

    @property
    def undead(self) -> tuple[Held, ...]:
        """Those that were ended and work on."""
        return tuple(one for one in self._ended if one.undying)

    def secrets(self) -> tuple[str, ...]:
        """Every secret there is or was."""
        return tuple(one.secret for one in (*self._held, *self._ended))
