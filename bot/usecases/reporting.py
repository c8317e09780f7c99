"""What a period was like, for the weekly summary and whoever asks; and what is coming up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.day_counts import last_days
from bot.core.report import (
    ComingUp,
    CredentialTimes,
    Failure,
    Grid,
    Line,
    Report,
    as_one,
    coming_up,
    grid,
)
from bot.kinds.registry_kinds import label_of
from bot.kinds.sharing import mark
from bot.store import day_counts, incidents, looking_back, registries
from bot.usecases.deps import Deps
from bot.usecases.registries import counters
from bot.usecases.running import counted

GRID_DAYS: Final = 30
COMING: Final = 5


async def next_up(deps: Deps, actor: Actor, limit: int = COMING) -> ComingUp:
    """The next expiries and rotations of the workspace, and rotations that are overdue."""
    async with deps.store.reading() as session:
        times = await _credentials(session, actor.team_id)
    return coming_up(times, deps.clock.now(), limit)


async def report(deps: Deps, actor: Actor, since: datetime, until: datetime) -> Report:
    """The period from `since` to `until`; counters, what comes up and the grid are as of now."""
    now = deps.clock.now()
    counted = await counters(deps, actor)
    async with deps.store.reading() as session:
        failures = await _failures(session, actor.team_id, since, until)
        rotated = await looking_back.rotations(session, actor.team_id, since, until)
        times = await _credentials(session, actor.team_id)
        unproven = await looking_back.never_proven(session, actor.team_id)
        picture, idle = await _grid(session, actor.team_id, now)
        unused = await _unused(session, actor.team_id, now)
    return Report(
        since=since,
        until=until,
        counters=counted,
        failures=failures,
        rotated=tuple(rotated),
        coming=coming_up(times, now, COMING),
        unproven=tuple(unproven),
        idle=idle,
        grid=picture,
        unused=unused,
    )


async def _credentials(session: AsyncSession, team_id: str) -> list[CredentialTimes]:
    """Every credential once, whoever shares it."""
    groups: dict[tuple[str, ...], list[CredentialTimes]] = {}
    for host, login, print_, one in await looking_back.credential_times(session, team_id):
        key = mark(one.kind, host, login, print_) if print_ else (one.name,)
        groups.setdefault(key, []).append(one)
    return [as_one(some) if some[1:] else some[0] for some in groups.values()]


async def _unused(session: AsyncSession, team_id: str, now: datetime) -> tuple[str, ...]:
    """Registries without a known use, by name; nothing known at all proves nothing."""
    used = await counted(session, team_id, now)
    if not used:
        return ()
    return tuple(
        name for name in sorted(await registries.names(session, team_id)) if name not in used
    )


async def _failures(
    session: AsyncSession, team_id: str, since: datetime, until: datetime
) -> tuple[Failure, ...]:
    """Those that last first, then the longest."""
    rows = await looking_back.incidents_of(session, team_id, since, until)
    members = await incidents.members(session, [row.id for row in rows])
    found = []
    for row in rows:
        incident = incidents.state_of(row)
        names = tuple(member.registry.name for member in members.get(row.id, ()))
        until_then = row.closed_at if row.closed_at and row.closed_at < until else None
        found.append(
            Failure(names, incident.trouble, incident.sentence, incident.since, until_then)
        )
    found.sort(key=lambda one: (one.until is not None, -one.length(until)))
    return tuple(found)


async def _grid(session: AsyncSession, team_id: str, now: datetime) -> tuple[Grid, tuple[str, ...]]:
    """The picture's rows, and the names of what did not work on any of its days."""
    days = last_days(now, GRID_DAYS)
    counts = await day_counts.of_team(session, team_id, days[0])
    lines: list[Line] = []
    idle: list[str] = []
    for registry_id, name, kind, created_at in await looking_back.labels(session, team_id):
        mine = counts.get(registry_id, {})
        lines.append(Line(name, label_of(kind), mine))
        old = created_at <= now - timedelta(days=GRID_DAYS - 1)
        if old and any(c.failed for c in mine.values()) and not any(c.good for c in mine.values()):
            idle.append(name)
    return grid(lines, days), tuple(sorted(idle))
