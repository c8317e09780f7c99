"""Images that may run although no registry covers them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import ExemptionRow

ANNOUNCED, REMINDED, LAPSED = "announced", "reminded", "lapsed"


async def in_force(session: AsyncSession, team_id: str, now: datetime) -> Sequence[ExemptionRow]:
    """Those of a workspace that hold now, the one that lapses first in front."""
    wanted = select(ExemptionRow).where(
        col(ExemptionRow.team_id) == team_id,
        col(ExemptionRow.until) > now,
        col(ExemptionRow.ended_at).is_(None),
    )
    return (await session.exec(wanted.order_by(col(ExemptionRow.until)))).all()


async def locked(session: AsyncSession, team_id: str, exemption_id: str) -> ExemptionRow | None:
    """One that nobody else changes until this transaction ends."""
    wanted = select(ExemptionRow).where(
        col(ExemptionRow.team_id) == team_id, col(ExemptionRow.id) == exemption_id
    )
    return (await session.exec(wanted.with_for_update())).first()


async def add(session: AsyncSession, row: ExemptionRow) -> None:
    session.add(row)
    await session.flush()


async def to_tell(
    session: AsyncSession, now: datetime, remind_from: datetime, limit: int
) -> Sequence[ExemptionRow]:
    """Those that lapsed unsaid, or lapse before `remind_from` without a reminder; locked."""
    wanted = select(ExemptionRow).where(
        col(ExemptionRow.ended_at).is_(None),
        or_(
            (col(ExemptionRow.told) == ANNOUNCED) & (col(ExemptionRow.until) <= remind_from),
            (col(ExemptionRow.told) == REMINDED) & (col(ExemptionRow.until) <= now),
        ),
    )
    ordered = wanted.order_by(col(ExemptionRow.until)).limit(limit)
    return (await session.exec(ordered.with_for_update(skip_locked=True))).all()


async def set_told(session: AsyncSession, exemption_id: str, told: str) -> None:
    mine = col(ExemptionRow.id) == exemption_id
    await session.exec(update(ExemptionRow).where(mine).values(told=told))
