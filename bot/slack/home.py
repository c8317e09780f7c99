"""The Home tab, published when it is opened and when something changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.core.registry import Filter
from bot.slack.call import Call, call_of
from bot.slack.desk import Desk, Watched
from bot.slack.forms import kind_labels
from bot.slack.metadata import ListState
from bot.slack.render_home import ATTENTION_ROWS, home_view
from bot.slack.trouble import AWAY, code_of
from bot.usecases import registries, workspaces

log = structlog.get_logger(__name__)

WATCHED_FOR: Final = timedelta(minutes=10)
MOST: Final = 20  # views.publish bears about 100 calls a minute


async def open_home(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """Somebody opened the tab; a repeated delivery of the event changes nothing."""
    await ack()
    event = body["event"]
    if event.get("tab") == "home" and desk.once.first("event", str(body.get("event_id"))):
        call = call_of(body)
        desk.start(call, publish(desk, call, ListState()), "home")


async def publish(desk: Desk, call: Call, state: ListState) -> None:
    """Somebody looks at the tab: show it as of now, and keep it fresh for a while."""
    desk.homes.pop((call.team, call.user), None)
    desk.homes[call.team, call.user] = Watched(state, desk.now())
    await _publish(desk, call.team, call.user, state)


async def refresh_homes(desk: Desk, team: str) -> None:
    """Publish again for those who looked at it in the last ten minutes."""
    now = desk.now()
    for key, watched in list(desk.homes.items()):
        if now - watched.at > WATCHED_FOR:
            del desk.homes[key]
    lately = [(user, watched) for (home, user), watched in desk.homes.items() if home == team]
    for user, watched in lately[-MOST:]:
        try:
            await _publish(desk, team, user, watched.state)
        except AWAY as error:
            log.info("home not refreshed", error=code_of(error))


async def _publish(desk: Desk, team: str, user: str, state: ListState) -> None:
    actor = Actor(team, user)
    counters = await registries.counters(desk.deps, actor)
    settings = await workspaces.settings(desk.deps, actor)
    needing = await registries.list_registries(
        desk.deps, actor, Filter(attention=True), 1, ATTENTION_ROWS
    )
    page = await registries.list_registries(desk.deps, actor, state.filter, state.page)
    view = home_view(counters, settings, needing, page, desk.now(), kind_labels())
    await desk.client.views_publish(user_id=user, view=view)
