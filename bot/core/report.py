"""What a period was like: the values of the weekly summary, and what is coming up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.core.day_counts import DayCounts, DayState
from bot.core.health import Trouble
from bot.core.registry import Counters

NAMED_ROWS: Final = 40
_BAD: Final = frozenset({DayState.FAILED, DayState.PARTLY})
_USUAL: Final = (DayState.WORKED, DayState.UNPROVEN, DayState.NOTHING)


class Next(StrEnum):
    """What happens to a credential at a date."""

    EXPIRY = "expiry"
    ROTATION = "rotation"


@dataclass(frozen=True, slots=True)
class Coming:
    """Something that happens to the credential of a registry.

    `source` says who told an expiry (as `bot.core.check.Expiry` does); empty for a rotation.
    `others` are registries that share the credential.
    """

    name: str
    kind: str
    at: datetime
    what: Next
    source: str = ""
    owner: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComingUp:
    """The next things, soonest first; `overdue` are rotations that were due earlier, oldest first.

    `total` counts those to come that are not in `soon` as well.
    """

    soon: tuple[Coming, ...] = ()
    overdue: tuple[Coming, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class CredentialTimes:
    """What is known of the credential in force of one registry, to tell what is coming up.

    `aged_from` is when it was issued, else stored, or when a person rotated it elsewhere. `others`
    are registries that share it.
    """

    name: str
    kind: str
    owner: str
    expires_at: datetime | None
    source: str
    aged_from: datetime
    rotate_days: int
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """An incident of the period; `until` is None while it lasts, `names` what it is about."""

    names: tuple[str, ...]
    trouble: Trouble
    sentence: str
    since: datetime
    until: datetime | None = None

    def length(self, now: datetime) -> timedelta:
        return (self.until or now) - self.since


@dataclass(frozen=True, slots=True)
class Rotated:
    """A credential that took the place of another one."""

    name: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class GridRow:
    """One line of the picture: a registry, or `many` of one kind put together.

    `states` is one per day of the grid; `failing`, for several registries, how many of them failed
    or failed partly on that day.
    """

    label: str
    states: tuple[DayState, ...]
    failing: tuple[int, ...] = ()
    many: int = 1


@dataclass(frozen=True, slots=True)
class Grid:
    """Every registry's state on every day, in at most `NAMED_ROWS` rows and one per kind."""

    days: tuple[date, ...]
    rows: tuple[GridRow, ...]
    registries: int


@dataclass(frozen=True, slots=True)
class Report:
    """A period as it is told to people, from `since` to `until`.

    `unproven` are registries whose credential was never proven; `idle` those without one good check
    in the whole grid though they were checked: they are perhaps unused. `unused` are those that
    nothing that runs uses; none while nobody tells what runs.
    """

    since: datetime
    until: datetime
    counters: Counters
    failures: tuple[Failure, ...]
    rotated: tuple[Rotated, ...]
    coming: ComingUp
    unproven: tuple[str, ...]
    idle: tuple[str, ...]
    grid: Grid
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One registry's days, before they are arranged into a grid."""

    name: str
    kind_label: str
    counts: Mapping[date, DayCounts]

    def states(self, days: Sequence[date]) -> tuple[DayState, ...]:
        empty = DayCounts()
        return tuple(self.counts.get(day, empty).state for day in days)


def coming_up(credentials: Sequence[CredentialTimes], now: datetime, limit: int) -> ComingUp:
    """The next expiries and rotations; a rotation is not told of what expires before it."""
    soon: list[Coming] = []
    overdue: list[Coming] = []
    for one in credentials:
        ends = one.expires_at is not None and one.expires_at > now
        if one.expires_at is not None and ends:
            expiry = (one.expires_at, Next.EXPIRY, one.source, one.owner, one.others)
            soon.append(Coming(one.name, one.kind, *expiry))
        if not one.rotate_days:
            continue
        at = one.aged_from + timedelta(days=one.rotate_days)
        if one.expires_at is not None and one.expires_at <= at:
            continue
        rotation = Coming(one.name, one.kind, at, Next.ROTATION, "", one.owner, one.others)
        (soon if at > now else overdue).append(rotation)
    soon.sort(key=lambda coming: (coming.at, coming.name))
    overdue.sort(key=lambda coming: (coming.at, coming.name))
    return ComingUp(tuple(soon[:limit]), tuple(overdue), len(soon))


def as_one(sharing: Sequence[CredentialTimes]) -> CredentialTimes:
    """One credential that several registries have: its soonest end and its shortest rotation age.

    The provider's word counts before a person's.
    """
    told = [one for one in sharing if one.expires_at and one.source != "person"]
    ending = told or [one for one in sharing if one.expires_at]
    end = min(ending, key=lambda one: (one.expires_at, one.name), default=sharing[0])
    names = sorted(one.name for one in sharing)
    return CredentialTimes(
        name=names[0],
        kind=sharing[0].kind,
        owner=next((one.owner for one in sharing if one.owner), ""),
        expires_at=end.expires_at,
        source=end.source,
        aged_from=min(one.aged_from for one in sharing),
        rotate_days=min((one.rotate_days for one in sharing if one.rotate_days > 0), default=0),
        others=tuple(names[1:]),
    )


def grid(lines: Sequence[Line], days: Sequence[date], most: int = NAMED_ROWS) -> Grid:
    """Arrange the lines: by name while they fit, otherwise the worst by name and the rest by kind.

    Thousands of rows could not be read; what failed lately is what people look for.
    """
    if len(lines) <= most:
        named = sorted(lines, key=lambda line: line.name)
        rest: list[Line] = []
    else:
        ordered = sorted(lines, key=lambda line: (-_badness(line.states(days)), line.name))
        named, rest = ordered[:most], ordered[most:]
    rows = [GridRow(line.name, line.states(days)) for line in named]
    rows += _together(rest, days)
    return Grid(tuple(days), tuple(rows), len(lines))


def _badness(states: Sequence[DayState]) -> float:
    """More for worse and for later days."""
    # A month of the milder one weighs less than a day of the worse one.
    weights = {DayState.FAILED: 2e3, DayState.PARTLY: 1e3, DayState.UNPROVEN: 1}
    return sum(weights.get(state, 0) * (1 + place) for place, state in enumerate(states))


def _together(lines: Sequence[Line], days: Sequence[date]) -> list[GridRow]:
    kinds: dict[str, list[tuple[DayState, ...]]] = {}
    for line in lines:
        kinds.setdefault(line.kind_label, []).append(line.states(days))
    return [_merged(label, states) for label, states in sorted(kinds.items())]


def _merged(label: str, lines: Sequence[tuple[DayState, ...]]) -> GridRow:
    """Partly as soon as one of them failed, failed when most did; otherwise as most were."""
    states: list[DayState] = []
    failing: list[int] = []
    for column in zip(*lines, strict=True):
        bad = sum(state in _BAD for state in column)
        usual = max(_USUAL, key=column.count)
        if bad:
            usual = DayState.FAILED if bad * 2 > len(column) else DayState.PARTLY
        states.append(usual)
        failing.append(bad)
    return GridRow(label, tuple(states), tuple(failing), len(lines))
