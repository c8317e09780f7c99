"""How much one caller may ask."""

from __future__ import annotations

from datetime import timedelta

from bot.core.clock import FixedClock
from bot.web.pace import Pace
from tests.factories import NOW


def test_a_caller_has_a_burst_and_then_a_rate() -> None:
    """Each for itself, and one large request may overdraw."""
    clock = FixedClock(NOW)
    pace = Pace(clock, rate=2, burst=10)
    pace.spend(14, "one", "10.0.0.1")
    assert not pace.has_room("one", "10.0.0.1")
    assert pace.has_room("one", "10.0.0.2")

    clock.skip(timedelta(seconds=2))
    assert not pace.has_room("one", "10.0.0.1")
    clock.skip(timedelta(seconds=0.5))
    assert pace.has_room("one", "10.0.0.1")

    clock.skip(timedelta(days=1))
    pace.spend(10, "one", "10.0.0.1")
    assert not pace.has_room("one", "10.0.0.1")


def test_a_clock_that_is_put_back_gives_and_takes_nothing() -> None:
    """Nobody is shut out for as long as it was wrong."""
    clock = FixedClock(NOW)
    pace = Pace(clock, rate=1, burst=2)
    pace.spend(1, "a")
    clock.skip(timedelta(hours=-1))
    assert pace.has_room("a")
    pace.spend(1, "a")
    clock.skip(timedelta(seconds=1))

    assert pace.has_room("a")


def test_the_memory_is_bounded() -> None:
    """Who asked longest ago is forgotten."""
    pace = Pace(FixedClock(NOW), rate=1, burst=1, keys=2)
    for key in ("a", "b", "c"):
        pace.spend(5, key)

    assert [pace.has_room(key) for key in ("a", "b", "c")] == [True, False, False]
