"""Hours of people: the time zone of a workspace, its working hours and its quiet hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.errors import InvalidInput

DAY: Final = timedelta(days=1)
MONDAY_TO_FRIDAY: Final = frozenset(range(5))


def parse_zone(name: str) -> ZoneInfo:
    """The zone of a name such as `Europe/Paris`; InvalidInput on field `zone` otherwise."""
    try:
        return ZoneInfo(name.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        sentence = "Give the name of a time zone, such as Europe/Paris."
        raise InvalidInput({"zone": sentence}) from error


def parse_time(text: str) -> time:
    """A time of day such as `9:30` or `18:00`; InvalidInput on field `time` otherwise."""
    hour, colon, minute = text.strip().partition(":")
    if colon and hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60:
        return time(int(hour), int(minute))
    raise InvalidInput({"time": "Give a time of day, such as 09:30."})


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """That local time on that day, in UTC.

    A time that the clocks skip is taken as if they had not been moved yet; one that comes twice is
    the first of the two.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class WorkHours:
    """When reminders are said: at `start` of a working day; one missed, at any time until `end`.

    `days` counts from Monday = 0 and is never empty.
    """

    zone: ZoneInfo
    start: time = time(9, 30)
    end: time = time(18, 0)
    days: frozenset[int] = field(default=MONDAY_TO_FRIDAY)

    def works(self, day: date) -> bool:
        return day.weekday() in self.days

    def start_of(self, day: date) -> datetime:
        return moment(day, self.start, self.zone)

    def at_work(self, now: datetime) -> bool:
        local = now.astimezone(self.zone)
        return self.works(local.date()) and self.start <= local.time() < self.end

    def on_or_before(self, day: date) -> date:
        """That day, or the last working day before it."""
        while not self.works(day):
            day -= DAY
        return day

    def on_or_after(self, day: date) -> date:
        """That day, or the first working day after it."""
        while not self.works(day):
            day += DAY
        return day

    def opening(self, now: datetime) -> datetime:
        """The first start of work at or after `now`."""
        day = self.on_or_after(now.astimezone(self.zone).date())
        at = self.start_of(day)
        return at if at >= now else self.start_of(self.on_or_after(day + DAY))


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local hours in which people are not reminded; they may pass midnight (20:00 to 08:00)."""

    zone: ZoneInfo
    start: time
    end: time

    def holds(self, now: datetime) -> bool:
        at = now.astimezone(self.zone).time()
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end

    def release(self, now: datetime) -> datetime:
        """`now`, or the end of the quiet hours it falls into."""
        if not self.holds(now):
            return now
        day = now.astimezone(self.zone).date()
        at = moment(day, self.end, self.zone)
        return at if at > now else moment(day + DAY, self.end, self.zone)
