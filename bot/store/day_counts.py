"""Daily counts of checks: they grow with every check, and outlive the checks themselves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.check import Verdict
from bot.core.day_counts import DayCounts, day_of
from bot.store.plain import is_postgresql, run, sql
from bot.store.schema import LIVE, DayCount, Registry

_COLUMNS: Final = tuple(verdict.value for verdict in Verdict)
_NAMES: Final = ", ".join(("registry_id", "day", *_COLUMNS))


async def add(
    session: AsyncSession, checked: Iterable[tuple[str, datetime, Verdict | str]]
) -> None:
    """Count checks (registry id, when, verdict), in the transaction that writes them down.

    Call it after the registries' own rows were written: their locks keep two who count apart.
    """
    counts = Counter((str(verdict), name, day_of(at).isoformat()) for name, at, verdict in checked)
    by_verdict: dict[str, list[tuple[str, str, int]]] = {}
    for (verdict, registry_id, day), number in sorted(counts.items()):
        by_verdict.setdefault(verdict, []).append((registry_id, day, number))
    for verdict, rows in by_verdict.items():
        await _write(session, verdict, rows)


async def _write(session: AsyncSession, verdict: str, rows: Sequence[tuple[str, str, int]]) -> None:
    """Add numbers to one column, in one statement."""
    more = f"ON CONFLICT (registry_id, day) DO UPDATE SET {_sum(verdict)}"
    insert = ("INSERT INTO day_count (", _NAMES, ")")
    if is_postgresql(session):
        numbers = ", ".join("number" if name == verdict else "0" for name in _COLUMNS)
        types = "registry_id text, day text, number int"
        source = f"FROM json_to_recordset(CAST(:rows AS json)) AS j({types})"
        # `WHERE true` tells the ON that follows from one of a join.
        select_ = ("SELECT registry_id, day,", numbers, source, "WHERE true")
        named = [dict(zip(("registry_id", "day", "number"), row, strict=True)) for row in rows]
        await run(session, sql(session, *insert, *select_, more), rows=json.dumps(named))
        return
    places = ", ".join("?" if name == verdict else "0" for name in _COLUMNS)
    connection = await session.connection()
    await connection.exec_driver_sql(
        " ".join((*insert, "VALUES (?, ?,", places, ")", more)), list(rows)
    )


def _sum(verdict: str) -> str:
    """Only words of ours become part of a statement."""
    name = Verdict(verdict).value
    return f"{name} = day_count.{name} + excluded.{name}"


async def of_registry(
    session: AsyncSession, registry_id: str, since: date
) -> dict[date, DayCounts]:
    """The days of one registry from `since` on that have any."""
    wanted = select(DayCount).where(
        col(DayCount.registry_id) == registry_id, col(DayCount.day) >= since.isoformat()
    )
    return {date.fromisoformat(row.day): _counts(row) for row in await session.exec(wanted)}


async def of_team(
    session: AsyncSession, team_id: str, since: date
) -> dict[str, dict[date, DayCounts]]:
    """The same for every live registry of a workspace, by registry id."""
    columns = [col(getattr(DayCount, name)) for name in ("registry_id", "day", *_COLUMNS)]
    wanted: Any = (
        select(*columns)
        .join(Registry, col(Registry.id) == col(DayCount.registry_id))
        .where(
            col(Registry.team_id) == team_id,
            col(Registry.state) == LIVE,
            col(DayCount.day) >= since.isoformat(),
        )
    )
    found: dict[str, dict[date, DayCounts]] = {}
    for registry_id, day, *counts in await session.exec(wanted):
        found.setdefault(registry_id, {})[date.fromisoformat(day)] = DayCounts(*counts)
    return found


async def older(session: AsyncSession, before: date, limit: int) -> list[tuple[str, str]]:
    """Registry and day of counts before that day."""
    wanted = select(DayCount.registry_id, DayCount.day).where(
        col(DayCount.day) < before.isoformat()
    )
    return [(name, day) for name, day in await session.exec(wanted.limit(limit))]


async def forget(session: AsyncSession, some: Iterable[tuple[str, str]]) -> None:
    """Remove counts by registry and day."""
    for name, day in some:
        mine = (col(DayCount.registry_id) == name, col(DayCount.day) == day)
        await session.exec(delete(DayCount).where(*mine))


def _counts(row: DayCount) -> DayCounts:
    return DayCounts(**{name: getattr(row, name) for name in _COLUMNS})
