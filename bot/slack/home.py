"""The Home tab, published when it is opened and when something changed."""

from __future__ import annotations

from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.access import Actor
from bot.errors import StoreError
from bot.slack.call import Call, call_of
from bot.slack.desk import Desk
from bot.slack.forms import kind_labels
from bot.slack.metadata import ListState
from bot.slack.render_home import home_view
from bot.slack.trouble import AWAY, code_of
from bot.usecases import homes
from bot.usecases.deps import Deps
from bot.usecases.homes import HomeContent, OpenHome

log = structlog.get_logger(__name__)


async def open_home(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """Somebody opened the tab; a repeated delivery of the event changes nothing."""
    await ack()
    event = body["event"]
    if event.get("tab") == "home" and desk.once.first("event", str(body.get("event_id"))):
        call = call_of(body)
        desk.start(call, publish(desk, call, ListState()), "home")


async def publish(desk: Desk, call: Call, state: ListState) -> None:
    """Somebody looks at the tab: show it as of now, and keep it fresh for a while."""
    actor = Actor(call.team, call.user)
    shown = await homes.content(desk.deps, actor, state.filter, state.page)
    await _show(desk.deps, desk.client, call.user, shown)
    try:
        await homes.seen(desk.deps, actor, state.dump(), shown)
    except StoreError as error:
        # What was asked for is on the screen; it only stays as it is.
        log.warning("home will not be refreshed", reason=str(error))


async def refresh_homes(desk: Desk, team: str) -> None:
    """Show the tabs of a workspace again that were looked at in the last ten minutes."""
    await homes.refresh(desk.deps, _Again(desk.deps, desk.client, always=True), team)


async def refresh_changed_homes(deps: Deps, client: AsyncWebClient) -> int:
    """Show again what changed by itself on any tab that somebody has open; answers how many."""
    return await homes.refresh(deps, _Again(deps, client, always=False))


class _Again:
    """Shows a tab again, as its reader left it: unless told `always`, only when it changed."""

    def __init__(self, deps: Deps, client: AsyncWebClient, *, always: bool) -> None:
        self._deps = deps
        self._client = client
        self._always = always
        self._read: dict[tuple[str, str], HomeContent] = {}

    async def __call__(self, home: OpenHome) -> HomeContent | None:
        shown = await self._content(home)
        if not self._always and homes.digest(shown) == home.digest:
            return None
        try:
            await _show(self._deps, self._client, home.user_id, shown)
        except AWAY as error:
            log.info("home not refreshed", error=code_of(error))
            return None
        return shown

    async def _content(self, home: OpenHome) -> HomeContent:
        """Read once for all who look at the same page."""
        key = (home.team_id, home.state)
        if key not in self._read:
            state = ListState.parse(home.state)
            actor = Actor(home.team_id, home.user_id)
            self._read[key] = await homes.content(self._deps, actor, state.filter, state.page)
        return self._read[key]


async def _show(deps: Deps, client: AsyncWebClient, user: str, shown: HomeContent) -> None:
    view = home_view(shown, deps.clock.now(), kind_labels())
    await client.views_publish(user_id=user, view=view)
