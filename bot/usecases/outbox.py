"""Messages that wait to be sent: taken under a lease, then settled, put off or buried."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.store import outbox
from bot.store.outbox import OutboxMessage
from bot.usecases.deps import Deps

LEASE: Final = timedelta(seconds=60)

__all__ = ("OutboxMessage", "bury", "claim", "defer", "settle")


async def claim(deps: Deps, limit: int) -> list[OutboxMessage]:
    """The oldest due messages, ours for a minute; a claim that is not settled comes again."""
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        return await outbox.claim(session, limit, now, now + LEASE)


async def settle(deps: Deps, message: OutboxMessage, receipt: str = "") -> bool:
    """Mark as sent; `receipt` is the timestamp that Slack gave the message.

    False when the lease had run out and the message was taken again.
    """
    async with deps.store.transaction() as session:
        return await outbox.settle(session, message, receipt, deps.clock.now())


async def defer(deps: Deps, message: OutboxMessage, not_before: datetime, reason: str = "") -> bool:
    """Send it later, not before that moment."""
    async with deps.store.transaction() as session:
        return await outbox.defer(session, message, not_before, reason)


async def bury(deps: Deps, message: OutboxMessage, reason: str) -> bool:
    """Give up on a message that can never be sent; it is kept with the reason."""
    async with deps.store.transaction() as session:
        return await outbox.bury(session, message, reason, deps.clock.now())
