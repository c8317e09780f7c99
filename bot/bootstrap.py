"""The composition root: settings in, a wired Bot out; from here on dependencies are arguments."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

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

from bot.errors import SettingsError
from bot.jobs.heartbeat import EVERY, Heartbeat
from bot.jobs.metrics import Metrics
from bot.jobs.metronome import Metronome, Task
from bot.jobs.order import parts_in_order
from bot.kinds import control
from bot.settings import Settings
from bot.slack.access import People
from bot.slack.app import build_app
from bot.slack.background import Background
from bot.slack.deliver import Courier
from bot.slack.desk import Desk
from bot.slack.home import refresh_changed_homes
from bot.slack.outside import follow_left
from bot.slack.tempo import APART
from bot.tools import Surroundings, Tools, open_tools
from bot.usecases.deps import Deps
from bot.usecases.exemptions import tick_exemptions
from bot.usecases.incidents import tick_incidents
from bot.usecases.minting import Mint
from bot.usecases.pruning import prune
from bot.usecases.purge import purge_deleted
from bot.usecases.put_back import PutBack
from bot.usecases.references import tick_references
from bot.usecases.reminding import tick_reminders
from bot.usecases.rotation_policies import tick_rotation_policies
from bot.usecases.rotations import tick_rotations
from bot.usecases.saying import tick_channels
from bot.usecases.secret_asks import tick_asks
from bot.usecases.secret_links import tick_links
from bot.usecases.static_policy import tick_policies
from bot.usecases.watch import Limits as WatchLimits
from bot.usecases.watch import Watch
from bot.usecases.weekly import tick_weekly
from bot.web.application import web_application
from bot.web.bearer import Bearer
from bot.web.deployments import deployment_routes
from bot.web.gatehouse import Gatehouse
from bot.web.inventory import inventory_routes
from bot.web.pull_secret import pull_secret_routes
from bot.web.secret_entry import SecretEntry
from bot.web.secret_page import SecretPage

log = structlog.get_logger(__name__)

WAITING_PER_CHECK = 5


@dataclass(frozen=True, slots=True)
class Bot:
    """A wired bot: Slack on one side, the use cases on the other, the metronome between them."""

    settings: Settings
    deps: Deps
    app: AsyncApp
    client: AsyncWebClient
    background: Background
    metronome: Metronome
    watch: Watch
    courier: Courier
    metrics: Metrics
    mint: Mint
    gatehouse: Gatehouse
    desk: Desk

    async def run(
        self,
        stop: asyncio.Event,
        *,
        listen: bool = True,
        work: bool = True,
        running: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve until `stop` is set, then drain: no new work, running work ends, outbox is sent.

        `listen` answers Slack, `work` runs the clock's tasks; both in one process by default.
        `running` is called once, when Slack and every other caller can be answered.
        """
        async with contextlib.AsyncExitStack() as stack:
            connected: Callable[[], Awaitable[bool]] = _always
            if listen:
                connected = await self._listen(stack)
            if work:
                stack.push_async_callback(self.background.drain)
                self.metronome.start()
                stack.push_async_callback(self.watch.drain)
                stack.push_async_callback(self.metronome.stop)
            await self._serve(stack, connected, listen=listen, work=work)
            log.info("registrar is running", listen=listen, work=work)
            running()
            await stop.wait()
            log.info("registrar stops")
        if work:
            await self.courier.deliver_due()

    async def _listen(self, stack: contextlib.AsyncExitStack) -> Callable[[], Awaitable[bool]]:
        await self.gatehouse.start()
        stack.push_async_callback(self.gatehouse.stop)
        stack.push_async_callback(self.background.drain)
        token = self.settings.slack_app_token
        if token is None:
            return _always
        handler = AsyncSocketModeHandler(self.app, token.reveal())
        stack.push_async_callback(handler.close_async)
        await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it bare
        return handler.client.is_connected

    async def _serve(
        self,
        stack: contextlib.AsyncExitStack,
        connected: Callable[[], Awaitable[bool]],
        *,
        listen: bool,
        work: bool,
    ) -> None:
        async def ready() -> dict[str, bool]:
            parts = await parts_in_order(self.deps, self.metronome if work else None)
            rules = {"rules": self.gatehouse.in_order()} if listen else {}
            return {**parts, **rules, "slack": await connected()}

        over_http = listen and self.settings.slack_app_token is None
        application = web_application(
            app=self.app if over_http else None,
            ready=ready,
            clock=self.deps.clock,
            metrics=lambda: self.metrics.page(self.deps),
            routes=self._routes() if listen else (),
        )
        runner = web.AppRunner(application, access_log=None, handle_signals=False)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        host, port = self.settings.host, self.settings.port
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SettingsError(f"HOST and PORT ({host}:{port}): {error.strerror}.") from None

    def _routes(self) -> list[web.RouteDef]:
        """What machines ask, and the pages that show a token and take a secret."""
        bearer = Bearer(self.deps)
        return [
            *inventory_routes(self.deps, bearer),
            *deployment_routes(self.deps, bearer),
            *pull_secret_routes(self.deps, self.mint, bearer),
            *self.gatehouse.routes(),
            *SecretPage(self.deps).routes(),
            *SecretEntry(self.desk).routes(),
        ]


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
        metrics = Metrics()
        tools = await stack.enter_async_context(open_tools(settings, around, metrics.counting))
        deps = tools.deps
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
            looks=tools.looker,
            rotators=tools.rotators,
            client=client,
            signing_secret=signing.reveal() if signing else "",
            command=settings.slack_command,
            background=background,
            public_url=settings.public_url,
        )
        hosts = [host.strip() for host in settings.control_hosts.split(",") if host.strip()]
        watch = Watch(
            tools.paced,
            # The pacer bounds what is sent; places here are held by rows that wait for a host, too.
            WatchLimits(
                in_all=WAITING_PER_CHECK * settings.checks_at_once,
                per_host=settings.checks_per_host,
            ),
            probe=lambda: control.reached(tools.egress, hosts),
            observer=lambda seen: metrics.late(seen.late),
        )
        courier = Courier(deps, client, apart=around.post_seconds if around else APART)
        metrics.delivery_errors(lambda: courier.failures)
        desk = Desk(
            deps,
            client,
            settings.slack_command,
            background,
            People(client, deps),
            tools.looker,
            tools.rotators,
            settings.public_url,
        )
        tasks = _tasks(tools, watch, courier, desk)
        metronome = Metronome(tasks, deps.clock, observer=metrics.beat)
        if settings.heartbeat_url is not None:
            url, in_order = settings.heartbeat_url.reveal(), partial(_in_order, deps, metronome)
            metronome.add(Task("heartbeat", EVERY, Heartbeat(session, url, in_order).beat))
        yield Bot(
            settings,
            deps,
            app,
            client,
            background,
            metronome,
            watch,
            courier,
            metrics,
            tools.mint,
            Gatehouse(deps, settings.slack_command, metrics),
            desk,
        )


