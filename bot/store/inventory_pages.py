"""Pages of inventories that are still arriving."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, delete, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import InventoryPage
from bot.store.uses import Use

ANSWER = 0
"""The number of the page that holds what was answered to a whole run."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What is here of a run: its pages by number, and when the first of them came."""

    pages: Mapping[int, list[Use]]
    begun: datetime


async def put(
    session: AsyncSession, cluster_id: str, run: str, number: int, uses: list[Use], now: datetime
) -> None:
    """Keep a page; one that is sent again takes the place of the first, but not its time."""
    kept = await session.get(InventoryPage, (cluster_id, run, number))
    if kept is None:
        kept = InventoryPage(
            cluster_id=cluster_id, run=run, number=number, uses_json="", arrived_at=now
        )
    kept.uses_json = json.dumps(uses)
    session.add(kept)
    await session.flush()


async def arrived(session: AsyncSession, cluster_id: str, run: str) -> Arrived:
    """All pages of a run that has at least one."""
    wanted = select(InventoryPage).where(
        col(InventoryPage.cluster_id) == cluster_id,
        col(InventoryPage.run) == run,
        col(InventoryPage.number) > ANSWER,
    )
    rows = (await session.exec(wanted)).all()
    pages = {row.number: [(place, image) for place, image in _list(row)] for row in rows}
    return Arrived(pages, min(row.arrived_at for row in rows))


async def count(session: AsyncSession, cluster_id: str) -> int:
    """How many pages are kept of a cluster, of all its runs."""
    wanted = select(func.count()).where(col(InventoryPage.cluster_id) == cluster_id)
    return (await session.exec(wanted)).one()


async def answer(session: AsyncSession, cluster_id: str, run: str) -> dict[str, Any] | None:
    """What was answered to a run that is whole already."""
    kept = await session.get(InventoryPage, (cluster_id, run, ANSWER))
    found = None if kept is None else json.loads(kept.uses_json)
    return found if isinstance(found, dict) else None


async def close(
    session: AsyncSession, cluster_id: str, run: str, said: Mapping[str, Any], now: datetime
) -> None:
    """The run is whole: keep what is answered instead of its pages, and no other answer."""
    mine = col(InventoryPage.cluster_id) == cluster_id
    over = (col(InventoryPage.run) == run) | (col(InventoryPage.number) == ANSWER)
    await session.exec(delete(InventoryPage).where(mine, over))
    page = InventoryPage(
        cluster_id=cluster_id, run=run, number=ANSWER, uses_json=json.dumps(said), arrived_at=now
    )
    session.add(page)
    await session.flush()


async def forget(session: AsyncSession, before: datetime) -> int:
    """Remove pages of runs that never became whole; answers how many."""
    gone = delete(InventoryPage).where(col(InventoryPage.arrived_at) < before)
    return int((await session.exec(gone)).rowcount)


def _list(row: InventoryPage) -> list[list[str]]:
    found: list[list[str]] = json.loads(row.uses_json)
    return found
