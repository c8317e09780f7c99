"""Drafts: answers that wait to be proven."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import DRAFT, OPEN, SAVED, Credential, Draft, Registry


async def find(
    session: AsyncSession, team_id: str, user_id: str, draft_id: str, now: datetime
) -> Draft | None:
    """The person's draft, if it has not expired; a saved one is found as well."""
    mine = (
        col(Draft.id) == draft_id,
        col(Draft.team_id) == team_id,
        col(Draft.user_id) == user_id,
        col(Draft.expires_at) > now,
    )
    return (await session.exec(select(Draft).where(*mine))).first()


async def claim(session: AsyncSession, draft: Draft, now: datetime, until: datetime) -> bool:
    """Take an open draft that nobody is busy with; False when somebody is."""
    free = or_(col(Draft.busy_until).is_(None), col(Draft.busy_until) <= now)
    statement = (
        update(Draft)
        .where(col(Draft.id) == draft.id, col(Draft.state) == OPEN, free)
        .values(busy_until=until, fence=col(Draft.fence) + 1)
        .returning(col(Draft.fence))
    )
    fence = (await session.exec(statement)).scalar_one_or_none()
    if fence is None:
        return False
    draft.fence = fence
    return True


async def note_check(session: AsyncSession, draft_id: str, fence: int, check_id: int) -> None:
    """Remember what the check of a draft found."""
    mine = (col(Draft.id) == draft_id, col(Draft.fence) == fence)
    await session.exec(update(Draft).where(*mine).values(check_id=check_id))


async def release(session: AsyncSession, draft_id: str, fence: int) -> None:
    """Let others have a draft that was claimed at this fence."""
    mine = (col(Draft.id) == draft_id, col(Draft.fence) == fence)
    await session.exec(update(Draft).where(*mine).values(busy_until=None))


async def mark_saved(session: AsyncSession, draft_id: str, fence: int) -> bool:
    """Only the one who gets True may save; everybody else was too late."""
    mine = (col(Draft.id) == draft_id, col(Draft.state) == OPEN, col(Draft.fence) == fence)
    return (await session.exec(update(Draft).where(*mine).values(state=SAVED))).rowcount == 1


async def expired(session: AsyncSession, now: datetime, limit: int) -> list[Draft]:
    statement = select(Draft).where(col(Draft.expires_at) <= now).limit(limit)
    return list((await session.exec(statement)).all())


async def drop(session: AsyncSession, draft: Draft) -> None:
    """Remove a draft with the secret it holds and, if it was never saved, its new registry."""
    await session.exec(delete(Draft).where(col(Draft.id) == draft.id))
    if draft.state == SAVED:
        return
    own = (col(Credential.id) == draft.credential_id, col(Credential.state) == DRAFT)
    await session.exec(delete(Credential).where(*own))
    if not draft.base_version:
        new = (col(Registry.id) == draft.registry_id, col(Registry.state) == DRAFT)
        await session.exec(delete(Registry).where(*new))
