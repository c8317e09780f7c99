"""The same app reached over signed HTTP instead of Socket Mode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slackd.person import Person
from bot.sandbox.slackd.server import SlackServer
from tests.sandbox.kit import field, modal, typed

JSON = dict[str, Any]
SECRET = "the signing secret of the tests"


@pytest.fixture
async def bolt(slack: SlackServer, client: AsyncWebClient) -> AsyncIterator[AsyncApp]:
    """An app that listens on a port of its own, known to Slack as its Request URL."""
    app = AsyncApp(client=client, signing_secret=SECRET)
    runner = web.AppRunner(app.web_app(), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.use_http(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events", SECRET)
    yield app
    await runner.cleanup()


async def test_commands_and_submissions_travel_over_http(bolt: AsyncApp, ada: Person) -> None:
    """The signature is right, and the answer of a submission comes back."""

    @bolt.command("/registry")
    async def command(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack(f"heard {body['text']}")
        await client.views_open(trigger_id=body["trigger_id"], view=modal(field("Name", typed())))

    @bolt.view("form")
    async def submission(ack: Any) -> None:
        await ack(response_action="errors", errors={"name": "Taken."})

    await ada.type("/registry add ä", "#general")
    await ada.wait_for("Name")
    await ada.fill("Name", "x")

    assert await ada.submit() == {"name": "Taken."}
    await ada.close()
    assert "heard add ä" in await ada.read()
    assert (await ada.state())["connected"] is True


async def test_an_event_is_sent_again_with_slacks_headers(
    bolt: AsyncApp, slack: SlackServer, ada: Person
) -> None:
    """Bolt sees which try it is and why."""
    tries: asyncio.Queue[tuple[list[str], list[str]]] = asyncio.Queue()

    @bolt.middleware
    async def fail_once(req: Any, resp: Any, next_: Any) -> Any:
        headers = req.headers
        seen = (headers.get("x-slack-retry-num", []), headers.get("x-slack-retry-reason", []))
        await tries.put(seen)
        if tries.qsize() < 2:
            resp.status = 500
            return resp
        await next_()
        return resp

    @bolt.event("app_home_opened")
    async def listen(event: JSON) -> None:
        del event

    await ada.go("home")
    async with asyncio.timeout(5):
        while tries.qsize() < 2:
            await slack.world.changes.after(slack.world.changes.version, 0.05)

    assert tries.get_nowait() == ([], [])
    assert tries.get_nowait() == (["1"], ["http_error"])


async def test_a_wrong_secret_is_not_acked(bolt: AsyncApp, slack: SlackServer, ada: Person) -> None:
    """An app that does not trust the signature answers 401, and the person sees a failure."""
    slack.use_http(slack.parts.delivery._url, "another secret")  # type: ignore[attr-defined]

    await ada.type("/registry list", "#general")

    assert 'failed with the error "dispatch_failed"' in await ada.read()


async def test_an_app_that_is_away_or_slow_fails_in_slacks_words(
    bolt: AsyncApp, slack: SlackServer, ada: Person
) -> None:
    """No answer in time is operation_timeout, no connection is dispatch_failed."""

    @bolt.command("/registry")
    async def command(ack: Any) -> None:
        await asyncio.sleep(0.7)
        await ack()

    await ada.type("/registry list", "#general")
    assert "operation_timeout" in await ada.read()
    slack.use_http("http://127.0.0.1:9/", SECRET)
    await ada.type("/registry list")
    assert "dispatch_failed" in await ada.read()
