"""What admission saw is written a while later, and in bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from bot.errors import StoreError
from bot.store.schema import ImageUse
from bot.usecases.deps import Deps
from bot.usecases.sightings import AGAIN_AFTER, Sightings
from tests.databases import take_away
from tests.factories import ALICE, NOW, clock_of, cluster

WEB = "web/Deployment/web"
APP = "ghcr.io/acme/app:1"


async def _rows(deps: Deps) -> list[ImageUse]:
    async with deps.store.reading() as session:
        return list(await session.exec(select(ImageUse).order_by(col(ImageUse.image))))


async def test_seen_images_are_written_as_sighted(deps: Deps) -> None:
    """With the cluster and the place; nothing before the tick."""
    made = (await cluster(deps)).cluster
    sightings = Sightings(deps)
    sightings.note(made, WEB, [APP, "docker.io/library/nginx:1"])
    assert (sightings.waiting, await _rows(deps)) == (2, [])

    await sightings.flush()

    rows = await _rows(deps)
    assert [row.image for row in rows] == ["docker.io/library/nginx:1", APP]
    told = {(row.team_id, row.source, row.cluster_id, row.place) for row in rows}
    assert told == {(ALICE.team_id, "sighted", made.id, WEB)}
    assert sightings.waiting == 0


async def test_the_same_image_is_written_again_only_after_minutes(deps: Deps) -> None:
    """Pods come and go; that one is still there need not be written each time."""
    made = (await cluster(deps)).cluster
    sightings = Sightings(deps)
    for _ in range(5):
        sightings.note(made, WEB, [APP])
        await sightings.flush()
        clock_of(deps).skip(AGAIN_AFTER / 5)
    (row,) = await _rows(deps)
    assert row.last_seen_at == NOW

    sightings.note(made, WEB, [APP])
    await sightings.flush()

    (row,) = await _rows(deps)
    assert (row.first_seen_at, row.last_seen_at) == (NOW, NOW + AGAIN_AFTER)


async def test_more_than_fits_is_counted_and_forgotten(deps: Deps) -> None:
    """A flood takes neither the memory nor the database, and ends for others with the hour."""
    made, other = (await cluster(deps)).cluster, (await cluster(deps, "other")).cluster
    sightings = Sightings(deps, most=10, per_hour=8)
    sightings.note(made, WEB, [f"{APP}{number}" for number in range(20)])
    sightings.note(other, WEB, [f"{APP}{number}" for number in range(3)])
    assert (sightings.waiting, sightings.dropped) == (10, 13)

    await sightings.flush()
    sightings.note(made, WEB, [APP])
    assert sightings.dropped == 14
    clock_of(deps).skip(timedelta(hours=1))
    sightings.note(made, WEB, [APP])

    assert (sightings.waiting, sightings.dropped) == (1, 14)


async def test_what_no_database_takes_loses_nothing_else(deps: Deps) -> None:
    """A place is anybody's text."""
    made = (await cluster(deps)).cluster
    sightings = Sightings(deps)
    for place in ("\udc00/Pod/a", "web/Pod/\x00", f"web/Pod/{'x' * 5000}", WEB):
        sightings.note(made, place, [APP])
    await sightings.flush()

    assert [row.place for row in await _rows(deps)] == [WEB]


async def test_sightings_wait_for_a_database_that_is_away(deps: Deps, database_url: str) -> None:
    """None is lost, and none is written twice."""
    made = (await cluster(deps)).cluster
    sightings = Sightings(deps, most=2)
    sightings.note(made, WEB, [APP])
    await deps.store.close()
    take_away(database_url)
    with pytest.raises(StoreError):
        await sightings.flush()
    sightings.note(made, "web/Deployment/api", [APP, "quay.io/x/y"])

    assert (sightings.waiting, sightings.dropped) == (2, 1)
