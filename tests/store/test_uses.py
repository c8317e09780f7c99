"""Uses of images, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import select

from bot.store import uses, workspaces
from bot.store.schema import ImageUse
from bot.store.uses import IMAGE_LONGEST, PLACE_LONGEST, SIGHTED
from bot.usecases.deps import Deps
from tests.factories import NOW

LATER = NOW + timedelta(hours=1)
WEB = ("web/Deployment/api", "ghcr.io/acme/api:1")


async def see(
    deps: Deps, pairs: Iterable[tuple[str, str]], now: datetime = NOW, cluster: str = "c1"
) -> None:
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, "T1", NOW)
        await uses.seen(session, "T1", SIGHTED, cluster, pairs, now)


async def rows_of(deps: Deps) -> list[ImageUse]:
    async with deps.store.reading() as session:
        wanted = select(ImageUse).order_by(ImageUse.cluster_id, ImageUse.place)
        return list((await session.exec(wanted)).all())


async def test_a_use_seen_again_keeps_when_it_was_first_seen(deps: Deps) -> None:
    """And moves on when it was last seen."""
    await see(deps, [WEB])
    await see(deps, [WEB], LATER)

    (row,) = await rows_of(deps)
    assert (row.place, row.image) == WEB
    assert (row.first_seen_at, row.last_seen_at) == (NOW, LATER)


async def test_a_late_report_does_not_turn_time_back(deps: Deps) -> None:
    """Two replicas may write out of order."""
    await see(deps, [WEB], LATER)
    await see(deps, [WEB], NOW)

    (row,) = await rows_of(deps)
    assert row.last_seen_at == LATER


async def test_clusters_are_kept_apart(deps: Deps) -> None:
    """The same workload in two clusters is used twice."""
    await see(deps, [WEB], cluster="c1")
    await see(deps, [WEB], cluster="c2")

    assert [row.cluster_id for row in await rows_of(deps)] == ["c1", "c2"]


async def test_ten_thousand_with_doubles_are_noted_at_once(deps: Deps) -> None:
    """One statement cannot touch a row twice, so doubles are taken out before."""
    many = [(f"web/Deployment/api-{number:05}", WEB[1]) for number in range(10_000)]
    await see(deps, many + many[:100])
    await see(deps, many, LATER)

    rows = await rows_of(deps)
    assert len(rows) == 10_000
    assert {row.last_seen_at for row in rows} == {LATER}


async def test_what_no_database_takes_is_left_out(deps: Deps) -> None:
    """Anybody can send an admission request, so the rest must not be lost with it."""
    odd = [
        ("web/Pod/\x00", "ghcr.io/acme/api"),
        ("web/Pod/\ud800", "ghcr.io/acme/api"),
        ("", "ghcr.io/acme/api"),
        ("p" * (PLACE_LONGEST + 1), "ghcr.io/acme/api"),
        ("web/Pod/x", "i" * (IMAGE_LONGEST + 1)),
    ]
    await see(deps, [*odd, WEB])

    assert [row.place for row in await rows_of(deps)] == [WEB[0]]


async def test_the_longest_use_fits_the_index(deps: Deps) -> None:
    """PostgreSQL refuses index entries of more than 2,704 bytes, and these do not compress."""
    import random

    letters = random.Random(4)
    long = ["".join(letters.choices("abcdefghijklmnop0123456789", k=n)) for n in (700, 1024)]
    await see(deps, [(long[0], long[1])])

    assert len(await rows_of(deps)) == 1


async def test_two_who_see_the_same_do_not_block_each_other(deps: Deps) -> None:
    """Both write in the same order."""
    many = [(f"web/Deployment/api-{number}", WEB[1]) for number in range(200)]
    await see(deps, [])
    await asyncio.gather(*(see(deps, many[::way]) for way in (1, -1) * 5))

    assert len(await rows_of(deps)) == 200
