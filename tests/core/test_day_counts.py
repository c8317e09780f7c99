"""What history shrinks to."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.core.check import Verdict
from bot.core.day_counts import DayCounts, DayState, counted, day_of, last_days
from bot.core.strip import Tally

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        (DayCounts(), DayState.NOTHING),
        (DayCounts(limited=24), DayState.NOTHING),
        (DayCounts(proven=24), DayState.WORKED),
        (DayCounts(proven=23, limited=1), DayState.WORKED),
        (DayCounts(proven=23, unproven=1), DayState.UNPROVEN),
        (DayCounts(proven=23, refused=1), DayState.PARTLY),
        (DayCounts(proven=12, unreachable=12), DayState.PARTLY),
        (DayCounts(proven=11, blocked=13), DayState.FAILED),
        (DayCounts(refused=1), DayState.FAILED),
    ],
)
def test_a_day_is_judged_by_its_checks(counts: DayCounts, state: DayState) -> None:
    """Failed when most checks did; what was not judged counts for nothing."""
    assert counts.state is state


def test_every_verdict_has_its_count() -> None:
    """A new verdict cannot be forgotten here."""
    assert counted(Verdict) == DayCounts(1, 1, 1, 1, 1, 1, 1)


def test_a_day_is_a_utc_day() -> None:
    """So that all readers and replicas count alike."""
    late = datetime.fromisoformat("2026-11-25T00:30:00+01:00")

    assert day_of(late) == date(2026, 11, 24)
    assert last_days(late, 2) == (date(2026, 11, 23), date(2026, 11, 24))


def test_a_day_is_a_tally_of_the_strip() -> None:
    """Good, failed and unjudged."""
    counts = DayCounts(proven=1, unproven=2, refused=3, unreachable=4, limited=5, blocked=6)

    begin = datetime(2026, 11, 24, tzinfo=UTC)
    assert counts.tally(date(2026, 11, 24)) == Tally(begin, good=3, failed=13, unjudged=5)
