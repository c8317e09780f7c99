"""What channels went through lately, and the parent messages of storms."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import storm
from bot.core.storm import Channel
from bot.store.schema import ChannelState, Storm


async def locked(session: AsyncSession, team_id: str, channel: str) -> ChannelState:
    """A channel's row, made if it is not there; nobody else changes it until we commit."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    new = dialect.insert(ChannelState).values(team_id=team_id, channel=channel, storm_json="{}")
    await session.exec(new.on_conflict_do_nothing())
    wanted = (
        select(ChannelState)
        .where(col(ChannelState.team_id) == team_id, col(ChannelState.channel) == channel)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.exec(wanted)).one()


async def ticking(session: AsyncSession, now: datetime, limit: int) -> list[ChannelState]:
    """Channels in which something waits to be said now, locked; others' are passed over."""
    wanted = (
        select(ChannelState)
        .where(col(ChannelState.next_tick_at) <= now)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list((await session.exec(wanted)).all())


def state_of(row: ChannelState) -> Channel:
    return Channel.from_json(json.loads(row.storm_json))


async def put(session: AsyncSession, row: ChannelState, channel: Channel) -> None:
    row.storm_json = json.dumps(channel.to_json())
    row.next_tick_at = storm.next_tick(channel)
    session.add(row)
    await session.flush()


async def add(session: AsyncSession, made: Storm) -> None:
    session.add(made)
    await session.flush()


async def find(session: AsyncSession, storm_id: str) -> Storm | None:
    return await session.get(Storm, storm_id)
