"""How long the queues are: counts for whoever watches over Registrar itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import BURIED, LIVE, WAITING, IncidentRow, Outgoing, Registry


@dataclass(frozen=True, slots=True)
class Queue:
    """How many wait, and since when the first of them is due; None when none is due."""

    length: int
    due: int
    oldest: datetime | None


async def letters(session: AsyncSession, now: datetime) -> Queue:
    """Letters in the outbox; one that waits for an earlier one of its subject is not due yet."""
    waiting = col(Outgoing.state) == WAITING
    length = (await session.exec(select(func.count(col(Outgoing.id))).where(waiting))).one()
    earlier = aliased(Outgoing)
    behind = exists().where(
        col(earlier.subject) == col(Outgoing.subject),
        col(earlier.subject) != "",
        col(earlier.state) == WAITING,
        col(earlier.id) < col(Outgoing.id),
    )
    due = select(func.count(col(Outgoing.id)), func.min(col(Outgoing.not_before))).where(
        waiting, col(Outgoing.not_before) <= now, or_(col(Outgoing.subject) == "", ~behind)
    )
    number, oldest = (await session.exec(due)).one()
    return Queue(length, number, oldest)


async def buried(session: AsyncSession) -> int:
    """Letters that were given up."""
    wanted = select(func.count(col(Outgoing.id))).where(col(Outgoing.state) == BURIED)
    return (await session.exec(wanted)).one()


async def checks(session: AsyncSession, now: datetime) -> Queue:
    """Registries that are due for a check; those being checked are left out."""
    live = col(Registry.state) == LIVE
    free = or_(col(Registry.lease_until).is_(None), col(Registry.lease_until) <= now)
    due = select(func.count(col(Registry.id)), func.min(col(Registry.next_check_at))).where(
        live, col(Registry.next_check_at) <= now, free
    )
    number, oldest = (await session.exec(due)).one()
    return Queue(number, number, oldest)


async def open_incidents(session: AsyncSession) -> dict[str, int]:
    """How many incidents are open, by trouble."""
    wanted = (
        select(IncidentRow.trouble, func.count(col(IncidentRow.id)))
        .where(col(IncidentRow.closed_at).is_(None))
        .group_by(col(IncidentRow.trouble))
    )
    return dict((await session.exec(wanted)).all())


async def states(session: AsyncSession) -> dict[tuple[str, str], int]:
    """How many live registries there are, by kind and the verdict of the last check."""
    wanted = (
        select(Registry.kind, Registry.verdict, func.count(col(Registry.id)))
        .where(col(Registry.state) == LIVE)
        .group_by(col(Registry.kind), col(Registry.verdict))
    )
    return {(kind, verdict or ""): number for kind, verdict, number in await session.exec(wanted)}
