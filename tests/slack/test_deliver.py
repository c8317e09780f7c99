"""News from the outbox to the alert channel."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from sqlmodel import update

from bot.core.access import WorkspaceSettings
from bot.core.incident import Button
from bot.slack.deliver import Courier, deliver_due
from bot.store.schema import IncidentRow
from bot.usecases import registries, workspaces
from tests.factories import ALICE, add, clock_of, generic
from tests.slack.alarm import fails, press, waiting
from tests.slack.workspace import Office


@pytest.fixture
async def news(office: Office) -> Office:
    """A workspace with an alert channel."""
    await workspaces.change_settings(office.deps, ALICE, WorkspaceSettings(alert_channel="C9"))
    return office


async def test_who_added_what_is_told_once(news: Office) -> None:
    """In the alert channel, with a way to look."""
    await add(news.deps, answers=generic(environment="production"))

    assert await deliver_due(news.deps, news.client) == 1
    assert await deliver_due(news.deps, news.client) == 0
    (message,) = news.slack.of("chat.postMessage")
    assert message["channel"] == "C9"
    assert "`harbor-team`* was added by <@UALICE>" in message["text"]
    assert "Production" in message["text"]
    assert message["unfurl_links"] is False


async def test_deleting_is_told_with_its_reason(news: Office) -> None:
    """And with the way back."""
    await add(news.deps)
    await registries.delete(news.deps, ALICE, "harbor-team", "harbor-team", "moved <!here>")
    await deliver_due(news.deps, news.client)

    told = news.slack.of("chat.postMessage")[-1]
    assert "was deleted by" in told["text"]
    assert "Reason: moved &lt;!here&gt;" in told["text"]
    assert '"restore"' in str(told["blocks"]).replace("'", '"')


async def test_without_an_alert_channel_nobody_is_told(office: Office) -> None:
    """There is nowhere to say it."""
    await add(office.deps)

    assert await deliver_due(office.deps, office.client) == 0


async def test_a_limit_is_waited_out_in_order(news: Office) -> None:
    """Later news of the channel stay behind the one that Slack refused for now."""
    await add(news.deps, answers=generic("a-first"))
    await add(news.deps, answers=generic("b-second"))
    news.slack.fail("chat.postMessage", "ratelimited", **{"Retry-After": "30"})

    assert await deliver_due(news.deps, news.client) == 0
    assert len(news.slack.of("chat.postMessage")) == 1
    clock_of(news.deps).skip(timedelta(seconds=29))
    assert await deliver_due(news.deps, news.client) == 0
    clock_of(news.deps).skip(timedelta(seconds=2))
    assert await Courier(news.deps, news.client, apart=0).deliver_due() == 2
    first, second = news.slack.of("chat.postMessage")[-2:]
    assert ("a-first" in first["text"], "b-second" in second["text"]) == (True, True)


@pytest.mark.parametrize("error", ["not_in_channel", "is_archived", "channel_not_found"])
async def test_a_closed_channel_is_told_to_the_author(news: Office, error: str) -> None:
    """The news and the reason go to whoever made them."""
    await add(news.deps)
    news.slack.fail("chat.postMessage", error)

    assert await deliver_due(news.deps, news.client) == 1
    told = news.slack.of("chat.postMessage")[-1]
    assert told["channel"] == "UALICE"
    assert "could not be posted in <#C9>" in told["text"]
    assert "was added by" in told["text"]


async def test_a_fault_of_slack_is_tried_again(news: Office) -> None:
    """Later each time."""
    await add(news.deps)
    news.slack.fail("chat.postMessage", "internal_error")

    assert await deliver_due(news.deps, news.client) == 0
    clock_of(news.deps).skip(timedelta(seconds=5))
    assert await deliver_due(news.deps, news.client) == 1


async def test_what_can_never_be_sent_is_given_up(news: Office) -> None:
    """One message does not block the ones behind it."""
    await add(news.deps, answers=generic("a-first"))
    await add(news.deps, answers=generic("b-second"))
    news.slack.fail("chat.postMessage", "msg_too_long")
    await Courier(news.deps, news.client, apart=0).deliver_due()

    assert "b-second" in news.slack.of("chat.postMessage")[-1]["text"]
    clock_of(news.deps).skip(timedelta(days=1))
    assert await deliver_due(news.deps, news.client) == 0


async def test_messages_to_one_channel_are_a_second_apart(news: Office) -> None:
    """Slack takes about one a second."""
    for name in ("a-first", "b-second"):
        await add(news.deps, answers=generic(name))
    courier = Courier(news.deps, news.client)
    while await waiting(news.deps):
        await courier.deliver_due()
        clock_of(news.deps).skip(timedelta(seconds=1))

    first, second = news.slack.moments["chat.postMessage"]
    assert second - first >= 0.95


async def test_slack_being_away_loses_nothing(news: Office) -> None:
    """A connection that fails is tried again."""
    await add(news.deps)
    away = type(news.client)(token="xoxb-test", base_url="http://127.0.0.1:9/api/")

    assert await deliver_due(news.deps, away) == 0
    clock_of(news.deps).skip(timedelta(minutes=1))
    assert await deliver_due(news.deps, news.client) == 1


async def test_the_pace_is_kept_from_one_beat_to_the_next(news: Office) -> None:
    """One courier serves the whole process."""
    courier = Courier(news.deps, news.client)
    for name in ("a-first", "b-second"):
        await add(news.deps, answers=generic(name))
        await courier.deliver_due()

    first, second = news.slack.moments["chat.postMessage"]
    assert second - first >= 0.95


async def test_a_busy_channel_does_not_hold_up_another(news: Office) -> None:
    """What would have to wait for its turn goes back, in order, and the others go on."""
    for number in range(6):
        await add(news.deps, answers=generic(f"registry-{number}"))
    settings = await workspaces.settings(news.deps, ALICE)
    await workspaces.change_settings(news.deps, ALICE, replace(settings, alert_channel="C8"))
    await add(news.deps, answers=generic("elsewhere"))
    courier = Courier(news.deps, news.client)

    assert await courier.deliver_due() == 3
    assert {post["channel"] for post in news.slack.of("chat.postMessage")} == {"C8", "C9"}
    for _ in range(9):
        clock_of(news.deps).skip(timedelta(seconds=1))
        await courier.deliver_due()
    told = [post["text"] for post in news.slack.of("chat.postMessage") if post["channel"] == "C9"]
    assert [f"registry-{number}" in text for number, text in enumerate(told)] == [True] * 6


async def test_slack_that_refuses_blocks_gets_the_text(news: Office) -> None:
    """A limit that Slack changes must not swallow news; the text says everything."""
    await add(news.deps)
    news.slack.fail("chat.postMessage", "invalid_blocks")

    assert await deliver_due(news.deps, news.client) == 1
    last = news.slack.of("chat.postMessage")[-1]
    assert "was added by" in last["text"]
    assert "blocks" not in last


async def test_what_may_have_got_through_is_looked_for(news: Office) -> None:
    """Slack took it, and the answer was lost: it is edited where it stands."""
    await add(news.deps)
    news.slack.delays["chat.postMessage"] = 0.2
    impatient = type(news.client)(token="xoxb-test", base_url=news.client.base_url, timeout=30)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.1)) as session:
        impatient.session = session
        courier = Courier(news.deps, impatient)
        assert await courier.deliver_due() == 0
    assert courier.failures["TimeoutError"] == 1
    await asyncio.sleep(0.3)
    news.slack.delays.clear()
    clock_of(news.deps).skip(timedelta(minutes=1))

    assert await deliver_due(news.deps, news.client) == 1
    assert len(news.slack.of("chat.postMessage")) == 1
    assert len(news.slack.of("chat.update")) == 1


async def test_a_limit_of_edits_is_waited_out(news: Office) -> None:
    """The edit goes back, and the newest of those that wait is sent."""
    await add(news.deps)
    courier = Courier(news.deps, news.client, apart=0)
    await fails(news.deps)
    await courier.deliver_due()
    news.slack.fail("chat.update", "ratelimited", **{"Retry-After": "1"})
    await press(news.deps, Button.ACKNOWLEDGE)
    await courier.deliver_due()
    await press(news.deps, Button.UNACKNOWLEDGE)
    await press(news.deps, Button.ACKNOWLEDGE)
    await asyncio.sleep(1)
    clock_of(news.deps).skip(timedelta(seconds=2))
    await courier.deliver_due()

    _refused, edit = news.slack.of("chat.update")
    assert "Acknowledged" in edit["text"]
    threads = [post for post in news.slack.of("chat.postMessage") if post.get("thread_ts")]
    assert [post["text"].split(" · ")[1][0] for post in threads] == ["🟡", "🔴", "🟡"]


async def test_a_page_of_a_proxy_instead_of_an_answer(news: Office) -> None:
    """Whatever it says, it is tried again."""
    await add(news.deps)
    news.slack.fail("chat.postMessage", "")
    courier = Courier(news.deps, news.client)

    assert await courier.deliver_due() == 0
    clock_of(news.deps).skip(timedelta(minutes=1))
    assert await courier.deliver_due() == 1


async def test_one_letter_that_cannot_be_worded_stops_no_other(news: Office) -> None:
    """It is kept, and counted."""
    await fails(news.deps, (await add(news.deps)).name)
    async with news.deps.store.transaction() as session:
        await session.exec(update(IncidentRow).values(state_json="nonsense"))
    courier = Courier(news.deps, news.client, apart=0)

    assert await courier.deliver_due() == 1
    assert courier.failures["wording"] == 1
