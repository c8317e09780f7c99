"""What the Home tab shows, and for whom it is kept fresh.

Who looks is written down, so that the process that works refreshes a tab that another one opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from bot.core.access import Actor, WorkspaceSettings
from bot.core.registry import Counters, Filter, RegistryPage, RegistryView
from bot.core.report import ComingUp
from bot.store import homes, workspaces
from bot.store.homes import OpenHome
from bot.usecases import registries
from bot.usecases.deps import Deps
from bot.usecases.reporting import next_up
from bot.usecases.workspaces import settings

ATTENTION_ROWS: Final = 5
PAGE_ROWS: Final = 20
WATCHED_FOR: Final = timedelta(minutes=10)
MOST: Final = 20  # views.publish bears about 100 calls a minute

__all__ = ("HomeContent", "OpenHome", "content", "digest", "refresh", "seen")


@dataclass(frozen=True, slots=True)
class HomeContent:
    """Everything on the tab; `attention` holds the few rows that come first."""

    counters: Counters
    settings: WorkspaceSettings
    attention: RegistryPage
    coming: ComingUp
    page: RegistryPage


async def content(deps: Deps, actor: Actor, wanted: Filter, page: int) -> HomeContent:
    """What a person sees on the tab now."""
    return HomeContent(
        counters=await registries.counters(deps, actor),
        settings=await settings(deps, actor),
        attention=await registries.list_registries(
            deps, actor, Filter(attention=True), 1, ATTENTION_ROWS
        ),
        coming=await next_up(deps, actor),
        page=await registries.list_registries(deps, actor, wanted, page, PAGE_ROWS),
    )


def digest(shown: HomeContent) -> str:
    """The same for the same content; that time has passed and checks went well is no change."""
    still = replace(shown, attention=_still(shown.attention), page=_still(shown.page))
    return hashlib.sha256(repr(still).encode()).hexdigest()[:32]


async def seen(deps: Deps, actor: Actor, state: str, shown: HomeContent) -> None:
    """A person looks at the tab: keep it fresh for a while. `state` is its page and filter."""
    now = deps.clock.now()
    home = OpenHome(actor.team_id, actor.user_id, state, digest(shown))
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, actor.team_id, now)
        await homes.note(session, home, now)


async def refresh(
    deps: Deps, publish: Callable[[OpenHome], Awaitable[HomeContent | None]], team_id: str = ""
) -> int:
    """Let `publish` show the tabs again that were looked at lately; answers how many it showed.

    `publish` gets what is known of a tab and answers what it showed, None when nothing changed.
    """
    since = deps.clock.now() - WATCHED_FOR
    async with deps.store.reading() as session:
        lately = await homes.opened_since(session, since, MOST, team_id)
    done = 0
    for home in lately:
        shown = await publish(home)
        if shown is not None:
            async with deps.store.transaction() as session:
                await homes.change(session, home, replace(home, digest=digest(shown)))
            done += 1
    return done


def _still(page: RegistryPage) -> RegistryPage:
    return replace(page, rows=tuple(_at_rest(row) for row in page.rows))


def _at_rest(row: RegistryView) -> RegistryView:
    return replace(row, checked_at=None, next_check_at=None, last_check=None)
