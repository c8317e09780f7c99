"""Uses for tests, told the way clusters and pipelines tell them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.store import clusters, uses
from bot.store.uses import SIGHTED
from bot.usecases.deps import Deps

Pairs = Iterable[tuple[str, str]]


async def inventory(deps: Deps, cluster_id: str, pairs: Pairs, at: datetime | None = None) -> None:
    """A whole inventory of a cluster arrived."""
    at = at or deps.clock.now()
    async with deps.store.transaction() as session:
        await uses.replace_inventory(session, "T1", cluster_id, pairs, at)
        await clusters.note_inventory(session, cluster_id, at)


async def declared(deps: Deps, place: str, *images: str) -> None:
    async with deps.store.transaction() as session:
        await uses.declare(session, "T1", place, images, deps.clock.now())


async def sighted(deps: Deps, cluster_id: str, pairs: Pairs, at: datetime | None = None) -> None:
    async with deps.store.transaction() as session:
        await uses.seen(session, "T1", SIGHTED, cluster_id, pairs, at or deps.clock.now())
