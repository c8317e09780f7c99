"""Pages outside Slack on which the secrets of a form are entered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import SecretAsk

LEFT_FOR: Final = timedelta(minutes=15)


async def find(
    session: AsyncSession, digest: str, now: datetime, *, lock: bool = False
) -> SecretAsk | None:
    """The page with that digest while its time lasts, whether or not it was used."""
    wanted = select(SecretAsk).where(
        col(SecretAsk.digest) == digest, col(SecretAsk.expires_at) > now
    )
    return (await session.exec(wanted.with_for_update() if lock else wanted)).first()


async def take(session: AsyncSession, digest: str, draft_id: str, now: datetime) -> bool:
    """Use a page up, for a draft; False when it was used already, or its time is over."""
    free = (
        col(SecretAsk.digest) == digest,
        col(SecretAsk.expires_at) > now,
        col(SecretAsk.taken_at).is_(None),
    )
    taken = update(SecretAsk).where(*free).values(taken_at=now, draft_id=draft_id)
    return (await session.exec(taken)).rowcount == 1


async def tell(session: AsyncSession, digest: str, now: datetime) -> None:
    """Slack shows what became of it, or need not."""
    mine = col(SecretAsk.digest) == digest
    await session.exec(update(SecretAsk).where(mine).values(told_at=now))


async def is_left(session: AsyncSession, before: datetime) -> bool:
    """Whether there are any to take over."""
    left = (col(SecretAsk.taken_at) <= before, col(SecretAsk.told_at).is_(None))
    return (await session.exec(select(SecretAsk.digest).where(*left).limit(1))).first() is not None


async def take_over(session: AsyncSession, before: datetime, now: datetime) -> list[SecretAsk]:
    """Those that were taken `before` and of which Slack shows nothing yet; they count as taken now.

    Of two processes that ask, each gets others.
    """
    left = (col(SecretAsk.taken_at) <= before, col(SecretAsk.told_at).is_(None))
    mine = update(SecretAsk).where(*left).values(taken_at=now).returning(SecretAsk)
    return list((await session.exec(mine)).scalars())


async def forget_expired(session: AsyncSession, now: datetime) -> list[SecretAsk]:
    """Drop those whose time is over; answers them.

    One that was taken and of which Slack shows nothing yet stays for as long again.
    """
    ended = or_(col(SecretAsk.taken_at).is_(None), col(SecretAsk.told_at).is_not(None))
    late = col(SecretAsk.expires_at) <= now - LEFT_FOR
    past = (col(SecretAsk.expires_at) <= now, or_(ended, late))
    over = delete(SecretAsk).where(*past).returning(SecretAsk)
    return list((await session.exec(over)).scalars())
