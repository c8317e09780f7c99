"""Alerts for tests: registries that fail and recover, and the local Slack that hears of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from sqlmodel import col, select

from bot.core.access import WorkspaceSettings
from bot.core.check import Cause
from bot.core.health import Open, Recover, Trouble
from bot.core.incident import Button, Click, Lost, Phase, Step
from bot.core.preferences import Preferences
from bot.sandbox.slackd.server import SlackServer
from bot.sandbox.slackd.world import Channel, Message
from bot.slack.deliver import Courier
from bot.store import registries
from bot.store.schema import WAITING, IncidentRow, Outgoing
from bot.usecases import consequences, incidents, workspaces
from bot.usecases.deps import Deps
from bot.usecases.saying import tick_channels
from tests.factories import ALICE, clock_of

TOKEN = "xoxb-of-the-tests"
ALERTS = "C0ALERTS01"
SENTENCE = "GitHub refused the token."


async def fails(
    deps: Deps, name: str = "harbor-team", trouble: Trouble = Trouble.REFUSED, **more: object
) -> None:
    """The checks of a registry found trouble."""
    now = deps.clock.now()
    found = Open(trouble, now, SENTENCE, "Create one.", Cause.EXPIRED, checks=2)
    found = replace(found, **more)  # type: ignore[arg-type]
    async with deps.store.transaction() as session:
        stored = await registries.live(session, "T1", name)
        assert stored is not None
        await consequences.follow(session, stored, [found], now)


async def recovers(
    deps: Deps, name: str = "harbor-team", trouble: Trouble = Trouble.REFUSED
) -> None:
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        stored = await registries.live(session, "T1", name)
        assert stored is not None
        await consequences.follow(session, stored, [Recover(trouble, now, now)], now)


async def replaced(deps: Deps, by: str, name: str = "harbor-team") -> None:
    """Somebody put in another credential, and it was proven."""
    async with deps.store.transaction() as session:
        stored = await registries.live(session, "T1", name)
        assert stored is not None
        registry = stored.registry
        await consequences.close(session, registry, Phase.REPLACED, deps.clock.now(), by)


async def rows(deps: Deps) -> list[IncidentRow]:
    """All incidents, the oldest first."""
    async with deps.store.reading() as session:
        found = await session.exec(select(IncidentRow).order_by(col(IncidentRow.opened_at)))
        return list(found)


async def press(deps: Deps, button: Button, by: str = "UALICE", **more: object) -> Step | Lost:
    """A click on the newest incident as it is now."""
    row = (await rows(deps))[-1]
    click = replace(Click(button, row.version, by), **more)  # type: ignore[arg-type]
    return await incidents.click(deps, ALICE, row.id, click)


async def listen(deps: Deps, channel: str = ALERTS, **preferences: object) -> None:
    """Choose the alert channel and how to be told."""
    before = await workspaces.settings(deps, ALICE)
    wanted = Preferences(**preferences)  # type: ignore[arg-type]
    settings = WorkspaceSettings(alert_channel=channel, preferences=wanted, version=before.version)
    await workspaces.change_settings(deps, ALICE, settings)


async def waiting(deps: Deps) -> list[Outgoing]:
    """The letters that still wait to be sent."""
    async with deps.store.reading() as session:
        wanted = select(Outgoing).where(col(Outgoing.state) == WAITING)
        return list(await session.exec(wanted.order_by(col(Outgoing.id))))


async def deliver(deps: Deps, courier: Courier, *, turns: int = 60) -> None:
    """Let time pass until nothing waits any more."""
    for _ in range(turns):
        await tick_channels(deps)
        await courier.deliver_due()
        left = await waiting(deps)
        if not left:
            return
        clock_of(deps).skip(timedelta(seconds=61))
    raise AssertionError(f"still waiting: {[(one.what, one.op, one.reason) for one in left]}")


@dataclass
class Slack:
    """The local Slack with its alert channel, and the way to it."""

    server: SlackServer
    session: aiohttp.ClientSession
    names: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> AsyncWebClient:
        return AsyncWebClient(
            token=TOKEN, base_url=self.server.api_url, session=self.session, retry_handlers=[]
        )

    def courier(self, deps: Deps) -> Courier:
        return Courier(deps, self.client, apart=0)

    def channel(self, channel_id: str = ALERTS) -> Channel:
        return self.server.world.channels[channel_id]

    def posts(self, channel_id: str = ALERTS) -> list[Message]:
        """What stands in the channel itself."""
        return [one for one in self.channel(channel_id).messages if one.thread_ts is None]

    def thread(self, channel_id: str = ALERTS) -> list[str]:
        """What stands in its threads, one line each."""
        found = [one for one in self.channel(channel_id).messages if one.thread_ts is not None]
        return [one.text.partition(" · ")[2] or one.text for one in found]

    def story(self, channel_id: str = ALERTS) -> list[str]:
        """Everything a person sees there; times are left out."""
        return [_timeless(one) for one in self.channel(channel_id).messages]

    @property
    def problems(self) -> list[dict[str, object]]:
        return list(self.server.world.problems)


@asynccontextmanager
async def local_slack(
    deps: Deps, folder: Path, traces: Iterable[aiohttp.TraceConfig] = (), **more: object
) -> AsyncIterator[Slack]:
    """The people of `tests.factories` are in it; nothing is limited unless it is asked for."""
    options: dict[str, object] = {"rate_limits": False, **more}
    server = SlackServer(
        bot_token=TOKEN,
        app_token="xapp-of-the-tests",
        clock=deps.clock,
        page_dir=folder,
        **options,  # type: ignore[arg-type]
    )
    world = server.world
    for short, long in (("UALICE", "U0ADMIN001"), ("UBOB", "U0MEMBER01")):
        world.users[short] = replace(world.users[long], id=short)
        dm = world.dm(long)
        world.channels[f"D{short}"] = Channel(
            f"D{short}", "Registrar", "dm", {short, world.app.user_id}, owner=short
        )
        dm.members.add(short)
    await server.start()
    try:
        async with aiohttp.ClientSession(trace_configs=list(traces)) as session:
            yield Slack(server, session)
    finally:
        await server.close()
        await asyncio.sleep(0)


def _timeless(message: Message) -> str:
    text = re.sub(r"<!date\^[^>]*>", "WHEN", message.text)
    text = re.sub(r"\d[\d,]* (?:s|min|h|days?)\b", "A WHILE", text)
    where = "  " if message.thread_ts else ""
    colors = "".join(str(one.get("color", "")) for one in message.attachments)
    return f"{where}{colors} {text}"
