"""The sandbox's page in a real browser, on a local Slack with a small app behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

import bot.sandbox
from bot.core.clock import MovableClock
from bot.sandbox.slackd.server import SlackServer

PAGE = Path(bot.sandbox.__file__).parent / "page"
BOT_TOKEN = "xoxb-of-the-tests"
APP_TOKEN = "xapp-of-the-tests"
PATIENCE_MS = 10_000


@dataclass
class Choice:
    value: str
    label: str


@dataclass
class Field:
    label: str
    value: str
    secret: bool = False


@dataclass
class Credential:
    handle: str
    fields: tuple[Field, ...]
    note: str = "made today"
    undying: bool = False
    removed: bool = False

    @property
    def name(self) -> str:
        return f"practice {self.handle}"


@dataclass
class Registry:
    """`about` are the answers that are not secret, `prefix` begins each of its secrets."""

    slug: str
    label: str
    host: str
    about: Field
    asks: str
    prefix: str
    credentials: list[Credential] = field(default_factory=list)
    state: str = "healthy"
    states: tuple[Choice, ...] = (Choice("healthy", "Healthy"), Choice("expired", "Expired"))
    made: int = 0
    managing: tuple[Field, ...] = ()

    def __post_init__(self) -> None:
        self.make()

    def make(self) -> None:
        self.made += 1
        secret = Field(self.asks, f"{self.prefix}{self.made}", secret=True)
        self.credentials.append(Credential(str(self.made), (self.about, secret)))

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.credentials[-1].fields if self.credentials else ()


@dataclass
class Line:
    at: datetime
    who: str
    what: str


@dataclass
class Shelf:
    """Two practice registries that only exist in the side panel."""

    registries: list[Registry] = field(
        default_factory=lambda: [
            Registry(
                "ghcr",
                "GitHub Container Registry",
                "ghcr.io",
                Field("Username", "acme-ci"),
                "Personal access token",
                "ghp_",
            ),
            Registry(
                "gitlab",
                "GitLab Container Registry",
                "registry.gitlab.com",
                Field("Username", "acme-gl"),
                "Token",
                "glpat-",
                managing=(Field("Deploy token", "gldt-1", secret=True),),
            ),
        ]
    )
    log: list[Line] = field(default_factory=list)

    def set_state(self, slug: str, state: str) -> None:
        self._one(slug).state = state

    def make(self, slug: str) -> None:
        self._one(slug).make()

    def remove(self, slug: str, handle: str) -> None:
        of = self._one(slug)
        of.credentials = [one for one in of.credentials if one.handle != handle]

    def let_outlive(self, slug: str, handle: str, *, undying: bool) -> None:
        """Nothing dies here."""

    def _one(self, slug: str) -> Registry:
        return next(one for one in self.registries if one.slug == slug)


async def until(true: Callable[[], bool]) -> None:
    """Wait until `true()`; a TimeoutError after five seconds."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.02)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def names() -> list[str]:
    """The registry names that the composer completes."""
    return []


@pytest_asyncio.fixture(loop_scope="session")
async def slack(shelf: Shelf, names: list[str]) -> AsyncIterator[SlackServer]:
    """Slack with the real page. Nobody waits three seconds for an app that does not answer."""
    clock = MovableClock()

    async def skip(seconds: float) -> None:
        clock.skip(timedelta(seconds=seconds))

    server = SlackServer(
        bot_token=BOT_TOKEN,
        app_token=APP_TOKEN,
        clock=clock,
        page_dir=PAGE,
        practice=shelf,
        on_skip=skip,
        names=lambda: {"NAME": names},
        ack_seconds=1.0,
    )
    server.world.channels["C0GENERAL1"].members.add(server.world.app.user_id)
    await server.start()
    yield server
    await server.close()


@pytest_asyncio.fixture(loop_scope="session")
async def app(slack: SlackServer) -> AsyncIterator[AsyncApp]:
    """A connected app without listeners; a test adds its own."""
    bolt = AsyncApp(client=AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url))
    handler = AsyncSocketModeHandler(bolt, APP_TOKEN)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    while slack.parts.link.connections < 1:
        await slack.world.changes.after(slack.world.changes.version, 1)
    yield bolt
    await handler.close_async()  # type: ignore[no-untyped-call]


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, slack: SlackServer, app: AsyncApp) -> AsyncIterator[Page]:
    """The page as Ada first sees it; an error of its scripts or its policy fails the test."""
    del app  # connected first
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    opened = await context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    await opened.goto(slack.url)
    await opened.get_by_role("log").wait_for()
    yield opened
    await context.close()
    assert faults == []
