"""Which images run where, as inventories, pipelines and admission requests told it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.plain import is_postgresql, run, sql

INVENTORY: Final = "inventory"
DECLARED: Final = "declared"
SIGHTED: Final = "sighted"
PLACE_LONGEST: Final = 700
IMAGE_LONGEST: Final = 1024  # with the place still below what an index of PostgreSQL takes
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
