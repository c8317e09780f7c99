"""What people press on alerts, and what time alone does to them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import incident as life
from bot.core.access import Actor
from bot.core.incident import Button, Click, Lost, Phase, Step
from bot.errors import NotFound
from bot.store import audit, incidents, storms, workspaces
from bot.store.schema import IncidentRow
from bot.usecases import consequences
from bot.usecases.consequences import paused_until
from bot.usecases.deps import Deps
from bot.usecases.saying import say

log = structlog.get_logger(__name__)

BATCH: Final = 50
ASIDE: Final = timedelta(hours=1)
UNKNOWN: Final = "This alert is not kept any more. Look at the list of registries instead."


async def click(deps: Deps, actor: Actor, incident_id: str, pressed: Click) -> Step | Lost:
    """Carry out a click on the state that was shown; everyone of the workspace may.

    `Lost` when somebody was faster: then nothing is changed. Raises NotFound.
    """
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = await incidents.locked(session, incident_id)
        if row is None or row.team_id != actor.team_id:
            raise NotFound(UNKNOWN)
        return await _press(session, row, pressed, now)


async def take_all(deps: Deps, actor: Actor, storm_id: str) -> int:
    """Acknowledge everything that fails in a storm and that nobody took; answers how many."""
    async with deps.store.reading() as session:
        storm = await storms.find(session, storm_id)
        if storm is None or storm.team_id != actor.team_id:
            raise NotFound(UNKNOWN)
        listed = await incidents.of_storm(session, storm_id)
    waiting = [row.id for row in listed if row.phase == Phase.FAILING]
    taken = 0
    for at in range(0, len(waiting), BATCH):
        async with deps.store.transaction() as session:
            now = await deps.store.now(session)
            for incident_id in waiting[at : at + BATCH]:
                taken += await _take(session, actor, incident_id, now)
    return taken


async def tick_incidents(deps: Deps, limit: int = BATCH) -> int:
    """Announce, wake, remind and escalate what is due; answers how many incidents were looked at.

    An incident that cannot be read is set aside for an hour, so that it stops no other.
    """
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        due = await incidents.ticking(session, now, limit)
        for row in due:
            try:
                async with session.begin_nested():
                    await consequences.tick(session, row, now)
            except (ValueError, KeyError, TypeError):
                log.exception("an incident cannot be read", incident=row.id)
                row.next_tick_at = now + ASIDE
                session.add(row)
        return len(due)


async def _take(session: AsyncSession, actor: Actor, incident_id: str, now: datetime) -> int:
    row = await incidents.locked(session, incident_id)
    if row is None or row.phase != Phase.FAILING:
        return 0
    pressed = Click(Button.ACKNOWLEDGE, row.version, actor.user_id)
    return isinstance(await _press(session, row, pressed, now), Step)


async def _press(
    session: AsyncSession, row: IncidentRow, pressed: Click, now: datetime
) -> Step | Lost:
    rules = (await workspaces.settings(session, row.team_id)).preferences.rules
    before = incidents.state_of(row)
    decided = life.decide(before, pressed, now, rules)
    if isinstance(decided, Lost) or decided.incident == before:
        return decided
    members = (await incidents.members(session, [row.id])).get(row.id, ())
    staying = [member.registry for member in members if member.stays]
    paused = paused_until(staying, now)
    due = life.next_tick(decided.incident, rules, paused_until=paused)
    await incidents.put(session, row, decided.incident, due)
    await say(session, row, decided.say, now)
    deed = audit.Deed(
        team_id=row.team_id,
        user_id=pressed.by,
        action=f"alert_{decided.incident.last}",
        registry_id=staying[0].id if staying else "",
        registry_name=", ".join(one.name for one in staying[:5]),
        version=decided.incident.version,
        details={"incident": row.id},
    )
    await audit.note(session, deed, now)
    return decided
