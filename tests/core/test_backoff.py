from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.backoff import after_limit, after_miss, during_outage, parse_retry_after, slow_retry
from tests.core.answers import HOUR, MINUTE, START


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("1.5", 1.5),
        ("-30", 0),
        ("999999999", 86_400),
        ("1e300", 86_400),
        ("Tue, 24 Nov 2026 09:05:00 GMT", 300),
        ("Tuesday, 24-Nov-26 09:05:00 GMT", 300),
        ("Tue Nov 24 09:05:00 2026", 300),
        ("Tue, 24 Nov 2026 10:05:00 +0100", 300),
        ("Mon, 23 Nov 2026 09:05:00 GMT", 0),
        ("Tue, 24 Nov 2099 09:05:00 GMT", 86_400),
    ],
)
def test_retry_after_is_understood_in_all_its_forms(text: str, seconds: float) -> None:
    """Seconds and the three dates of HTTP, kept between now and a day from now."""
    assert parse_retry_after(text, START) == START + timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "Tue, 99 Nov 2026", "12 parsecs"])
def test_a_retry_after_that_says_nothing_is_none(text: str) -> None:
    """What is neither a number nor a date asks for nothing."""
    assert parse_retry_after(text, START) is None


@given(st.text(max_size=40))
def test_no_header_breaks_it(text: str) -> None:
    """Whatever a registry sends, the answer is None or a moment within a day."""
    at = parse_retry_after(text, START)

    assert at is None or START <= at <= START + timedelta(days=1)


def test_the_ladders_end_on_their_last_rung() -> None:
    """However often it failed, the wait stays bounded."""
    assert [slow_retry(rung) // HOUR for rung in (0, 1, 2, 3, 99)] == [1, 6, 24, 24, 24]
    assert after_miss(1) == timedelta(seconds=20)
    assert after_miss(500) == 2 * MINUTE
    assert after_limit(10_000, None, START) == HOUR


def test_a_long_outage_is_looked_at_less_often() -> None:
    """Every five minutes in the first hour, then every fifteen."""
    assert during_outage(59 * MINUTE) == 5 * MINUTE
    assert during_outage(HOUR) == 15 * MINUTE


def test_a_retry_at_in_the_past_still_waits_a_moment() -> None:
    """Clocks differ; the next check is never at once."""
    assert after_limit(1, START - HOUR, START) == timedelta(seconds=5)
    assert after_limit(1, START + 90 * HOUR, START) == 24 * HOUR
