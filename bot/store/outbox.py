"""The outbox: messages that commit with the change they tell of, and are sent at least once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import BURIED, SENT, WAITING, Outgoing


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message to send: what it tells (`registry_added`, …), the values, and where it goes.

    `attempts` counts this one. `fence` proves, when it is settled, that the claim still holds.
    """

    id: int
    team_id: str
    delivery_key: str
    channel: str
    what: str
    values: Mapping[str, str]
    attempts: int
    fence: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to put in; the same delivery key twice is one message."""

    team_id: str
    delivery_key: str
    channel: str
    what: str
    values: Mapping[str, str]


async def put(session: AsyncSession, letter: Letter, now: datetime) -> None:
    row = Outgoing(
        team_id=letter.team_id,
        delivery_key=letter.delivery_key,
        channel=letter.channel,
        what=letter.what,
        values_json=json.dumps(dict(letter.values), ensure_ascii=False),
        state=WAITING,
        not_before=now,
        created_at=now,
    ).model_dump(exclude={"id"})
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(Outgoing).values(**row)
    await session.exec(insert.on_conflict_do_nothing(index_elements=["delivery_key"]))


async def claim(
    session: AsyncSession, limit: int, now: datetime, until: datetime
) -> list[OutboxMessage]:
    """Take the oldest due messages under a lease; what somebody else is taking is passed over."""
    due = (
        select(Outgoing.id)
        .where(
            col(Outgoing.state) == WAITING,
            col(Outgoing.not_before) <= now,
            or_(col(Outgoing.lease_until).is_(None), col(Outgoing.lease_until) <= now),
        )
        .order_by(col(Outgoing.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # so that PostgreSQL finds the rows once, whatever plan it chooses
    )
    statement = (
        update(Outgoing)
        .where(col(Outgoing.id).in_(select(due.c.id)))
        .values(
            lease_until=until,
            fence=col(Outgoing.fence) + 1,
            attempts=col(Outgoing.attempts) + 1,
        )
        .returning(Outgoing)
        .execution_options(populate_existing=True)
    )
    rows = (await session.exec(statement)).scalars().all()
    return sorted((_message(row) for row in rows), key=lambda message: message.id)


async def settle(session: AsyncSession, message: OutboxMessage, receipt: str, at: datetime) -> bool:
    """Mark as sent; False when the lease had run out and somebody else has it."""
    return await _end(session, message, state=SENT, receipt=receipt, settled_at=at)


async def defer(
    session: AsyncSession, message: OutboxMessage, not_before: datetime, reason: str
) -> bool:
    """Try again later."""
    return await _end(
        session, message, state=WAITING, not_before=not_before, lease_until=None, reason=reason
    )


async def bury(session: AsyncSession, message: OutboxMessage, reason: str, at: datetime) -> bool:
    """Give up; the row stays, with the reason."""
    return await _end(session, message, state=BURIED, reason=reason, settled_at=at)


async def _end(session: AsyncSession, message: OutboxMessage, **values: Any) -> bool:
    held = (
        col(Outgoing.id) == message.id,
        col(Outgoing.fence) == message.fence,
        col(Outgoing.state) == WAITING,
    )
    return (await session.exec(update(Outgoing).where(*held).values(**values))).rowcount == 1


def _message(row: Outgoing) -> OutboxMessage:
    assert row.id is not None
    return OutboxMessage(
        id=row.id,
        team_id=row.team_id,
        delivery_key=row.delivery_key,
        channel=row.channel,
        what=row.what,
        values=_values(row.values_json),
        attempts=row.attempts,
        fence=row.fence,
        created_at=row.created_at,
    )


def _values(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
