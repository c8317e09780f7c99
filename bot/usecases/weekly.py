"""The weekly summary: put into the outbox once at the workspace's day and hour."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from bot.core.access import WorkspaceSettings
from bot.core.preferences import Preferences
from bot.core.worktime import DAY, moment
from bot.store import outbox, registries, workspaces
from bot.usecases.deps import Deps

WHAT: Final = "weekly_summary"
WEEK: Final = timedelta(days=7)


async def tick_weekly(deps: Deps) -> int:
    """Put in the summaries whose time has come; answers how many.

    Safe to repeat and on every replica: the delivery key names the day. Of those missed while
    nothing ran only the latest is said.
    """
    async with deps.store.reading() as session:
        teams = await workspaces.teams(session)
    put = 0
    for team_id in teams:
        put += await _tick(deps, team_id)
    return put


def planned(preferences: Preferences, now: datetime) -> datetime | None:
    """The last time that the summary was to be said, up to now; None when it is switched off."""
    if preferences.weekly_day is None:
        return None
    at = time(preferences.weekly_hour)
    day = now.astimezone(preferences.zone).date()
    day -= DAY * ((day.weekday() - preferences.weekly_day) % 7)
    last = moment(day, at, preferences.zone)
    return last if last <= now else moment(day - WEEK, at, preferences.zone)


async def _tick(deps: Deps, team_id: str) -> bool:
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        settings = await workspaces.settings(session, team_id)
        at = planned(settings.preferences, now)
        if at is None or not settings.alert_channel or not settings.configured:
            return False
        changed_at = await workspaces.changed_at(session, team_id)
        if changed_at is None or changed_at > at:
            return False  # the plan may have been another one at that time
        if await outbox.was_put_since(session, team_id, WHAT, at):
            return False
        if not await registries.names(session, team_id):
            return False
    async with deps.store.transaction() as session:
        await outbox.put(session, _letter(team_id, settings, at), now)
    return True


def _letter(team_id: str, settings: WorkspaceSettings, at: datetime) -> outbox.Letter:
    return outbox.Letter(
        team_id=team_id,
        delivery_key=f"{WHAT}:{team_id}:{at.date().isoformat()}",
        channel=settings.alert_channel,
        what=WHAT,
        values={"since": (at - WEEK).isoformat(), "until": at.isoformat()},
        op=outbox.UPLOAD,
    )
