"""The checks of a registry on one day, counted by what they found: what history shrinks to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from bot.core.check import Verdict
from bot.core.strip import Tally

DAY: Final = timedelta(days=1)


class DayState(StrEnum):
    """How a registry was on one day."""

    FAILED = "failed"  # more than half of the checks that judged found it failing
    PARTLY = "partly"  # some did
    UNPROVEN = "unproven"  # accepted, but so is anyone
    WORKED = "worked"
    NOTHING = "nothing"  # no check judged it


@dataclass(frozen=True, slots=True)
class DayCounts:
    """How many checks of one day ended in each verdict."""

    proven: int = 0
    unproven: int = 0
    refused: int = 0
    unreachable: int = 0
    limited: int = 0
    blocked: int = 0
    unresolved: int = 0

    @property
    def good(self) -> int:
        return self.proven + self.unproven

    @property
    def failed(self) -> int:
        return self.refused + self.unreachable + self.blocked

    @property
    def state(self) -> DayState:
        judged = self.good + self.failed
        if not judged:
            return DayState.NOTHING
        if self.failed:
            return DayState.FAILED if self.failed * 2 > judged else DayState.PARTLY
        return DayState.UNPROVEN if self.unproven else DayState.WORKED

    def tally(self, day: date) -> Tally:
        """The same for the strip of `bot.core.strip`."""
        return Tally(start_of(day), self.good, self.failed, self.limited + self.unresolved)


def counted(verdicts: Iterable[Verdict]) -> DayCounts:
    """The counts of some checks."""
    found = list(verdicts)
    return DayCounts(**{verdict.value: found.count(verdict) for verdict in Verdict})


def day_of(at: datetime) -> date:
    """The UTC day of a moment: days are the same for every reader."""
    return at.astimezone(UTC).date()


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def last_days(now: datetime, count: int) -> tuple[date, ...]:
    """The last `count` days, today included, oldest first."""
    today = day_of(now)
    return tuple(today - DAY * back for back in range(count - 1, -1, -1))
