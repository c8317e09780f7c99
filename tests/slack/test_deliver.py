"""News from the outbox to the alert channel."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.access import WorkspaceSettings
from bot.slack.deliver import deliver_due
from bot.usecases import registries, workspaces
from tests.factories import ALICE, add, clock_of, generic
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
    assert await deliver_due(news.deps, news.client) == 2
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
    news.slack.fail("chat.postMessage", "invalid_blocks")
    await deliver_due(news.deps, news.client)

    assert "b-second" in news.slack.of("chat.postMessage")[-1]["text"]
    clock_of(news.deps).skip(timedelta(days=1))
    assert await deliver_due(news.deps, news.client) == 0


async def test_messages_to_one_channel_are_a_second_apart(news: Office) -> None:
    """Slack takes about one a second."""
    for name in ("a-first", "b-second"):
        await add(news.deps, answers=generic(name))
    await deliver_due(news.deps, news.client)

    first, second = news.slack.moments["chat.postMessage"]
    assert second - first >= 0.95


async def test_slack_being_away_loses_nothing(news: Office) -> None:
    """A connection that fails is tried again."""
    await add(news.deps)
    away = type(news.client)(token="xoxb-test", base_url="http://127.0.0.1:9/api/")

    assert await deliver_due(news.deps, away) == 0
    clock_of(news.deps).skip(timedelta(minutes=1))
    assert await deliver_due(news.deps, news.client) == 1
