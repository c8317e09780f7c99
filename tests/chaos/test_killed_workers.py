"""Three workers on one PostgreSQL, each killed again and again at random points of its work."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.evidence import Evidence, summary
from tests.chaos.play import AWAY, LATER, ONE_BY_ONE, STEP, TOGETHER, WORKERS
from tests.chaos.show import show

TICKS = 2_000
SECONDS = 240.0
LONG_OUTAGE = 30 * 60.0
"""Seconds after which a registry that is away has certainly been told of."""


def must_hold(evidence: Evidence, ticks: int) -> None:
    """Everything that is true however often somebody died."""
    long_enough = ticks / 2 * STEP > LONG_OUTAGE
    failed = (*ONE_BY_ONE, *TOGETHER, *LATER, *(AWAY if long_enough else ()))
    assert any(line["what"] == "claim" for line in evidence.log)
    assert evidence.recorded_twice() == []
    assert evidence.too_early() == []
    assert evidence.taken_over_early() == []
    assert [one for one in evidence.takeovers() if one.ticks > WORKERS] == []
    assert evidence.counted >= len(evidence.checks)

    expected = Counter(f"r{n:02d}" for n in failed)
    assert Counter(row["name"] for row in evidence.incidents) == expected
    assert evidence.unsent() == []
    assert evidence.lost_or_doubled() == ([], [])
    assert evidence.unannounced() == []
    assert evidence.stale() == []


@pytest.mark.timeout(300)
async def test_nothing_is_doubled_or_lost(postgresql_url: str, tmp_path: Path) -> None:
    """No check twice in a turn, no alert lost or told twice, and the dead are taken over at once."""
    evidence, told = await show(postgresql_url, tmp_path, TICKS, seed=7, seconds=SECONDS)
    print(summary(evidence, told))

    assert told["deaths"] >= 20
    assert told["problems"] == []
    must_hold(evidence, TICKS)
