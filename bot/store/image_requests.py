"""What people asked to be registered."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import ImageRequest

OPEN, REGISTERED, EXEMPTED, DECLINED = "open", "registered", "exempted", "declined"


async def find(session: AsyncSession, team_id: str, request_id: str) -> ImageRequest | None:
    return await _first(session, team_id, request_id, lock=False)


async def locked(session: AsyncSession, team_id: str, request_id: str) -> ImageRequest | None:
    """One that nobody else changes until this transaction ends."""
    return await _first(session, team_id, request_id, lock=True)


async def open_ones(session: AsyncSession, team_id: str) -> Sequence[ImageRequest]:
    """All that nobody has decided, the oldest first; locked."""
    wanted = select(ImageRequest).where(
        col(ImageRequest.team_id) == team_id, col(ImageRequest.state) == OPEN
    )
    ordered = wanted.order_by(col(ImageRequest.created_at), col(ImageRequest.id))
    return (await session.exec(ordered.with_for_update())).all()


async def open_for(session: AsyncSession, team_id: str, repository: str) -> ImageRequest | None:
    """The open request for a repository; locked."""
    wanted = select(ImageRequest).where(
        col(ImageRequest.team_id) == team_id,
        col(ImageRequest.repository) == repository,
        col(ImageRequest.state) == OPEN,
    )
    return (await session.exec(wanted.with_for_update())).first()


async def put(session: AsyncSession, row: ImageRequest) -> None:
    session.add(row)
    await session.flush()


async def _first(
    session: AsyncSession, team_id: str, request_id: str, *, lock: bool
) -> ImageRequest | None:
    wanted = select(ImageRequest).where(
        col(ImageRequest.team_id) == team_id, col(ImageRequest.id) == request_id
    )
    return (await session.exec(wanted.with_for_update() if lock else wanted)).first()
