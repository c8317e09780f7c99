"""What is in use in a workspace at the moment, from all who tell of it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.cluster import ClusterView
from bot.core.registry import Environment
from bot.core.usage import Judge, Running, Source, Use, environment_meant, is_stale
from bot.store import clusters, uses
from bot.store.uses import Kept
from bot.usecases import gate

_RANK: Final = {str(source): rank for rank, source in enumerate(Source)}


async def judged(session: AsyncSession, team_id: str, now: datetime) -> tuple[Judge, Running]:
    """The rules of the moment, and what is in use."""
    return Judge(await gate.load(session, team_id, now), now), await running(session, team_id, now)


async def counted(session: AsyncSession, team_id: str, now: datetime) -> Counter[str]:
    """How many workloads use each registry, by its name; `""` counts those of none."""
    judge = Judge(await gate.load(session, team_id, now), now)
    by_id = {row.id: clusters.view_of(row) for row in await clusters.all_live(session, team_id)}
    found = {
        (
            judge.decide(image, _environment(by_id.get(cluster_id), place)).registry,
            cluster_id,
            place,
        )
        for cluster_id, place, image in await uses.places_in_force(session, team_id)
    }
    return Counter(registry for registry, _, _ in found)


async def running(session: AsyncSession, team_id: str, now: datetime) -> Running:
    """Everything in use, each image of a workload once, as its best source tells it."""
    rows = await clusters.all_live(session, team_id)
    by_id = {row.id: clusters.view_of(row) for row in rows}
    best: dict[tuple[str, str, str], Kept] = {}
    for kept in await uses.in_force(session, team_id):
        key = (kept.cluster_id, kept.place, kept.image)
        if key not in best or _RANK[kept.source] < _RANK[best[key].source]:
            best[key] = kept
    found = [_use(kept, by_id.get(kept.cluster_id)) for kept in best.values()]
    found.sort(key=lambda use: (use.cluster, use.place, use.image))
    silent = tuple(view for view in by_id.values() if is_stale(view, now))
    return Running(tuple(found), silent, len(by_id))


def _use(kept: Kept, cluster: ClusterView | None) -> Use:
    return Use(
        source=Source(kept.source),
        cluster=cluster.name if cluster else "",
        place=kept.place,
        image=kept.image,
        first_seen=kept.first_seen_at,
        last_seen=kept.last_seen_at,
        environment=_environment(cluster, kept.place),
    )


def _environment(cluster: ClusterView | None, place: str) -> Environment:
    """That of the namespace, or the one that a pipeline named."""
    if cluster is None:
        return environment_meant(place.split("/")[1]) if "/" in place else Environment.ANY
    return cluster.environment_of(place.partition("/")[0])
