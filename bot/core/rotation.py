"""The end of a rotation: the new credential is in force, the old one is not forgotten.

The old secret stays as a way back for the grace period. Then it is tried, now and then, until it is
refused twice; only that proves that somebody ended it at the provider, and only then is it
destroyed here. A rate limit, an outage or a ban proves nothing.

phase    | what holds                                      | what comes next
preparing| the old one; an automatic rotation makes a new  | grace, or failed
waiting  | the next credential is stored, the old in force | its time, or the old one dies: grace
grace    | the new one in force, the old one kept          | back, or after the grace period: ending
ending   | as before, and the old one is tried             | dead, back, or let go
dead     | refused twice; destroyed here                   |
back     | the old one in force again                      |
let_go   | destroyed here by a person who would not wait   |
failed   | the old one; no new one could be made           |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.core.timestamp import Json, read, written

GRACE: Final = timedelta(hours=24)
GRACE_MOST: Final = timedelta(days=30)
CONFIRM: Final = timedelta(seconds=60)
ALIVE_RETRY: Final = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
UNKNOWN_RETRY: Final = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
REMIND_EVERY: Final = timedelta(days=7)
UNSEEN_AFTER: Final = timedelta(hours=24)
"""So long without one answer about the old secret, and people are told that nothing is known."""


class Phase(StrEnum):
    """Where a rotation is; see the table above."""

    PREPARING = "preparing"
    WAITING = "waiting"
    GRACE = "grace"
    ENDING = "ending"
    DEAD = "dead"
    BACK = "back"
    LET_GO = "let_go"
    FAILED = "failed"


OPEN: Final = frozenset({Phase.PREPARING, Phase.WAITING, Phase.GRACE, Phase.ENDING})


class Trial(StrEnum):
    """What one try of the old secret showed; DEAD only beside a good answer to the new one."""

    DEAD = "dead"
    ALIVE = "alive"
    UNKNOWN = "unknown"


class Act(StrEnum):
    """What is to be done now, outside of this module."""

    NOTHING = "nothing"
    SWITCH = "switch"  # prove the next credential and put it in force
    TRY = "try"  # try the old secret
    DESTROY = "destroy"  # the old secret, here


class Entry(StrEnum):
    """What people are told; each once, but for `still_alive`, which comes back every week."""

    ASKED = "asked"  # a second manager is asked to approve an automatic rotation
    APPROVED = "approved"
    PLANNED = "planned"
    NOT_SWITCHED = "not_switched"  # the next credential could not be proven; once
    SWITCHED = "switched"
    REMOVE = "remove"  # the grace period is over and the old one still works
    STILL_ALIVE = "still_alive"
    UNSEEN = "unseen"  # it could not be tried for a day
    NOT_ENDED = "not_ended"  # the provider would not end a credential; it is asked again
    DEAD = "dead"
    BACK = "back"
    LET_GO = "let_go"
    FAILED = "failed"
    LOST = "lost"  # the provider ended the old one, and the new one was not learnt


@dataclass(frozen=True, slots=True)
class Rotation:
    """One rotation; stored as JSON. `why` is a sentence on why the last try showed nothing.

    `refused_at` is the first of the two refusals, `alive_at` when the old secret last worked.
    """

    phase: Phase
    grace: timedelta = GRACE
    switch_at: datetime | None = None
    switched_at: datetime | None = None
    grace_until: datetime | None = None
    ending_at: datetime | None = None
    next_at: datetime | None = None
    refused_at: datetime | None = None
    alive_at: datetime | None = None
    told_at: datetime | None = None
    unseen_told: bool = False
    tries: int = 0
    why: str = ""
    by: str = ""
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.phase in OPEN

    def to_json(self) -> Json:
        return {
            "phase": str(self.phase),
            "grace": self.grace.total_seconds(),
            **{name: written(getattr(self, name)) for name in _TIMES},
            "unseen_told": self.unseen_told,
            "tries": self.tries,
            "why": self.why,
            "by": self.by,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Rotation:
        times: dict[str, Any] = {name: read(stored, name) for name in _TIMES}
        return cls(
            phase=Phase(stored["phase"]),
            grace=timedelta(seconds=float(stored.get("grace", GRACE.total_seconds()))),
            unseen_told=bool(stored.get("unseen_told", False)),
            tries=int(stored.get("tries", 0)),
            why=str(stored.get("why", "")),
            by=str(stored.get("by", "")),
            **times,
        )


_TIMES: Final = (
    "switch_at", "switched_at", "grace_until", "ending_at", "next_at", "refused_at", "alive_at",
    "told_at", "ended_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """The next state, what is to be said of it, and what is to be done."""

    rotation: Rotation
    says: tuple[Entry, ...] = ()
    act: Act = Act.NOTHING


def prepare(now: datetime, grace: timedelta, by: str, *, ask: bool = False) -> Step:
    """An automatic rotation begins; unless it must be asked for, nothing is said before its end."""
    begun = Rotation(Phase.PREPARING, grace, next_at=None if ask else now, by=by)
    return Step(begun, (Entry.ASKED,) if ask else ())


def approved(rotation: Rotation, now: datetime, by: str) -> Step:
    """A second manager agreed to it."""
    return Step(replace(rotation, next_at=now, by=by), (Entry.APPROVED,))


def failed(rotation: Rotation, now: datetime, why: str, *, lost: bool = False) -> Step:
    """No new credential could be made; with `lost`, the old one is dead all the same."""
    ended = replace(rotation, phase=Phase.FAILED, next_at=None, ended_at=now, why=why)
    return Step(ended, (Entry.LOST if lost else Entry.FAILED,))


def plan(now: datetime, switch_at: datetime, grace: timedelta, by: str) -> Step:
    """The next credential is stored, and is switched to at a time or when the old one dies."""
    at = max(now, switch_at)
    rotation = Rotation(Phase.WAITING, grace, switch_at=at, next_at=at, by=by)
    return Step(rotation, (Entry.PLANNED,))


def not_switched(rotation: Rotation, now: datetime, why: str) -> Step:
    """The next credential was tried at its time and not proven; it is tried again later."""
    after = _wait(UNKNOWN_RETRY, rotation.tries)
    says = () if rotation.told_at else (Entry.NOT_SWITCHED,)
    waiting = replace(
        rotation,
        tries=rotation.tries + 1,
        next_at=now + after,
        why=why,
        told_at=rotation.told_at or now,
    )
    return Step(waiting, says)


def switched(now: datetime, grace: timedelta, by: str) -> Step:
    """The new credential is in force from now on."""
    until = now + grace
    rotation = Rotation(
        Phase.GRACE, grace, switched_at=now, grace_until=until, next_at=until, by=by
    )
    return Step(rotation, (Entry.SWITCHED,))


def tick(rotation: Rotation, now: datetime) -> Step:
    """Time passed."""
    if not rotation.is_open or rotation.next_at is None or rotation.next_at > now:
        return Step(rotation)
    if rotation.phase is Phase.WAITING:
        return Step(rotation, act=Act.SWITCH)
    if rotation.phase is Phase.GRACE:
        rotation = replace(rotation, phase=Phase.ENDING, ending_at=now)
    return Step(rotation, act=Act.TRY)


def removed(rotation: Rotation, now: datetime) -> Step:
    """A person says that the old credential is removed at the provider: it is tried at once."""
    if rotation.phase not in {Phase.GRACE, Phase.ENDING}:
        return Step(rotation)
    began = rotation.ending_at or now
    return Step(replace(rotation, phase=Phase.ENDING, ending_at=began, next_at=now), act=Act.TRY)


def tried(
    rotation: Rotation,
    trial: Trial,
    now: datetime,
    *,
    apart: timedelta = CONFIRM,
    why: str = "",
) -> Step:
    """The old secret was tried; `apart` is how far two refusals must be from each other."""
    if rotation.phase is not Phase.ENDING:
        return Step(rotation)
    if trial is Trial.DEAD:
        return _refused(replace(rotation, why=""), now, apart)
    if trial is Trial.ALIVE:
        return _alive(rotation, now)
    return _unknown(replace(rotation, why=why), now)


def went_back(rotation: Rotation, now: datetime, by: str) -> Step:
    """The old credential is in force again."""
    return _end(rotation, Phase.BACK, Entry.BACK, now, by)


def let_go(rotation: Rotation, now: datetime, by: str) -> Step:
    """A person wants the old secret destroyed here although nobody saw it dead."""
    return _end(rotation, Phase.LET_GO, Entry.LET_GO, now, by)


def _refused(rotation: Rotation, now: datetime, apart: timedelta) -> Step:
    if rotation.refused_at is None:
        return Step(replace(rotation, refused_at=now, tries=0, next_at=now + apart))
    if now - rotation.refused_at < apart:
        return Step(replace(rotation, next_at=rotation.refused_at + apart))
    return _end(rotation, Phase.DEAD, Entry.DEAD, now, rotation.by)


def _alive(rotation: Rotation, now: datetime) -> Step:
    after = _wait(ALIVE_RETRY, rotation.tries)
    rotation = replace(
        rotation,
        refused_at=None,
        alive_at=now,
        why="",
        tries=rotation.tries + 1,
        next_at=now + after,
    )
    if rotation.told_at is not None and now - rotation.told_at < REMIND_EVERY:
        return Step(rotation)
    first = rotation.told_at is None
    says = (Entry.REMOVE,) if first else (Entry.STILL_ALIVE,)
    return Step(replace(rotation, told_at=now), says)


def _unknown(rotation: Rotation, now: datetime) -> Step:
    after = _wait(UNKNOWN_RETRY, rotation.tries)
    rotation = replace(rotation, tries=rotation.tries + 1, next_at=now + after)
    seen = max(
        (at for at in (rotation.ending_at, rotation.alive_at, rotation.refused_at) if at),
        default=now,
    )
    if rotation.unseen_told or now - seen < UNSEEN_AFTER:
        return Step(rotation)
    return Step(replace(rotation, unseen_told=True), (Entry.UNSEEN,))


def _end(rotation: Rotation, phase: Phase, entry: Entry, now: datetime, by: str) -> Step:
    ended = replace(rotation, phase=phase, next_at=None, ended_at=now, by=by)
    act = Act.NOTHING if phase is Phase.BACK else Act.DESTROY
    return Step(ended, (entry,), act)


def _wait(ladder: tuple[timedelta, ...], tries: int) -> timedelta:
    return ladder[min(tries, len(ladder) - 1)]