def _tasks(tools: Tools, watch: Watch, courier: Courier, desk: Desk) -> tuple[Task, ...]:
    """What the clock asks for, in the order in which one beat after a leap of time runs it."""
    deps = tools.deps
    return (
        Task("retests", 1.0, watch.tick),
        Task("incidents", 1.0, lambda: tick_incidents(deps)),
        Task("storms", 1.0, lambda: tick_channels(deps)),
        Task("reminders", 30.0, lambda: tick_reminders(deps)),
        Task("references", 120.0, lambda: tick_references(deps)),
        Task("rotations", 5.0, lambda: tick_rotations(tools.paced, tools.rotators)),
        Task("wishes", 60.0, lambda: tick_rotation_policies(tools.paced, tools.rotators)),
        Task("weekly", 60.0, lambda: tick_weekly(deps)),
        Task("deliver", 1.0, courier.deliver_due),
        Task("homes", 10.0, lambda: refresh_changed_homes(deps, desk.client)),
        Task("logins", 10.0, tools.mint.tick),
        Task("exemptions", 60.0, lambda: tick_exemptions(deps)),
        Task("policies", 60.0, lambda: tick_policies(deps)),
        Task("purge", 60.0, lambda: purge_deleted(deps)),
        Task("links", 60.0, lambda: tick_links(deps)),
        Task("asks", 60.0, lambda: tick_asks(deps)),
        Task("entered", 10.0, lambda: follow_left(desk)),
        Task("prune", 300.0, lambda: prune(deps)),
        Task("clock", 60.0, PutBack(deps).tick),
    )


async def _in_order(deps: Deps, metronome: Metronome) -> bool:
    return all((await parts_in_order(deps, metronome)).values())


async def _always() -> bool:
    return True
