"""Clocks: what they show, and what they make of another machine's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.clock import FixedClock, MovableClock, SystemClock

REAL = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)


def test_the_machines_clock_shows_the_real_time() -> None:
    """The database's time is taken as it is."""
    assert SystemClock().shown_at(REAL) == REAL


def test_a_moved_clock_moves_every_time() -> None:
    """The database's time is as far ahead as ours."""
    clock = MovableClock()
    clock.skip(timedelta(days=30))

    assert clock.shown_at(REAL) == REAL + timedelta(days=30)


def test_a_clock_that_stands_still_shows_its_time() -> None:
    """Whatever the real time is."""
    clock = FixedClock(REAL)
    clock.skip(timedelta(hours=1))

    assert clock.shown_at(REAL + timedelta(days=9)) == clock.now() == REAL + timedelta(hours=1)


def test_no_clock_goes_back() -> None:
    """Schedules would run twice."""
    with pytest.raises(ValueError, match="forward"):
        MovableClock().skip(-timedelta(seconds=1))
