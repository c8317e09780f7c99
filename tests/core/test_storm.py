import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.health import Trouble
from bot.core.storm import (
    Alone,
    Channel,
    Gather,
    Join,
    Word,
    arrived,
    next_tick,
    tick,
    withdrawn,
)
from tests.core.answers import MINUTE, START

AWAY, REFUSED = Trouble.UNREACHABLE, Trouble.REFUSED


def play(arrivals: Sequence[tuple[float, str, Trouble]]) -> tuple[Channel, list[Word]]:
    """Arrivals at seconds after START, with a tick whenever one is due, and to the end of it."""
    channel, words = Channel(), list[Word]()

    def run_to(now: datetime) -> None:
        nonlocal channel
        while (at := next_tick(channel)) is not None and at <= now:
            channel, said = tick(channel, at)
            words.extend(said)

    for seconds, name, trouble in arrivals:
        now = START + timedelta(seconds=seconds)
        run_to(now)
        channel, said = arrived(channel, name, trouble, now)
        words.extend(said)
        channel = Channel.from_json(json.loads(json.dumps(channel.to_json())))
    run_to(START + timedelta(days=1))
    return channel, words


def messages(words: list[Word]) -> int:
    return sum(isinstance(word, Alone | Gather) for word in words)


def listed(words: list[Word]) -> list[str]:
    """Every incident that has a message or stands in the parent's list."""
    names: list[str] = []
    for word in words:
        match word:
            case Alone(name) | Join(_, name):
                names.append(name)
            case Gather(_, ids):
                names += ids
    return names


def test_a_single_incident_is_told_at_once() -> None:
    """It has its own message, without any wait."""
    _, words = arrived(Channel(), "a", AWAY, START)

    assert words == (Alone("a"),)


def test_five_of_one_trouble_have_their_own_messages() -> None:
    """Two at once, three after fifteen seconds."""
    _, words = play([(n, f"i{n}", AWAY) for n in range(5)])

    assert words == [Alone(f"i{n}") for n in range(5)]


def test_six_of_one_trouble_become_one_message() -> None:
    """Two were posted already; the parent lists them too."""
    _, words = play([(n, f"i{n}", AWAY) for n in range(6)])

    assert words == [Alone("i0"), Alone("i1"), Gather("i0", tuple(f"i{n}" for n in range(6)))]


def test_2800_at_once_make_three_messages_and_lose_nobody() -> None:
    """Of all troubles, within twenty seconds: three messages that name all 2,800."""
    chance = random.Random(5)
    arrivals = [(n * 20 / 2800, f"i{n}", chance.choice(list(Trouble))) for n in range(2800)]
    channel, words = play(arrivals)

    assert messages(words) == 3
    assert set(listed(words)) == {f"i{n}" for n in range(2800)}
    assert len(json.dumps(channel.to_json())) < 200


def test_a_storm_is_over_when_nobody_joined_for_ten_minutes() -> None:
    """The next incident is told alone."""
    _, words = play([(n, f"i{n}", AWAY) for n in range(6)] + [(700, "later", AWAY)])

    assert words[-1] == Alone("later")


def test_one_of_the_same_trouble_joins_within_ten_minutes() -> None:
    """It is in the list of those before it."""
    _, words = play([(n, f"i{n}", AWAY) for n in range(6)] + [(500, "later", AWAY)])

    assert words[-1] == Join("i0", "later")


def test_one_of_another_trouble_joins_while_the_storm_rages() -> None:
    """Within a minute of the last one: a flood of everything is one message as well."""
    _, words = play([(n, f"i{n}", AWAY) for n in range(6)] + [(60, "other", REFUSED)])

    assert words[-1] == Join("i0", "other")


def test_one_of_another_trouble_is_told_alone_after_that() -> None:
    """A refused token does not vanish in the list of an outage, where nobody is called to it."""
    storm = [(n, f"i{n}", AWAY) for n in range(6)]
    _, words = play([*storm, (70, "other", REFUSED), (80, "same", AWAY)])

    assert words[-2:] == [Alone("other"), Join("i0", "same")]


def test_one_that_is_over_before_its_turn_is_not_told() -> None:
    """Recovered within its fifteen seconds."""
    channel, _ = play([])
    for name in ("a", "b", "c"):
        channel, _ = arrived(channel, name, AWAY, START)
    channel = withdrawn(channel, "c")

    assert tick(channel, START + MINUTE)[1] == ()


def test_a_clock_that_is_put_back_holds_nobody_back() -> None:
    """One waited for its turn, in a storm's wake, when it went back by a day."""
    channel, _ = play([(n, f"i{n}", AWAY) for n in range(6)])
    later = START + timedelta(hours=1)
    for name in ("a", "b", "c"):
        channel, _ = arrived(channel, name, AWAY, later)

    channel, words = tick(channel, later - timedelta(days=1))

    assert words == (Alone("c"),)
    assert next_tick(channel) is None


def test_a_worker_whose_transaction_began_earlier_breaks_no_storm() -> None:
    """It waited for the channel's row, in which others of a few seconds later stand."""
    channel, _ = play([])
    for number in range(5):
        channel, _ = arrived(channel, f"i{number}", AWAY, START)
    before = START - timedelta(seconds=5)

    assert tick(channel, before)[1] == ()
    storm, words = arrived(channel, "i5", AWAY, before)
    assert isinstance(words[-1], Gather)
    _, words = arrived(storm, "i6", AWAY, before - timedelta(seconds=5))
    assert words == (Join("i0", "i6"),)


def test_the_same_incident_twice_is_one() -> None:
    """A repeated delivery adds nothing."""
    channel, _ = arrived(Channel(), "a", AWAY, START)
    _, words = arrived(channel, "a", AWAY, START)

    assert words == ()


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(Trouble)), max_size=80))
def test_everyone_is_told_and_nobody_posted_twice(gaps: list[tuple[int, Trouble]]) -> None:
    """At any pace, every incident has a message or a line, and never two messages of its own."""
    seconds, arrivals = 0, list[tuple[float, str, Trouble]]()
    for number, (gap, trouble) in enumerate(gaps):
        seconds += gap
        arrivals.append((seconds, f"i{number}", trouble))
    _, words = play(arrivals)

    assert set(listed(words)) == {name for _, name, _ in arrivals}
    alone = [word.incident_id for word in words if isinstance(word, Alone)]
    assert len(alone) == len(set(alone))
