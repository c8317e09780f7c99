"""Response URLs: five uses in thirty minutes, and what may be replaced."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.clock import MovableClock
from bot.sandbox.slackd.person import Person
from bot.sandbox.slackd.server import SlackServer
from tests.sandbox.kit import actions, button, section

JSON = dict[str, Any]
ALERTS = "C0ALERTS01"


async def send(url: str, **body: Any) -> tuple[int, JSON]:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(url, json=body)
    return answer.status_code, answer.json()


@pytest.fixture
async def command_url(app: AsyncApp, ada: Person) -> str:
    """The response URL of a command Ada typed in #general."""
    urls: list[str] = []

    @app.command("/registry")
    async def listen(ack: Any, body: JSON) -> None:
        await ack()
        urls.append(body["response_url"])

    await ada.type("/registry list", "#general")
    return urls[0]


async def pressed(
    app: AsyncApp, client: AsyncWebClient, ada: Person, *, ephemeral: bool = False
) -> str:
    """The response URL of a button Ada pressed in #registry-alerts."""
    urls: list[str] = []

    @app.action("press")
    async def listen(ack: Any, body: JSON) -> None:
        await ack()
        urls.append(body["response_url"])

    blocks = [section("before"), actions(button())]
    if ephemeral:
        await client.chat_postEphemeral(
            channel=ALERTS, user="U0ADMIN001", text="before", blocks=blocks
        )
    else:
        await client.chat_postMessage(channel=ALERTS, text="before", blocks=blocks)
    await ada.go("#registry-alerts")
    await ada.click("Press")
    return urls[0]


async def test_a_response_is_ephemeral_by_default(
    command_url: str, ada: Person, mel: Person
) -> None:
    """It works where the bot is no member, and only the person sees it."""
    assert await send(command_url, text="for you") == (200, {"ok": True})
    await send(command_url, text="for all", response_type="in_channel")
    await mel.go("#general")

    assert "for you" in await ada.read()
    assert await mel.read() == "Registrar:\nfor all"


async def test_a_url_is_good_for_five_uses(
    command_url: str, slack: SlackServer, ada: Person
) -> None:
    """The sixth is used_url, and a problem."""
    for number in range(5):
        assert (await send(command_url, text=f"no {number}"))[0] == 200

    assert await send(command_url, text="no 5") == (404, {"ok": False, "error": "used_url"})
    assert "no 5" not in await ada.read()
    assert slack.world.problems[0]["error"] == "used_url"


async def test_a_url_is_good_for_thirty_minutes(command_url: str, clock: MovableClock) -> None:
    """The bot's clock counts."""
    clock.skip(timedelta(minutes=29))
    assert (await send(command_url, text="in time"))[0] == 200
    clock.skip(timedelta(minutes=2))

    assert await send(command_url, text="late") == (404, {"ok": False, "error": "expired_url"})


async def test_a_made_up_url_is_refused(slack: SlackServer) -> None:
    """Response URLs are secrets: nobody guesses one."""
    status, body = await send(f"{slack.url}/response/guess", text="x")

    assert (status, body["error"]) == (404, "expired_url")


@pytest.mark.parametrize("original", [True, "true"])
async def test_a_commands_response_replaces_nothing(
    command_url: str, ada: Person, original: object
) -> None:
    """There is no original message, so Slack posts anew (slackapi/bolt-python#1268)."""
    await send(command_url, text="one")
    await send(command_url, text="two", replace_original=original)

    text = await ada.read()
    assert "one" in text
    assert "two" in text


@pytest.mark.parametrize("ephemeral", [True, False])
async def test_an_interactions_response_replaces_its_message(
    app: AsyncApp, client: AsyncWebClient, ada: Person, *, ephemeral: bool
) -> None:
    """Also an ephemeral one, which nothing else can change."""
    url = await pressed(app, client, ada, ephemeral=ephemeral)

    await send(url, text="after", replace_original=True, blocks=[section("after")])
    assert "before" not in await ada.read()
    assert "after" in await ada.read()

    await send(url, delete_original=True)
    assert await ada.read() == ""


async def test_without_replace_a_new_message_comes(
    app: AsyncApp, client: AsyncWebClient, ada: Person, mel: Person
) -> None:
    """The message acted on stays, and the answer is ephemeral."""
    url = await pressed(app, client, ada)

    await send(url, text="done")
    await mel.go("#registry-alerts")

    assert "done" in await ada.read()
    assert "done" not in await mel.read()
    assert "before" in await mel.read()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "no_text"),
        ({"blocks": [{"type": "x"}]}, "invalid_blocks"),
        ({"text": "x", "channel": "C1"}, "invalid_payload"),
    ],
)
async def test_what_slack_would_refuse_is_refused_and_costs_no_use(
    command_url: str, body: JSON, error: str
) -> None:
    """The answer is 400 with the code."""
    status, answer = await send(command_url, **body)

    assert (status, answer["error"]) == (400, error)
