"""Old rows, removed a few at a time so that no lock is long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import BURIED, SENT, CheckRecord, HomeView, Outgoing


async def checks_after(
    session: AsyncSession, number: int, limit: int
) -> Sequence[tuple[int | None, datetime]]:
    """Number and time of the checks after that number, in their order, which is nearly of time."""
    wanted = (
        select(CheckRecord.id, CheckRecord.at)
        .where(col(CheckRecord.id) > number)
        .order_by(col(CheckRecord.id))
        .limit(limit)
    )
    return (await session.exec(wanted)).all()


async def forget_checks(
    session: AsyncSession, first: int, last: int, before: datetime, limit: int
) -> int:
    """Remove checks numbered from `first` to `last` that are older than `before`.

    The last one of each registry stays, so that a paused registry still shows how it was.
    """
    later = aliased(CheckRecord)
    newest = (
        select(func.max(later.id))
        .where(col(later.registry_id) == col(CheckRecord.registry_id))
        .scalar_subquery()
    )
    chosen = (
        select(CheckRecord.id)
        .where(
            col(CheckRecord.id).between(first, last),
            col(CheckRecord.at) < before,
            col(CheckRecord.id) < newest,
        )
        .limit(limit)
    )
    gone = delete(CheckRecord).where(col(CheckRecord.id).in_(chosen))
    return int((await session.exec(gone)).rowcount)


async def old_letters(session: AsyncSession, before: datetime, limit: int) -> Sequence[int | None]:
    """Letters that were sent or given up, and were due before that moment."""
    wanted = select(Outgoing.id).where(
        col(Outgoing.state).in_((SENT, BURIED)), col(Outgoing.not_before) < before
    )
    return (await session.exec(wanted.limit(limit))).all()


async def forget_letters(session: AsyncSession, ids: Sequence[int | None]) -> None:
    await session.exec(delete(Outgoing).where(col(Outgoing.id).in_(ids)))


async def old_homes(session: AsyncSession, before: datetime, limit: int) -> int:
    """How many Home tabs nobody looked at since, at most `limit`."""
    wanted = select(HomeView.user_id).where(col(HomeView.seen_at) < before).limit(limit)
    return len((await session.exec(wanted)).all())


async def forget_homes(session: AsyncSession, before: datetime) -> None:
    await session.exec(delete(HomeView).where(col(HomeView.seen_at) < before))
