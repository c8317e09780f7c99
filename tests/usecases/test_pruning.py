"""What is kept for how long."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, func, select

from bot.core.day_counts import day_of
from bot.core.registry import Filter
from bot.store import day_counts, outbox
from bot.store.outbox import Letter
from bot.store.schema import CheckRecord, HomeView, Outgoing
from bot.usecases import homes
from bot.usecases.deps import Deps
from bot.usecases.outbox import claim, settle
from bot.usecases.pruning import BATCH, prune
from tests.factories import ALICE, NOW, add, clock_of, proven
from tests.usecases.history import ago, checked


async def kept(deps: Deps) -> int:
    async with deps.store.reading() as session:
        return (await session.exec(select(func.count(col(CheckRecord.id))))).one()


async def test_checks_are_kept_in_full_for_thirty_days(deps: Deps) -> None:
    """Then their daily counts are left."""
    view = await add(deps)
    days = (31, 30.1, 29.9, 1)
    await checked(deps, view.id, [(ago(days=n), proven()) for n in days])
    await prune(deps)

    assert await kept(deps) == 3
    async with deps.store.reading() as session:
        counts = await day_counts.of_registry(session, view.id, day_of(ago(days=40)))
    assert sum(count.proven for count in counts.values()) == 4


async def test_many_old_checks_go_in_one_run(deps: Deps) -> None:
    """Batch after batch, also past rows that stay."""
    view = await add(deps)
    old = [(ago(days=60, seconds=n), proven()) for n in range(BATCH + 20)]
    await checked(deps, view.id, [*old, (ago(days=1), proven())])

    assert await prune(deps) == BATCH + 20
    assert await prune(deps) == 0


async def test_the_last_check_of_a_registry_stays(deps: Deps) -> None:
    """A registry that was paused for months still shows how it was."""
    await add(deps)
    clock_of(deps).skip(timedelta(days=90))
    await prune(deps)

    assert await kept(deps) == 1


async def test_sent_letters_go_after_ninety_days(deps: Deps) -> None:
    """Those that wait never do."""
    await add(deps)
    async with deps.store.transaction() as session:
        for key in ("a", "b"):
            await outbox.put(session, Letter("T1", key, "C1", "registry_added"), NOW)
    first, _ = await claim(deps, 10)
    await settle(deps, first, "1.1")
    clock_of(deps).skip(timedelta(days=91))
    await prune(deps)

    async with deps.store.reading() as session:
        assert (await session.exec(select(Outgoing.delivery_key))).all() == ["b"]


async def test_daily_counts_go_after_four_hundred_days(deps: Deps) -> None:
    """And Home tabs that nobody looks at after one."""
    view = await add(deps)
    await checked(deps, view.id, [(NOW, proven())])
    shown = await homes.content(deps, ALICE, Filter(), 1)
    await homes.seen(deps, ALICE, "{}", shown)
    clock_of(deps).skip(timedelta(days=399))
    await prune(deps)
    async with deps.store.reading() as session:
        assert (await session.exec(select(HomeView.user_id))).all() == []
        assert len(await day_counts.of_registry(session, view.id, day_of(NOW))) == 1
    clock_of(deps).skip(timedelta(days=2))
    await prune(deps)

    async with deps.store.reading() as session:
        assert await day_counts.of_registry(session, view.id, day_of(NOW)) == {}
