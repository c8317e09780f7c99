"""Daily counts, on both databases."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

from sqlmodel import col, select

from bot.core.check import Verdict
from bot.core.day_counts import DayCounts, day_of
from bot.store import day_counts
from bot.store.schema import Registry
from bot.usecases.deps import Deps
from tests.factories import MALLORY, NOW, add, generic

TODAY = day_of(NOW)
YESTERDAY = TODAY - timedelta(days=1)


async def counts_of(deps: Deps, registry_id: str) -> dict[date, DayCounts]:
    async with deps.store.reading() as session:
        return await day_counts.of_registry(session, registry_id, YESTERDAY)


async def test_checks_are_counted_by_day_and_verdict(deps: Deps) -> None:
    """Again and again, each batch on top of the last."""
    view = await add(deps)
    before = NOW - timedelta(days=1)
    for _ in range(2):
        async with deps.store.transaction() as session:
            some = [(view.id, NOW, Verdict.PROVEN), (view.id, NOW, Verdict.PROVEN)]
            await day_counts.add(session, [*some, (view.id, before, Verdict.REFUSED)])

    assert await counts_of(deps, view.id) == {
        YESTERDAY: DayCounts(refused=2),
        TODAY: DayCounts(proven=4),
    }


async def test_nothing_to_count_is_no_statement(deps: Deps) -> None:
    """An empty batch is harmless."""
    async with deps.store.transaction() as session:
        await day_counts.add(session, [])


async def test_two_who_count_at_once_lose_nothing(deps: Deps) -> None:
    """Workers add to the same days in the same order."""
    ids = [(await add(deps, answers=generic(f"harbor-{n}"))).id for n in range(5)]

    async def count(names: list[str]) -> None:
        async with deps.store.transaction() as session:
            await day_counts.add(session, [(name, NOW, Verdict.PROVEN) for name in names])

    await asyncio.gather(*(count(ids if n % 2 else ids[::-1]) for n in range(10)))

    assert [(await counts_of(deps, name))[TODAY].proven for name in ids] == [10] * 5


async def test_a_workspace_sees_its_own_days_only(deps: Deps) -> None:
    """With one query for all of its registries."""
    mine = await add(deps)
    theirs = await add(deps, MALLORY, generic("other"))
    async with deps.store.transaction() as session:
        checked = [(mine.id, NOW, Verdict.PROVEN), (theirs.id, NOW, Verdict.BLOCKED)]
        await day_counts.add(session, checked)
    async with deps.store.reading() as session:
        found = await day_counts.of_team(session, "T1", YESTERDAY)

    assert found == {mine.id: {TODAY: DayCounts(proven=1)}}


async def test_days_end_with_their_registry(deps: Deps) -> None:
    """A row that is removed takes its counts along."""
    view = await add(deps)
    async with deps.store.transaction() as session:
        await day_counts.add(session, [(view.id, NOW, Verdict.PROVEN)])
        wanted = select(Registry).where(col(Registry.id) == view.id)
        row = (await session.exec(wanted)).one()
        await session.delete(row)

    assert await counts_of(deps, view.id) == {}
