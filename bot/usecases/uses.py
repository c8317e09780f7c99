"""Who uses what: the uses of a registry, registries that nothing uses, images of no registry.

Whose image it is follows from the rules of the moment (`bot.usecases.gate`) and is never stored, so
that a registration counts for what runs already.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.usage import (
    Running,
    Use,
    uncovered,
    workloads,
)
from bot.store import registries
from bot.usecases.deps import Deps
from bot.usecases.registries import find
from bot.usecases.running import counted, judged
from bot.usecases.stored_states import stored_health


@dataclass(frozen=True, slots=True)
class OfRegistry:
    """What uses a registry, and whose inventory is too old to be sure."""

    name: str
    uses: tuple[Use, ...]
    running: Running


@dataclass(frozen=True, slots=True)
class Unused:
    """Registries that nothing is known to use; those that were never proven stand apart."""

    proven: tuple[str, ...]
    never_proven: tuple[str, ...]
    running: Running


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Images in use that no registration covers, by repository, the most used first."""

    repositories: Mapping[str, tuple[Use, ...]]
    running: Running


async def of_registry(deps: Deps, actor: Actor, name: str) -> OfRegistry:
    """Everything known to use a registry, by place; NotFound names those spelled nearly so."""
    async with deps.store.reading() as session:
        stored = await find(session, actor, name)
        judge, now_running = await judged(session, actor.team_id, await deps.store.now(session))
    mine = stored.registry.name
    found = tuple(use for use in now_running.uses if judge.of(use).registry == mine)
    return OfRegistry(mine, found, now_running)


async def counts(deps: Deps, actor: Actor) -> Mapping[str, int]:
    """How many workloads use each registry, by its name; those that nothing uses are absent."""
    async with deps.store.reading() as session:
        return await counted(session, actor.team_id, await deps.store.now(session))


async def count_of(
    session: AsyncSession, team_id: str, names: Collection[str], now: datetime
) -> int:
    """How many workloads use any of these registries."""
    judge, now_running = await judged(session, team_id, now)
    return len(workloads(use for use in now_running.uses if judge.of(use).registry in names))


async def unused(deps: Deps, actor: Actor) -> Unused:
    """Registries without a known use, by name."""
    async with deps.store.reading() as session:
        judge, now_running = await judged(session, actor.team_id, await deps.store.now(session))
        states = await registries.health_by_name(session, actor.team_id)
    used = {judge.of(use).registry for use in now_running.uses}
    idle = [(name, stored_health(text).ever_proven) for name, text in states if name not in used]
    return Unused(
        proven=tuple(name for name, proven in idle if proven),
        never_proven=tuple(name for name, proven in idle if not proven),
        running=now_running,
    )


async def not_covered(deps: Deps, actor: Actor) -> Uncovered:
    """What runs although it belongs to no registered registry, and is not exempted."""
    async with deps.store.reading() as session:
        judge, now_running = await judged(session, actor.team_id, await deps.store.now(session))
    return Uncovered(uncovered(now_running.uses, judge), now_running)
