"""Which images run where, as inventories, pipelines and admission requests told it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.usage import Source
from bot.store.plain import is_postgresql, run, sql
from bot.store.schema import Cluster, ImageUse

INVENTORY: Final = str(Source.INVENTORY)
DECLARED: Final = str(Source.DECLARED)
SIGHTED: Final = str(Source.SIGHTED)
PLACE_LONGEST: Final = 700
IMAGE_LONGEST: Final = 1040  # as a text of 1,024 bytes is read; the index takes it with its place
BATCH: Final = 1000  # rows a statement

Use = tuple[str, str]
"""A place and an image that is used there, canonical."""

_COLUMNS: Final = "team_id, source, cluster_id, place, image, first_seen_at, last_seen_at"
_SEEN_AGAIN: Final = (
    "ON CONFLICT (team_id, source, cluster_id, place, image) DO UPDATE"
    " SET last_seen_at = excluded.last_seen_at"
    " WHERE image_use.last_seen_at < excluded.last_seen_at"
)


async def seen(
    session: AsyncSession,
    team_id: str,
    source: str,
    cluster_id: str,
    pairs: Iterable[Use],
    now: datetime,
) -> None:
    """Note uses: a new one is first seen `now`, a known one last seen `now`.

    What does not fit is left out, see `fits`. Both databases take tens of thousands at once.
    """
    # In order, so that two who see the same do not wait for each other in a circle.
    rows = sorted({(place, image) for place, image in pairs if fits(place, image)})
    for start in range(0, len(rows), BATCH):
        batch = json.dumps(rows[start : start + BATCH])
        await run(
            session,
            sql(
                session,
                f"INSERT INTO image_use ({_COLUMNS})",
                "SELECT :team, :source, :cluster, ",
                _pair_from_json(session),
                _SEEN_AGAIN,
            ),
            team=team_id,
            source=source,
            cluster=cluster_id,
            rows=batch,
            now=now,
        )


class Kept(NamedTuple):
    """A stored use."""

    source: str
    cluster_id: str
    place: str
    image: str
    first_seen_at: datetime
    last_seen_at: datetime


async def in_force(session: AsyncSession, team_id: str) -> list[Kept]:
    """What is in use in a workspace: by the latest inventory, declared, or sighted since.

    Clusters that are deleted use nothing.
    """
    rows = await session.exec(_in_force(team_id, Kept._fields))
    return [Kept(*row) for row in rows]


async def places_in_force(session: AsyncSession, team_id: str) -> list[tuple[str, str, str]]:
    """Of the same only cluster id, place and image: what is needed to count, at half the time."""
    rows = await session.exec(_in_force(team_id, ("cluster_id", "place", "image")))
    return [(row[0], row[1], row[2]) for row in rows]


def _in_force(team_id: str, names: Iterable[str]) -> Any:
    columns: list[Any] = [col(getattr(ImageUse, name)) for name in names]
    of_cluster = col(Cluster.id) == col(ImageUse.cluster_id)
    holds = (col(ImageUse.source) == DECLARED) | (
        col(Cluster.id).is_not(None)
        & col(Cluster.deleted_at).is_(None)
        & (
            (col(ImageUse.source) == INVENTORY)
            | col(Cluster.inventory_at).is_(None)
            | (col(ImageUse.last_seen_at) > col(Cluster.inventory_at))
        )
    )
    wanted: Any = select(*columns)
    return (
        wanted.select_from(ImageUse)
        .join(Cluster, of_cluster, isouter=True)
        .where(
            col(ImageUse.team_id) == team_id,
            col(ImageUse.source).in_(list(map(str, Source))),
            holds,
        )
    )


async def replace_inventory(
    session: AsyncSession, team_id: str, cluster_id: str, pairs: Iterable[Use], begun: datetime
) -> None:
    """What a cluster said that it runs, beginning to look at `begun`, instead of all it said.

    Sightings from before that are answered by it.
    """
    await seen(session, team_id, INVENTORY, cluster_id, pairs, begun)
    gone = delete(ImageUse).where(
        col(ImageUse.team_id) == team_id,
        col(ImageUse.cluster_id) == cluster_id,
        ((col(ImageUse.source) == INVENTORY) & (col(ImageUse.last_seen_at) < begun))
        | ((col(ImageUse.source) == SIGHTED) & (col(ImageUse.last_seen_at) <= begun)),
    )
    await session.exec(gone)


async def declare(
    session: AsyncSession, team_id: str, place: str, images: Sequence[str], now: datetime
) -> None:
    """The images of one service, instead of those it had; none withdraws it."""
    await seen(session, team_id, DECLARED, "", [(place, image) for image in images], now)
    gone = delete(ImageUse).where(
        col(ImageUse.team_id) == team_id,
        col(ImageUse.source) == DECLARED,
        col(ImageUse.place) == place,
        col(ImageUse.image).not_in(list(images)),
    )
    await session.exec(gone)


async def old(session: AsyncSession, before: datetime, limit: int) -> Sequence[int | None]:
    """Numbers of uses that nobody has told of since; declared ones hold until withdrawn."""
    wanted = select(ImageUse.id).where(
        col(ImageUse.source) != DECLARED, col(ImageUse.last_seen_at) < before
    )
    return (await session.exec(wanted.limit(limit))).all()


async def forget(session: AsyncSession, numbers: Sequence[int | None]) -> None:
    await session.exec(delete(ImageUse).where(col(ImageUse.id).in_(numbers)))


def fits(place: str, image: str) -> bool:
    """Whether a use can be kept: both are printable, not empty and not too long."""
    return all(
        text.isprintable() and 0 < len(text.encode()) <= most
        for text, most in ((place, PLACE_LONGEST), (image, IMAGE_LONGEST))
    )


def _pair_from_json(session: AsyncSession) -> str:
    """The rest of the SELECT: place, image, twice the moment. `WHERE true` ends a join's ON."""
    if is_postgresql(session):
        source = "json_array_elements(CAST(:rows AS json)) AS j(pair)"
        return f"pair->>0, pair->>1, :now, :now FROM {source} WHERE true"
    parts = "json_extract(value, '$[0]'), json_extract(value, '$[1]')"
    return f"{parts}, :now, :now FROM json_each(:rows) WHERE true"
