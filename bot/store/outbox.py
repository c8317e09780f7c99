"""The outbox: messages that commit with the change they tell of, and are sent at least once.

Letters of one subject (one message in Slack) are sent in the order they were put in: an edit waits
for its post, a thread entry for what came before it. Posts and edits tell the state at the time
they are sent, so while one of them waits, no further edit is put in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import exists, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import BURIED, SENT, WAITING, Outgoing

POST: Final = "post"
EDIT: Final = "edit"
THREAD: Final = "thread"
DIRECT: Final = "direct"
UPLOAD: Final = "upload"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message to send: what it tells (`registry_added`, …), the values, and where it goes.

    `attempts` counts this one. `fence` proves, when it is settled, that the claim still holds. Both
    times are of the clock that all replicas share.
    `op` says how it is sent, `subject` which message it belongs to (`incident:ID`, or nothing).
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
    claimed_at: datetime
    op: str = POST
    subject: str = ""

    @property
    def age(self) -> timedelta:
        """For how long it has waited."""
        return self.claimed_at - self.created_at


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to put in; the same delivery key twice is one message."""

    team_id: str
    delivery_key: str
    channel: str
    what: str
    values: Mapping[str, str] = field(default_factory=dict)
    op: str = POST
    subject: str = ""


async def put(
    session: AsyncSession, letter: Letter, now: datetime, not_before: datetime | None = None
) -> None:
    """Put a letter in; not an edit of a message that is still to be posted or edited anyway."""
    if letter.op == EDIT and await _is_told_anyway(session, letter.subject):
        return
    row = Outgoing(
        team_id=letter.team_id,
        delivery_key=letter.delivery_key,
        channel=letter.channel,
        what=letter.what,
        op=letter.op,
        subject=letter.subject,
        values_json=json.dumps(dict(letter.values), ensure_ascii=False),
        state=WAITING,
        not_before=not_before or now,
        created_at=now,
    ).model_dump(exclude={"id"})
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(Outgoing).values(**row)
    await session.exec(insert.on_conflict_do_nothing(index_elements=["delivery_key"]))


async def claim(
    session: AsyncSession, limit: int, now: datetime, until: datetime
) -> list[OutboxMessage]:
    """Take the oldest due messages under a lease; what somebody else is taking is passed over.

    Of one subject only the oldest is taken; the next one is due once it is settled.
    """
    earlier = aliased(Outgoing)
    first = or_(
        col(Outgoing.subject) == "",
        ~exists().where(
            col(earlier.subject) == col(Outgoing.subject),
            col(earlier.subject) != "",
            col(earlier.state) == WAITING,
            col(earlier.id) < col(Outgoing.id),
        ),
    )
    due = (
        select(Outgoing.id)
        .where(
            col(Outgoing.state) == WAITING,
            col(Outgoing.not_before) <= now,
            or_(col(Outgoing.lease_until).is_(None), col(Outgoing.lease_until) <= now),
            first,
        )
        .order_by(col(Outgoing.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=Outgoing)
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
    return sorted((_message(row, now) for row in rows), key=lambda message: message.id)


async def settle(session: AsyncSession, message: OutboxMessage, receipt: str, at: datetime) -> bool:
    """Mark as sent; False when the lease had run out and somebody else has it."""
    return await _end(session, message, state=SENT, receipt=receipt, settled_at=at)


async def defer(
    session: AsyncSession,
    message: OutboxMessage,
    not_before: datetime,
    reason: str,
    *,
    unsent: bool = False,
) -> bool:
    """Try again later; `unsent` takes back the attempt, because it certainly was not sent."""
    attempts = message.attempts - 1 if unsent else message.attempts
    return await _end(
        session,
        message,
        state=WAITING,
        attempts=attempts,
        not_before=not_before,
        lease_until=None,
        reason=reason,
    )


async def bury(session: AsyncSession, message: OutboxMessage, reason: str, at: datetime) -> bool:
    """Give up; the row stays, with the reason."""
    return await _end(session, message, state=BURIED, reason=reason, settled_at=at)


async def was_put_since(session: AsyncSession, team_id: str, what: str, since: datetime) -> bool:
    """Whether a letter of this kind was put in for the workspace at or after `since`."""
    like = (
        col(Outgoing.team_id) == team_id,
        col(Outgoing.what) == what,
        col(Outgoing.created_at) >= since,
    )
    return (await session.exec(select(Outgoing.id).where(*like).limit(1))).first() is not None


async def _is_told_anyway(session: AsyncSession, subject: str) -> bool:
    """Whether a post or an edit of this subject waits that nobody has begun to send.

    It is locked, so a delivery that begins at this moment comes after us and tells the new state;
    one that began before is followed by an edit of its own.
    """
    untouched = select(Outgoing.id).where(
        col(Outgoing.subject) == subject,
        col(Outgoing.subject) != "",
        col(Outgoing.state) == WAITING,
        col(Outgoing.op).in_((POST, EDIT)),
        col(Outgoing.attempts) == 0,
    )
    return (await session.exec(untouched.limit(1).with_for_update())).first() is not None


async def _end(session: AsyncSession, message: OutboxMessage, **values: Any) -> bool:
    held = (
        col(Outgoing.id) == message.id,
        col(Outgoing.fence) == message.fence,
        col(Outgoing.state) == WAITING,
    )
    return (await session.exec(update(Outgoing).where(*held).values(**values))).rowcount == 1


def _message(row: Outgoing, claimed_at: datetime) -> OutboxMessage:
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
        claimed_at=claimed_at,
        op=row.op,
        subject=row.subject,
    )


def _values(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
