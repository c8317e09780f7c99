"""The composition root: settings in, a wired Bot out; from here on dependencies are arguments."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncRateLimitErrorRetryHandler,
    async_default_handlers,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.clock import Clock, SystemClock
from bot.errors import SettingsError
from bot.jobs.metronome import Metronome, Task
from bot.kinds.aws import AwsGateway, AwsIdentity
from bot.kinds.checker import Checker
from bot.kinds.net import AllowList, Egress, Resolver
from bot.settings import MAKE_A_KEY, Settings
from bot.slack.app import build_app
from bot.slack.background import Background
from bot.slack.deliver import deliver_due
from bot.store.cipher import Keyring
from bot.store.engine import open_store
from bot.store.migrate import migrate, pending
from bot.usecases.deps import Deps
from bot.usecases.purge import purge_deleted
from bot.web import web_application

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What differs between the real world and the sandbox or a test; all of it optional."""

    clock: Clock = field(default_factory=SystemClock)
    resolver: Resolver | None = None
    ca_file: Path | None = None
    aws_endpoint: Callable[[str, str], str | None] = lambda _service, _region: None


@asynccontextmanager
async def open_deps(settings: Settings, around: Surroundings | None = None) -> AsyncIterator[Deps]:
    """Everything the use cases need, closed at the end; migrates an SQLite file first."""
    around = around or Surroundings()
    keyring = _keyring(settings)
    await _migrate_if_sqlite(settings)
    allow = AllowList.parse(settings.egress_allow)
    async with contextlib.AsyncExitStack() as stack:
        store = open_store(settings.database_url, keyring, around.clock)
        stack.push_async_callback(store.close)
        egress = Egress(
            allow=allow,
            ca_file=around.ca_file or settings.egress_ca_file,
            resolver=around.resolver,
        )
        stack.push_async_callback(egress.close)
        aws = AwsGateway(identity=_aws_identity(settings), endpoint=around.aws_endpoint)
        stack.callback(aws.close)
        checker = Checker(egress=egress, aws=aws, clock=around.clock)
        yield Deps(store=store, checker=checker, clock=around.clock, allow=allow)


@dataclass(frozen=True, slots=True)
class Bot:
    """A wired bot: Slack on one side, the use cases on the other, the metronome between them."""

    settings: Settings
    deps: Deps
    app: AsyncApp
    client: AsyncWebClient
    background: Background
    metronome: Metronome

    async def run(self, stop: asyncio.Event, *, listen: bool = True, work: bool = True) -> None:
        """Serve until `stop` is set, then drain: no new work, running work ends, outbox is sent.

        `listen` answers Slack, `work` runs the clock's tasks; both in one process by default.
        """
        async with contextlib.AsyncExitStack() as stack:
            connected = _always
            if listen:
                connected = await self._listen(stack)
            if work:
                self.metronome.start()
                stack.push_async_callback(self.metronome.stop)
            await self._serve(stack, connected, listen=listen)
            log.info("registrar is running", listen=listen, work=work)
            await stop.wait()
            log.info("registrar stops")
        if work:
            await deliver_due(self.deps, self.client)

    async def _listen(self, stack: contextlib.AsyncExitStack) -> Callable[[], bool]:
        stack.push_async_callback(self.background.drain)
        token = self.settings.slack_app_token
        if token is None:
            return _always
        handler = AsyncSocketModeHandler(self.app, token.reveal())
        stack.push_async_callback(handler.close_async)
        await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it bare
        return lambda: handler.client.session_id() is not None

    async def _serve(
        self, stack: contextlib.AsyncExitStack, connected: Callable[[], bool], *, listen: bool
    ) -> None:
        async def ready() -> dict[str, bool]:
            return {"database": await self.deps.store.is_up(), "slack": connected()}

        over_http = listen and self.settings.slack_app_token is None
        application = web_application(
            app=self.app if over_http else None, ready=ready, clock=self.deps.clock
        )
        runner = web.AppRunner(application, access_log=None, handle_signals=False)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        host, port = self.settings.host, self.settings.port
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SettingsError(f"HOST and PORT ({host}:{port}): {error.strerror}.") from None


@asynccontextmanager
async def bootstrap(settings: Settings, around: Surroundings | None = None) -> AsyncIterator[Bot]:
    """The whole bot, wired and not yet running; raises SettingsError when something is missing."""
    token = settings.slack_bot_token
    if token is None:
        raise SettingsError("SLACK_BOT_TOKEN is not set; it is on the app's page, Install App.")
    if settings.slack_app_token is None and settings.slack_signing_secret is None:
        raise SettingsError(
            "Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET to be reached over HTTP."
        )
    async with contextlib.AsyncExitStack() as stack:
        deps = await stack.enter_async_context(open_deps(settings, around))
        # One session for all calls; and the SDK retries no 429 unless it is told to. Once is enough
        # while somebody waits; the outbox has its own patience.
        session = await stack.enter_async_context(aiohttp.ClientSession())
        client = AsyncWebClient(
            token=token.reveal(),
            base_url=settings.slack_api_url,
            session=session,
            retry_handlers=[
                *async_default_handlers(),
                AsyncRateLimitErrorRetryHandler(max_retry_count=1),
            ],
        )
        background = Background()
        signing = settings.slack_signing_secret
        app = build_app(
            deps=deps,
            client=client,
            signing_secret=signing.reveal() if signing else "",
            command=settings.slack_command,
            background=background,
        )
        metronome = Metronome(
            (
                Task("deliver", 1.0, lambda: deliver_due(deps, client)),
                Task("purge", 60.0, lambda: purge_deleted(deps)),
            ),
            deps.clock,
        )
        yield Bot(settings, deps, app, client, background, metronome)


def _always() -> bool:
    return True


def _keyring(settings: Settings) -> Keyring:
    if settings.encryption_keys is None:
        raise SettingsError(
            f"ENCRYPTION_KEYS is not set. Make a key with `{MAKE_A_KEY}` and keep it apart from "
            "the database: without it the stored credentials cannot be read."
        )
    return Keyring.parse(settings.encryption_keys)


def _aws_identity(settings: Settings) -> AwsIdentity | None:
    key, secret = settings.aws_identity_access_key_id, settings.aws_identity_secret_access_key
    if bool(key) != (secret is not None):
        raise SettingsError(
            "Set both AWS_IDENTITY_ACCESS_KEY_ID and AWS_IDENTITY_SECRET_ACCESS_KEY, or neither."
        )
    return AwsIdentity(key, secret) if secret is not None else None


async def _migrate_if_sqlite(settings: Settings) -> None:
    """SQLite has one process, so it migrates itself; PostgreSQL is migrated by the release step."""
    if settings.database_url.startswith("sqlite"):
        await migrate(settings.database_url)
    elif await pending(settings.database_url):
        raise SettingsError("The database is not migrated; run `registrar migrate` first.")
