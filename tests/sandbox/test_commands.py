"""Slash commands: what the app gets, and what a person sees when it answers, or does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp

from bot.sandbox.slackd.person import Person
from bot.sandbox.slackd.refusal import Impossible
from bot.sandbox.slackd.server import SlackServer
from tests.sandbox.kit import section

JSON = dict[str, Any]


async def test_the_app_gets_the_command_as_slack_sends_it(app: AsyncApp, ada: Person) -> None:
    """Text after the command, with people, channels and links escaped; who, where, and how to
    answer.
    """
    got: list[JSON] = []

    @app.command("/registry")
    async def listen(ack: Any, body: JSON) -> None:
        await ack()
        got.append(body)

    await ada.type("/registry add @mo #general https://ghcr.io <&>", "#registry-alerts")

    body = got[0]
    assert body["text"] == (
        "add <@U0MANAGER1|mo> <#C0GENERAL1|general> <https://ghcr.io> &lt;&amp;&gt;"
    )
    assert (body["user_id"], body["channel_id"]) == ("U0ADMIN001", "C0ALERTS01")
    assert (body["command"], body["channel_name"]) == ("/registry", "registry-alerts")
    assert body["response_url"].startswith("http://127.0.0.1:")


async def test_the_text_of_an_ack_is_ephemeral(app: AsyncApp, ada: Person, mel: Person) -> None:
    """By default only the one who typed sees the answer."""

    @app.command("/registry")
    async def listen(ack: Any) -> None:
        await ack(text="twelve registries", blocks=[section("*twelve* registries")])

    await ada.type("/registry", "#general")
    await mel.go("#general")

    assert "only visible to you" in await ada.read()
    assert await mel.read() == ""


async def test_an_answer_in_the_channel_shows_the_command_too(
    app: AsyncApp, ada: Person, mel: Person
) -> None:
    """With response_type in_channel everyone sees what was typed and the answer."""

    @app.command("/registry")
    async def listen(ack: Any) -> None:
        await ack(text="all fine", response_type="in_channel")

    await ada.type("/registry test all", "#general")
    await mel.go("#general")

    assert await mel.read() == "Ada Admin:\n/registry test all\n\nRegistrar:\nall fine"


async def test_a_late_ack_shows_slacks_words(
    app: AsyncApp, slack: SlackServer, ada: Person
) -> None:
    """After the time is over the person reads operation_timeout, and the lateness is recorded."""

    @app.command("/registry")
    async def listen(ack: Any) -> None:
        await asyncio.sleep(0.7)
        await ack("too late")

    await ada.type("/registry list", "#general")

    assert '/registry failed with the error "operation_timeout"' in await ada.read()
    await asyncio.sleep(0.4)
    assert "too late" not in await ada.read()
    errors = [problem["error"] for problem in slack.world.problems]
    assert errors == ["operation_timeout", "late_ack"]


async def test_nobody_listening_shows_slacks_words(slack: SlackServer, ada: Person) -> None:
    """Without a connection the command fails at once."""
    await ada.type("/registry list", "#general")

    assert '/registry failed with the error "dispatch_failed"' in await ada.read()


async def test_an_ack_slack_would_refuse_is_not_shown(
    app: AsyncApp, slack: SlackServer, ada: Person
) -> None:
    """Invalid blocks in an ack fail the command, and the reason is among the problems."""

    @app.command("/registry")
    async def listen(ack: Any) -> None:
        await ack(blocks=[{"type": "password"}], text="x")

    await ada.type("/registry list", "#general")

    assert 'failed with the error "invalid_command_response"' in await ada.read()
    assert slack.world.problems[0]["error"] == "invalid_blocks"


async def test_other_commands_are_not_the_apps(app: AsyncApp, ada: Person) -> None:
    """An unknown command is answered by Slackbot."""
    await ada.type("/registr list", "#general")

    assert "/registr is not a valid command" in await ada.read()


async def test_commands_do_not_run_in_threads(app: AsyncApp, ada: Person) -> None:
    """Slack refuses a slash command in a thread."""
    with pytest.raises(Impossible, match="not supported in threads"):
        await ada.do("type", text="/registry list", channel="#general", thread_ts="1.0")


async def test_a_command_is_logged_without_its_arguments(
    app: AsyncApp, slack: SlackServer, ada: Person
) -> None:
    """A secret pasted behind the verb does not reach the log."""

    @app.command("/registry")
    async def listen(ack: Any) -> None:
        await ack()

    await ada.type("/registry add ghcr ghp_pasted_by_mistake", "#general")

    assert "ghp_pasted" not in str(list(slack.world.log) + list(slack.world.problems))


async def test_what_people_write_is_a_message(ada: Person, mel: Person) -> None:
    """Without a slash it is said in the channel, escaped as Slack escapes it."""
    await ada.type("hi @mel <b>", "#general")
    await mel.go("#general")

    messages = (await mel.state("C0GENERAL1"))["messages"]
    assert messages[0]["text"] == "hi <@U0MEMBER01|mel> &lt;b&gt;"
    assert await mel.read() == "Ada Admin:\nhi @Mel Member <b>"


async def test_a_direct_message_reaches_the_app_as_an_event(app: AsyncApp, ada: Person) -> None:
    """The app hears of words in its own conversation, when it subscribed to them."""
    got: asyncio.Queue[JSON] = asyncio.Queue()

    @app.event("message")
    async def listen(event: JSON) -> None:
        await got.put(event)

    await ada.type("hello", "dm")

    event = await asyncio.wait_for(got.get(), 5)
    assert (event["channel_type"], event["text"]) == ("im", "hello")
