"""Statements in plain SQL for the paths that every check takes; the same text on both databases."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession


def sql(session: AsyncSession, *parts: str, lock: str = "") -> TextClause:
    """A statement of parts; `{ids}` in them is the list given as parameter `ids`.

    `lock` is a locking clause of PostgreSQL; a writing transaction on SQLite is alone anyway.
    """
    postgresql = is_postgresql(session)
    unpack = "json_array_elements_text(CAST(:ids AS json))" if postgresql else "value"
    source = "" if postgresql else " FROM json_each(:ids)"
    words = " ".join(parts).replace("{ids}", f"(SELECT {unpack}{source})")
    return text(f"{words} {lock}" if postgresql else words)


async def run(session: AsyncSession, statement: TextClause, **values: Any) -> Any:
    """Run a statement; moments and lists of ids are put as this database wants them.

    Answers SQLAlchemy's result, whose rows are plain: nobody knows their types.
    """
    connection = await session.connection()
    return await connection.execute(statement, _parameters(session, values))


def is_postgresql(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def stored(value: Any) -> Any:
    """A value as SQLite keeps it: moments are text (see SQLAlchemy's DateTime)."""
    if isinstance(value, datetime):
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
        return utc.isoformat(" ", "microseconds")[:-6]  # without +00:00
    return value


def moment(value: datetime | str | None) -> datetime | None:
    """A moment out of a plain row, aware and in UTC."""
    if value is None or isinstance(value, datetime):
        return None if value is None else value.astimezone(UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def _parameters(session: AsyncSession, values: Mapping[str, Any]) -> dict[str, Any]:
    as_is = is_postgresql(session)
    found = {}
    for name, value in values.items():
        if isinstance(value, datetime):
            found[name] = value if as_is else stored(value)
        elif isinstance(value, Collection) and not isinstance(value, str):
            found[name] = json.dumps(list(value))
        else:
            found[name] = value
    return found
