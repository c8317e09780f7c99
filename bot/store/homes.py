"""Who has the Home tab open, and what they see there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import HomeView


@dataclass(frozen=True, slots=True)
class OpenHome:
    """A tab that somebody looked at lately: its page and filter, and a digest of what it shows."""

    team_id: str
    user_id: str
    state: str
    digest: str


async def note(session: AsyncSession, home: OpenHome, now: datetime) -> None:
    """Somebody looks at the tab now."""
    values = {
        "team_id": home.team_id,
        "user_id": home.user_id,
        "view_json": _written(home),
        "seen_at": now,
    }
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(HomeView).values(**values)
    again = {"view_json": values["view_json"], "seen_at": now}
    await session.exec(
        insert.on_conflict_do_update(index_elements=["team_id", "user_id"], set_=again)
    )


async def change(session: AsyncSession, before: OpenHome, after: OpenHome) -> bool:
    """Note what a tab shows now; False when somebody else refreshed it or it was opened again."""
    statement = (
        update(HomeView)
        .where(
            col(HomeView.team_id) == before.team_id,
            col(HomeView.user_id) == before.user_id,
            col(HomeView.view_json) == _written(before),
        )
        .values(view_json=_written(after))
    )
    return bool((await session.exec(statement)).rowcount == 1)


async def opened_since(
    session: AsyncSession, since: datetime, limit: int, team_id: str = ""
) -> list[OpenHome]:
    """Tabs that were looked at since then, the latest first; of one workspace or of all."""
    wanted = select(HomeView).where(col(HomeView.seen_at) >= since)
    if team_id:
        wanted = wanted.where(col(HomeView.team_id) == team_id)
    rows = await session.exec(wanted.order_by(col(HomeView.seen_at).desc()).limit(limit))
    return [_read(row) for row in rows]


def _written(home: OpenHome) -> str:
    return json.dumps({"state": home.state, "digest": home.digest})


def _read(row: HomeView) -> OpenHome:
    try:
        found: Any = json.loads(row.view_json)
    except ValueError:
        found = {}
    stored = found if isinstance(found, dict) else {}
    state, digest = str(stored.get("state", "")), str(stored.get("digest", ""))
    return OpenHome(row.team_id, row.user_id, state, digest)
