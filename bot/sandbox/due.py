"""When the bot will have something to do next, read from the rows that are its schedule."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.health import Health, Standing
from bot.store.engine import Store
from bot.store.schema import (
    LIVE,
    WAITING,
    ChannelState,
    IncidentRow,
    Outgoing,
    Registry,
    Reminder,
)


@dataclass(frozen=True, slots=True)
class Due:
    """The next two times; None when nothing is planned.

    `prompt` is something that people wait for or that a count hangs on: a confirmation, a reminder,
    a message to send. `regular` is a check that may as well come a little later.
    """

    prompt: datetime | None = None
    regular: datetime | None = None


async def look(store: Store) -> Due:
    """What is planned now. Reads every live registry, so it is for a sandbox, not for thousands."""
    async with store.reading() as session:
        checks = await _checks(session)
        prompt = [
            *(at for at, steady in checks if not steady),
            *await _times(session, IncidentRow.next_tick_at),
            *await _times(session, ChannelState.next_tick_at),
            *await _times(session, Reminder.next_at),
            *await _letters(session),
        ]
    return Due(_first(prompt), _first(at for at, steady in checks if steady))


async def _checks(session: AsyncSession) -> list[tuple[datetime, bool]]:
    columns = select(Registry.next_check_at, Registry.health_json)
    planned = col(Registry.next_check_at).is_not(None)
    rows = await session.exec(columns.where(col(Registry.state) == LIVE, planned))
    return [(at, _is_steady(text)) for at, text in rows if at is not None]


def _is_steady(text: str) -> bool:
    """Whether the next check is one of many alike, and confirms nothing."""
    health = Health.from_json(json.loads(text))
    return health.standing is not Standing.DOUBTFUL and not health.good


async def _times(session: AsyncSession, column: Any) -> list[datetime]:
    found = (await session.exec(select(column).where(col(column).is_not(None)))).all()
    return list(found)


async def _letters(session: AsyncSession) -> list[datetime]:
    """Of each message the oldest letter only: the others cannot be sent before it is."""
    columns = select(Outgoing.subject, Outgoing.not_before, Outgoing.lease_until)
    waiting = columns.where(col(Outgoing.state) == WAITING).order_by(col(Outgoing.id))
    seen: set[str] = set()
    times = []
    for subject, not_before, lease_until in await session.exec(waiting):
        if subject in seen:
            continue
        if subject:
            seen.add(subject)
        times.append(max(not_before, lease_until or not_before))
    return times


def _first(times: Iterable[datetime]) -> datetime | None:
    return min(times, default=None)
