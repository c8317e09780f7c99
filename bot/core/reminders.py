"""What will be said when, before a credential expires or because it has grown old.

The plan is a pure function of the credential and the workspace's hours, so it is the same on every
replica, through restarts, clock jumps and daylight saving; all that is stored is what was said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.core.timestamp import Json, read, written
from bot.core.worktime import DAY, WorkHours

LADDER: Final = (30, 14, 7, 3, 1, 0)
ANY_DAY: Final = frozenset({1, 0})
WEEK: Final = timedelta(days=7)
REMEMBERED: Final = 16


class Kind(StrEnum):
    """What a reminder says."""

    EXPIRES = "expires"  # in `days` days (0: today)
    EXPIRED = "expired"  # earlier on this day
    AGED = "aged"  # is `days` days older than the rotation age


@dataclass(frozen=True, slots=True)
class Step:
    """One reminder: `key` names it for good, whatever the zone or the hour.

    `days` is the number its text says: days left, or days older than the rotation age. `urgent` are
    the last two before an expiry, which are said on any day.
    """

    at: datetime
    key: str
    kind: Kind
    days: int
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Snooze:
    """Nothing is said from `since` to `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """A credential to remind of.

    `known_at` is when it was stored here: nothing is said of the time before. `expires_at` is None
    when it never expires or nobody knows. `aged_from` is when it was issued, else when it was
    stored, or the time a person marked it as rotated elsewhere. `rotate_days` 0 switches the age
    off.
    """

    known_at: datetime
    expires_at: datetime | None = None
    aged_from: datetime | None = None
    rotate_days: int = 90
    snooze: Snooze | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The latest reminders that were said, as (key, planned time); stored as JSON."""

    steps: tuple[tuple[str, datetime], ...] = ()

    def after(self, step: Step) -> Said:
        """The same with one more, said now."""
        return Said((*self.steps, (step.key, step.at))[-REMEMBERED:])

    def covers(self, step: Step, now: datetime) -> bool:
        """Whether this step, or one planned after it, was said.

        What was said for a time still to come does not count: the clock had run ahead.
        """
        past = [(key, planned) for key, planned in self.steps if planned <= now]
        return any(key == step.key or planned >= step.at for key, planned in past)

    def to_json(self) -> Json:
        return {"steps": [[key, written(planned)] for key, planned in self.steps]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Said:
        return cls(
            tuple(
                (str(key), planned)
                for key, text in stored.get("steps", ())
                if (planned := read({"at": text}, "at")) is not None
            )
        )


def plan(subject: Subject, hours: WorkHours, start: datetime, end: datetime) -> tuple[Step, ...]:
    """Every reminder from `start` (included) to `end` (excluded), in order."""
    steps = [step for step in _steps(subject, hours, end) if step.at > subject.known_at]
    if subject.snooze is not None:
        steps = _snoozed(steps, subject, hours, subject.snooze)
    return tuple(step for step in steps if start <= step.at < end)


def due(subject: Subject, hours: WorkHours, said: Said, now: datetime) -> Step | None:
    """The one reminder to say now, or None.

    Of those missed while nothing ran only the last is said: at once when it is one of the last two
    before an expiry, else in working hours, and not while it is snoozed.
    """
    passed = plan(subject, hours, subject.known_at, now + timedelta(microseconds=1))
    if not passed:
        return None
    step = passed[-1]
    if said.covers(step, now):
        return None
    if step.urgent:
        return step
    return step if hours.at_work(now) and not _holds(subject, hours, now) else None


def next_due(subject: Subject, hours: WorkHours, said: Said, now: datetime) -> datetime | None:
    """When to look again: the next time of the plan, or the work start a missed one waits for.

    None when nothing is planned any more.
    """
    if due(subject, hours, said, now) is not None:
        return now
    far = now + timedelta(days=max(subject.rotate_days, 30) + 30)
    if subject.expires_at is not None:
        far = max(far, subject.expires_at + 2 * DAY)
    later = plan(subject, hours, now, far)
    times = [step.at for step in later if not said.covers(step, step.at)]
    if due(subject, hours, said, opening := hours.opening(now)) is not None:
        times.append(opening)
    return min(times, default=None)


def snooze(subject: Subject, hours: WorkHours, until: datetime, now: datetime) -> Snooze:
    """The snooze a person asks for, cut so that the last two before the expiry are always said."""
    if subject.expires_at is not None:
        until = min(until, _last_two(subject.expires_at, hours))
    return Snooze(since=now, until=max(until, now))


def _steps(subject: Subject, hours: WorkHours, end: datetime) -> list[Step]:
    """Both ladders; where they overlap the expiry alone is told."""
    expiry = [] if subject.expires_at is None else _expiry_steps(subject.expires_at, hours)
    stop = min(end, expiry[0].at) if expiry else end
    return [*_age_steps(subject, hours, stop), *expiry]


def _expiry_steps(expires_at: datetime, hours: WorkHours) -> list[Step]:
    return [_expiry_step(expires_at, days, hours) for days in LADDER]


def _expiry_step(expires_at: datetime, days: int, hours: WorkHours) -> Step:
    last = expires_at.astimezone(hours.zone).date()
    day = last - days * DAY
    if days not in ANY_DAY:
        # At most two days back with a usual week, and the steps are at least four apart.
        day = hours.on_or_before(day)
    at = hours.start_of(day)
    kind = Kind.EXPIRES if at < expires_at else Kind.EXPIRED
    key = f"expiry:{expires_at.astimezone(UTC).date()}:{days}"
    return Step(at, key, kind, (last - day).days, urgent=days in ANY_DAY)


def _age_steps(subject: Subject, hours: WorkHours, stop: datetime) -> Iterator[Step]:
    if subject.aged_from is None or subject.rotate_days <= 0:
        return
    first = subject.aged_from.astimezone(hours.zone).date() + subject.rotate_days * DAY
    issued = subject.aged_from.astimezone(UTC).date()
    known = subject.known_at.astimezone(hours.zone).date()
    rung = max((known - first) // WEEK, 0)  # years before it was known are not walked through
    while True:
        day = hours.on_or_after(first + rung * WEEK)
        at = hours.start_of(day)
        if at >= stop:
            return
        key = f"age:{issued}:{subject.rotate_days}:{rung}"
        yield Step(at, key, Kind.AGED, (day - first).days)
        rung += 1


def _snoozed(steps: list[Step], subject: Subject, hours: WorkHours, snooze: Snooze) -> list[Step]:
    """The plan without what falls into the snooze; the last of that is said when it ends."""
    until = _snoozed_until(subject, hours, snooze)
    held = [step for step in steps if snooze.since < step.at < until]
    if not held:
        return steps
    after = [step for step in steps if step.at >= until]
    release = until if hours.at_work(until) else hours.opening(until)
    if not after or release < after[0].at:
        after.insert(0, replace(held[-1], at=release))
    return [step for step in steps if step.at <= snooze.since] + after


def _holds(subject: Subject, hours: WorkHours, now: datetime) -> bool:
    snooze = subject.snooze
    return snooze is not None and snooze.since <= now < _snoozed_until(subject, hours, snooze)


def _snoozed_until(subject: Subject, hours: WorkHours, snooze: Snooze) -> datetime:
    if subject.expires_at is None:
        return snooze.until
    return min(snooze.until, _last_two(subject.expires_at, hours))


def _last_two(expires_at: datetime, hours: WorkHours) -> datetime:
    return _expiry_step(expires_at, max(ANY_DAY), hours).at
