"""Writing down the answers of claimed registries: a batch of them in three statements."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.plain import is_postgresql, run, sql, stored

_TYPES: Final = {
    "checked_at": "timestamptz",
    "next_check_at": "timestamptz",
    "at": "timestamptz",
    "took": "double precision",
    "level": "integer",
    "attempts": "integer",
    "explicit": "boolean",
}
_MOMENTS: Final = frozenset(name for name, kind in _TYPES.items() if kind == "timestamptz")


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a claimed registry's row: `columns` by name, of those in `_TYPES` or text.

    `record` is the row of the check, without its number; None when nothing was asked.
    """

    id: str
    fence: int
    columns: Mapping[str, Any]
    record: Mapping[str, Any] | None = None


async def still_held(session: AsyncSession, answers: Sequence[Answer]) -> set[str]:
    """The registries whose claims still hold; they are locked until the transaction ends."""
    statement = sql(
        session,
        "SELECT r.id, r.fence FROM registry r",
        "WHERE r.state = 'live' AND r.id IN {ids} ORDER BY r.id",  # in order: no deadlocks
        lock="FOR UPDATE",
    )
    found = await run(session, statement, ids=[answer.id for answer in answers])
    fences: dict[str, int] = {row[0]: row[1] for row in found}
    return {answer.id for answer in answers if fences.get(answer.id) == answer.fence}


async def write(session: AsyncSession, answers: Sequence[Answer]) -> None:
    """Write answers whose claims hold and end their leases; all of them have the same columns."""
    if not answers:
        return
    names = tuple(answers[0].columns)
    await _update(session, names, [{"id": one.id, **one.columns} for one in answers])
    records = [one.record for one in answers if one.record is not None]
    if records:
        await _insert_checks(session, records)


async def _update(
    session: AsyncSession, names: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    if is_postgresql(session):
        types = _typed(("id", *names))
        sets = ", ".join(f"{name} = j.{name}" for name in names)
        statement = sql(
            session,
            "UPDATE registry AS r SET",
            sets,
            ", lease_until = NULL",
            f"FROM json_to_recordset(CAST(:rows AS json)) AS j({types}) WHERE r.id = j.id",
        )
        await run(session, statement, rows=_json(rows))
        return
    sets = ", ".join(f"{name} = ?" for name in names)
    words = ("UPDATE registry SET", sets, ", lease_until = NULL WHERE id = ?")
    values = _values(rows, (*names, "id"))
    connection = await session.connection()
    await connection.exec_driver_sql(" ".join(words), values)


async def _insert_checks(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    names = tuple(rows[0])
    columns = ", ".join(f'"{name}"' for name in names)
    words = ("INSERT INTO check_record (", columns, ")")
    if is_postgresql(session):
        source = f"FROM json_to_recordset(CAST(:rows AS json)) AS j({_typed(names)})"
        statement = sql(session, *words, "SELECT", columns, source)
        await run(session, statement, rows=_json(rows))
        return
    places = ", ".join("?" for _ in names)
    values = _values(rows, names)
    connection = await session.connection()
    await connection.exec_driver_sql(" ".join((*words, "VALUES (", places, ")")), values)


def _values(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[tuple[Any, ...]]:
    """The rows as SQLite keeps them."""
    pick = itemgetter(*names)
    moments = [place for place, name in enumerate(names) if name in _MOMENTS]
    found = []
    for row in rows:
        values = list(pick(row))
        for place in moments:
            values[place] = stored(values[place])
        found.append(tuple(values))
    return found


def _typed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}" {_TYPES.get(name, "text")}' for name in names)


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps([dict(row) for row in rows], default=_iso)


def _iso(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
