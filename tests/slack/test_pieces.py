"""The small parts between Slack and the listeners."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.access import WorkspaceSettings
from bot.slack.access import USABLE, People
from bot.slack.background import Background
from bot.slack.call import Call, Place, call_of
from bot.slack.once import Once
from bot.slack.pace import Pace
from bot.slack.words import ago, ahead, span
from bot.usecases import workspaces
from tests.factories import ALICE, clock_of
from tests.slack.workspace import Office

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (89, "89 s"), (720, "12 min"), (7200, "2 h"), (41 * 86400, "41 days")],
)
def test_spans_are_said_in_the_unit_that_fits(seconds: int, words: str) -> None:
    """One number and one unit."""
    assert span(timedelta(seconds=seconds)) == words


def test_times_are_said_from_now() -> None:
    """Past and coming."""
    assert ago(NOW, NOW) == "just now"
    assert ago(NOW - timedelta(hours=2), NOW) == "2 h ago"
    assert ahead(NOW + timedelta(hours=1), NOW) == "in 60 min"
    assert ahead(NOW - timedelta(hours=1), NOW) == "due now"


def test_a_key_counts_once_and_the_memory_is_bounded() -> None:
    """Double clicks are told apart from new ones."""
    once = Once(most=2)

    assert [once.first("a"), once.first("a"), once.first("b"), once.first("c")] == [
        True,
        False,
        True,
        True,
    ]
    assert once.first("a")
    once.again("a")
    assert once.first("a")


async def test_work_that_fails_unheard_leaves_nothing_behind() -> None:
    """It is logged, and the set is empty again."""
    background = Background()

    async def fail() -> None:
        raise ZeroDivisionError

    background.start(fail(), "failing")
    await background.drain()

    assert background.running == 0


async def test_draining_waits_only_so_long() -> None:
    """What does not end is cut off."""
    background = Background()
    task = background.start(asyncio.sleep(60), "endless")
    await background.drain(patience=0.05)

    assert task.cancelled()


async def test_the_newest_progress_is_sent() -> None:
    """What was offered in between is skipped; nothing is sent after the block."""
    sent: list[int] = []

    async def send(value: int) -> None:
        sent.append(value)

    async with Pace(send, 0.05) as pace:
        for number in range(10):
            pace.offer(number)
        await asyncio.sleep(0.08)
        pace.offer(99)

    assert sent == [9]


async def test_an_update_does_not_overtake_the_ack() -> None:
    """Even when the work is done at once, the block lasts an interval."""
    loop = asyncio.get_running_loop()
    begun = loop.time()

    async def send(_: int) -> None: ...

    async with Pace(send, 0.1):
        pass

    assert loop.time() - begun >= 0.09


@pytest.fixture
def call() -> Call:
    return Call("T1", "UALICE", Place.COMMAND)


async def test_slack_is_asked_who_somebody_is_once_a_minute(office: Office, call: Call) -> None:
    """And what it said is known for ten, without asking."""
    people = People(office.client, office.deps)
    assert await people.known(call) is None
    assert (await people.actor(call)).is_admin
    assert (await people.actor(call)).is_admin
    assert len(office.slack.of("users.info")) == 1
    clock_of(office.deps).skip(timedelta(minutes=2))
    assert await people.known(call) == ALICE
    await people.actor(call)
    assert len(office.slack.of("users.info")) == 2
    clock_of(office.deps).skip(USABLE + timedelta(seconds=1))

    assert await people.known(call) is None


async def test_the_groups_of_the_settings_are_known_too(office: Office, call: Call) -> None:
    """Only those are asked for."""
    settings = WorkspaceSettings(manager_groups=("SPLATFORM",))
    await workspaces.change_settings(office.deps, ALICE, settings)
    office.slack.groups = {"SPLATFORM": ["UALICE"], "SOTHER": ["UALICE"]}
    people = People(office.client, office.deps)
    actor = await people.actor(call)

    assert actor.groups == {"SPLATFORM"}
    assert await people.known(call) == actor


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda body: body | {"command": "/registry"}, Place.COMMAND),
        (lambda body: body | {"event": {"user": "U1"}}, Place.EVENT),
        (lambda body: body | {"view": {"type": "home"}}, Place.HOME),
        (lambda body: body | {"view": {"type": "modal"}}, Place.MODAL),
        (lambda body: body | {"type": "view_closed", "view": {}}, Place.SUBMISSION),
        (lambda body: body | {"container": {"is_ephemeral": True}}, Place.EPHEMERAL),
        (lambda body: body, Place.POSTED),
    ],
)
def test_where_somebody_asks_from_is_told_apart(
    change: Callable[[dict[str, object]], dict[str, object]], place: Place
) -> None:
    """The answer goes back the same way."""
    body: dict[str, object] = {"team": {"id": "T1"}, "user": {"id": "U1"}, "trigger_id": None}

    assert call_of(change(body)).place is place


def test_what_answers_a_call_is_not_printed() -> None:
    """Whoever knows the response_url can answer in our name."""
    call = Call("T1", "U1", Place.COMMAND, trigger="trigger", response_url="https://hooks/secret")

    assert "hooks" not in repr(call)
    assert "trigger" not in repr(call)
