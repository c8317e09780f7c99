"""A local Slack, a Bolt app connected to it over real Socket Mode, and people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.clock import MovableClock
from bot.sandbox.slackd.parts import SCOPES
from bot.sandbox.slackd.person import ADMIN, MEMBER, Person
from bot.sandbox.slackd.server import SlackServer

BOT_TOKEN = "xoxb-of-the-tests"
APP_TOKEN = "xapp-of-the-tests"
MORE_SCOPES = frozenset(
    {
        "channels:join",
        "channels:read",
        "chat:write.public",
        "files:write",
        "im:write",
        "team:read",
    }
)


async def until(slack: SlackServer, true: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for something in the workspace; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not true():
            await slack.world.changes.after(slack.world.changes.version, seconds)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def slack(tmp_path: Path, clock: MovableClock) -> AsyncIterator[SlackServer]:
    """Slack with an ack time of half a second and quick retries, so that lateness costs little."""
    server = SlackServer(
        bot_token=BOT_TOKEN,
        app_token=APP_TOKEN,
        clock=clock,
        page_dir=tmp_path,
        ack_seconds=0.5,
        retry_seconds=(0.0, 0.05, 0.1),
        events=frozenset({"app_home_opened", "message.im"}),
        scopes=SCOPES | MORE_SCOPES,
    )
    await server.start()
    yield server
    await server.close()


@pytest.fixture
def client(slack: SlackServer) -> AsyncWebClient:
    return AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url)


@pytest.fixture
async def app(slack: SlackServer, client: AsyncWebClient) -> AsyncIterator[AsyncApp]:
    """A connected app without listeners; a test adds its own."""
    bolt = AsyncApp(client=client)
    handler = AsyncSocketModeHandler(bolt, APP_TOKEN, ping_interval=0.5)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await until(slack, lambda: slack.parts.link.connections == 1)
    yield bolt
    await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture
async def people(slack: SlackServer) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def ada(slack: SlackServer, people: AsyncExitStack) -> Person:
    """The admin."""
    return await people.enter_async_context(Person(slack.url, ADMIN))


@pytest.fixture
async def mel(slack: SlackServer, people: AsyncExitStack) -> Person:
    """A member."""
    return await people.enter_async_context(Person(slack.url, MEMBER))
