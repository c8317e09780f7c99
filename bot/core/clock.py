"""Where the time comes from: one clock, passed in, so that sandbox and tests can move it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; `now()` is aware and in UTC.

    `shown_at(real)` is what this clock shows when the real time is `real`: the time of another
    machine, such as the database's, seen through a clock that may have been moved.
    """

    def now(self) -> datetime: ...

    def shown_at(self, real: datetime) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def shown_at(self, real: datetime) -> datetime:
        return real


class MovableClock:
    """The machine's clock plus an offset that can be moved forward (sandbox, tests)."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def shown_at(self, real: datetime) -> datetime:
        return real + self.offset

    def skip(self, by: timedelta) -> None:
        """Move forward by `by`; going back would run schedules twice, so it is refused."""
        if by < timedelta():
            raise ValueError("a clock is only moved forward")
        self.offset += by


class FixedClock:
    """Stands still until it is moved (tests)."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def shown_at(self, real: datetime) -> datetime:  # noqa: ARG002  # it stands still
        return self.at

    def skip(self, by: timedelta) -> None:
        self.at += by
