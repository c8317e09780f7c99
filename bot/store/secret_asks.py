"""Pages outside Slack on which the secrets of a form are entered."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import SecretAsk


async def find(
    session: AsyncSession, digest: str, now: datetime, *, lock: bool = False
) -> SecretAsk | None:
    """The page with that digest while its time lasts, whether or not it was used."""
    wanted = select(SecretAsk).where(
        col(SecretAsk.digest) == digest, col(SecretAsk.expires_at) > now
    )
    return (await session.exec(wanted.with_for_update() if lock else wanted)).first()


async def forget_expired(session: AsyncSession, now: datetime) -> int:
    """Drop those whose time is over; answers how many."""
    gone = await session.exec(delete(SecretAsk).where(col(SecretAsk.expires_at) <= now))
    return gone.rowcount
