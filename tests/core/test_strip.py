from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.check import Verdict
from bot.core.strip import Tally, percent, share, strip, tally
from tests.core.answers import HOUR, START


def test_checks_are_counted_by_the_hour() -> None:
    """Good, failed and unjudged apart; what lies outside is left out."""
    checks = [
        (START, Verdict.PROVEN),
        (START + timedelta(minutes=59), Verdict.REFUSED),
        (START + HOUR, Verdict.LIMITED),
        (START + 2 * HOUR, Verdict.PROVEN),
        (START - HOUR, Verdict.PROVEN),
    ]

    assert tally(checks, START, HOUR, 2) == (
        Tally(START, good=1, failed=1),
        Tally(START + HOUR, unjudged=1),
    )


def test_a_share_is_of_the_last_day_or_week() -> None:
    """A failure of the day before yesterday is out of the 24 hours."""
    days = [Tally(START - timedelta(days=n), good=24) for n in range(1, 8)]
    days[1] = Tally(START - timedelta(days=2), good=18, failed=6)

    assert share(days, START, timedelta(hours=24)) == 1
    assert share(days, START, timedelta(days=7)) == 162 / 168


def test_a_hundred_percent_means_every_single_check() -> None:
    """One failure in a million is not rounded away."""
    assert percent(1.0) == "100 %"
    assert percent(999_999 / 1_000_000) == "99.9 %"
    assert percent(0.997) == "99.7 %"
    assert percent(0.5) == "50 %"
    assert percent(None) == "no checks"


def test_the_strip_shows_good_bad_and_unchecked_days() -> None:
    """High is all good, low mostly failed, a dot not checked."""
    days = [
        Tally(START, good=24),
        Tally(START, good=23, failed=1),
        Tally(START, good=15, failed=9),
        Tally(START, failed=24),
        Tally(START, unjudged=24),
    ]

    assert strip(days) == "▇▅▃▂·"


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=40))
def test_one_sign_per_span(counts: list[tuple[int, int]]) -> None:
    """And a full sign only where nothing failed."""
    tallies = [Tally(START, good, failed) for good, failed in counts]
    signs = strip(tallies)

    assert len(signs) == len(tallies)
    assert all((sign == "▇") == (t.share == 1) for sign, t in zip(signs, tallies, strict=True))
