import json
from datetime import timedelta

import pytest

from bot.core.check import Cause, CheckResult, Verdict
from bot.core.offline import Mode, Network, Word, heard, probed, silent, tick
from tests.core.answers import MINUTE, PROVEN, SILENT, START, answer


def lose(network: Network, *hosts: str) -> tuple[Network, list[Word]]:
    words: list[Word] = []
    for host in hosts:
        network, said = heard(network, host, START, reached=False)
        words += said
    return network, words


def see(network: Network, *hosts: str) -> Network:
    for host in hosts:
        network, _ = heard(network, host, START, reached=True)
    return network


def offline() -> Network:
    network, _ = lose(see(Network(), "d.example"), "a.example", "b.example", "c.example")
    return probed(network, START, reached=0)[0]


def test_one_silent_host_among_many_is_its_own_trouble() -> None:
    """Two thirds that answer show that we are online."""
    network, words = lose(see(Network(), "a.example", "b.example"), "c.example")

    assert words == []
    assert network.mode is Mode.ONLINE


def test_when_most_hosts_are_silent_the_probes_are_asked() -> None:
    """Three of five: asked once, and judged by nobody before the answer."""
    network, words = lose(
        see(Network(), "d.example", "e.example"), "a.example", "b.example", "c.example"
    )

    assert words == [Word.ASK]
    assert network.mode is Mode.ASKING


def test_a_single_host_that_is_silent_is_checked_against_the_probes() -> None:
    """With one registry only the probes can tell whose trouble it is."""
    _, words = lose(Network(), "a.example")

    assert words == [Word.ASK]


def test_a_probe_that_answers_shows_their_trouble() -> None:
    """We are online, and for five minutes the question is not asked again."""
    network, _ = lose(Network(), "a.example", "b.example", "c.example")
    network, words = probed(network, START, reached=1)
    _, again = lose(network, "d.example")

    assert words == ()
    assert again == []
    assert network.mode is Mode.ONLINE


def test_silent_probes_show_our_own_and_it_is_said_once() -> None:
    """Offline: said with the first proof of it, not with the following ones."""
    network, _ = lose(Network(), "a.example", "b.example", "c.example")
    network, first = probed(network, START, reached=0)
    network, second = probed(network, START + MINUTE, reached=0)

    assert (first, second) == ((Word.SAY_OFFLINE,), ())
    assert network.mode is Mode.OFFLINE
    assert network.since == START


def test_while_offline_the_probes_are_asked_every_minute() -> None:
    """Not more often, however much is silent."""
    network = offline()
    network, early = tick(network, START + timedelta(seconds=59))
    network, ripe = tick(network, START + MINUTE)
    network, again = tick(network, START + MINUTE)

    assert (early, ripe, again) == ((), (Word.ASK,), ())


def test_we_are_back_when_a_probe_answers() -> None:
    """Said once, after it was said that we were away."""
    network, words = probed(offline(), START + 9 * MINUTE, reached=1)

    assert words == (Word.SAY_BACK,)
    assert network.mode is Mode.ONLINE


def test_we_are_back_when_most_hosts_answer() -> None:
    """The registries themselves are as good as any probe."""
    network, words = offline(), list[Word]()
    for host in ("a.example", "b.example", "c.example"):
        network, said = heard(network, host, START + MINUTE, reached=True)
        words += said

    assert Word.SAY_BACK in words
    assert network.mode is Mode.ONLINE


def test_a_line_that_comes_and_goes_is_said_once_an_hour() -> None:
    """The second loss within the hour is silent, and so is its end."""
    network, _ = probed(offline(), START + MINUTE, reached=1)
    later = START + 20 * MINUTE
    for host in ("a.example", "b.example", "c.example"):
        network, _ = heard(network, host, later, reached=False)
    network, lost = probed(network, later, reached=0)
    network, back = probed(network, later + MINUTE, reached=1)

    assert (lost, back) == ((), ())


def test_a_clock_that_is_put_back_does_not_leave_us_in_doubt() -> None:
    """The probes were asked by a clock a day ahead: they are asked again at once."""
    network, _ = lose(Network(), "a.example")
    before = START - timedelta(days=1)

    _, words = tick(network, before)
    assert words == (Word.ASK,)
    network, _ = heard(network, "b.example", before, reached=True)
    assert network.mode is Mode.ONLINE


def test_old_news_of_hosts_are_forgotten() -> None:
    """Hosts heard of more than five minutes ago decide nothing."""
    network = see(Network(), "a.example", "b.example", "c.example")
    network, words = heard(network, "d.example", START + 6 * MINUTE, reached=False)

    assert words == (Word.ASK,)
    assert set(network.sights) == {"d.example"}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (SILENT, True),
        (answer(Verdict.UNREACHABLE, cause=Cause.HOST_NOT_FOUND), True),
        (answer(Verdict.UNREACHABLE, cause=Cause.REGISTRY_ERROR), False),
        (answer(Verdict.UNREACHABLE, cause=Cause.TLS_FAILURE), False),
        (PROVEN, False),
    ],
)
def test_only_the_silence_of_the_network_counts(result: CheckResult, expected: bool) -> None:
    """A 503 or a bad certificate came over a line that works."""
    assert silent(result) is expected


def test_the_state_survives_its_json() -> None:
    """Stored and read back, it is the same."""
    network = offline()

    assert Network.from_json(json.loads(json.dumps(network.to_json()))) == network
    assert Network.from_json({}) == Network()
