import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.pause import Pause, parse_duration, pause
from bot.errors import InvalidInput
from tests.core.answers import HOUR, START


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2h", 120),
        ("30m", 30),
        ("1d", 1440),
        ("1h30m", 90),
        ("1h 30m", 90),
        ("for 2h", 120),
        ("2 hours", 120),
        ("1 day and 2 hours", 1560),
        ("1w", 10_080),
        ("90 minutes", 90),
        ("45 MIN", 45),
        ("30d", 43_200),
    ],
)
def test_people_write_durations_in_their_own_way(text: str, minutes: int) -> None:
    """Short forms, words and sums."""
    assert parse_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text", ["", "h", "2", "2 h 3", "1h1h", "-2h", "2hx", "0m", "31d", "1.5h", "²h", "9999999h"]
)
def test_other_texts_are_refused_with_an_example(text: str) -> None:
    """The sentence belongs to the field `duration`."""
    with pytest.raises(InvalidInput) as caught:
        parse_duration(text)
    assert set(caught.value.fields) == {"duration"}


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    """A duration within bounds, or InvalidInput; nothing else."""
    try:
        parsed = parse_duration(text)
    except InvalidInput:
        return
    assert timedelta(minutes=1) <= parsed <= timedelta(days=30)


def test_a_pause_ends_by_itself() -> None:
    """From now until its end, that moment excluded."""
    window = pause("2h", "U1", " moving the registry ", START)

    assert window == Pause(START, START + 2 * HOUR, "U1", "moving the registry")
    assert window.holds(START)
    assert not window.holds(START + 2 * HOUR)
    assert Pause.from_json(json.loads(json.dumps(window.to_json()))) == window
    assert Pause.from_json({}) is None
