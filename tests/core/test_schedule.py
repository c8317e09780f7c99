from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.schedule import interval, next_check, regular
from tests.core.answers import HOUR, MINUTE, START

moments = st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1)).map(  # noqa: DTZ001 - made aware here
    lambda at: at.replace(tzinfo=UTC)
)
intervals = st.integers(5, 7 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))


@given(st.text(max_size=20), intervals, moments)
def test_regular_times_are_a_tenth_apart_at_most(
    name: str, every: timedelta, now: datetime
) -> None:
    """From one regular time to the next are nine tenths of the interval or more, never all of it."""
    first = regular(name, every, now)
    second = regular(name, every, first)

    assert every * 0.9 <= second - first <= every


@given(st.text(max_size=20), intervals, moments)
def test_the_next_time_is_never_farther_than_the_interval(
    name: str, every: timedelta, now: datetime
) -> None:
    """Whenever it is asked, the answer is later than now and within the interval."""
    assert timedelta() < regular(name, every, now) - now <= every


@given(st.text(max_size=20), intervals, moments, st.floats(0, 0.8))
def test_replicas_agree(name: str, every: timedelta, now: datetime, share: float) -> None:
    """Asked a little earlier or later, before the same regular time, the answer is the same."""
    at = regular(name, every, now)
    later = now + (at - every * 0.03 - now) * share

    assert later < now or regular(name, every, later) == at


def test_a_check_that_ran_late_does_not_move_the_next_one() -> None:
    """Ten minutes of lateness are not carried over: there is no drift."""
    on_time = regular("a", HOUR, START)

    assert regular("a", HOUR, on_time) == regular("a", HOUR, on_time + 10 * MINUTE)


def test_registries_are_spread_over_the_interval() -> None:
    """A thousand registries added at once fill every tenth of the hour about evenly."""
    tenths = [0] * 10
    for number in range(1000):
        at = regular(f"registry-{number}", HOUR, START)
        tenths[int((at - START) / HOUR * 10)] += 1

    assert min(tenths) > 60
    assert max(tenths) < 150


def test_a_change_is_looked_at_sooner() -> None:
    """What the health asks for stands above the regular time."""
    assert next_check("a", HOUR, START, soon=MINUTE) == START + MINUTE


def test_the_guard_stands_above_everything() -> None:
    """No check comes before the lock-out guard allows it."""
    allowed = START + 6 * HOUR

    assert next_check("a", HOUR, START, soon=MINUTE, not_before=allowed) == allowed
    assert next_check("a", HOUR, START, not_before=START) == regular("a", HOUR, START)


def test_a_registrys_own_interval_wins() -> None:
    """Within 5 minutes and 7 days."""
    assert interval(60) == HOUR
    assert interval(60, 10) == 10 * MINUTE
    assert interval(60, 1) == 5 * MINUTE
    assert interval(99_999) == timedelta(days=7)
