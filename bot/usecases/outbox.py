"""Messages that wait to be sent: taken under a lease, then settled, put off or buried."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.store import messages, outbox
from bot.store.outbox import DIRECT, EDIT, POST, THREAD, UPLOAD, OutboxMessage
from bot.usecases.deps import Deps

LEASE: Final = timedelta(seconds=60)

__all__ = (
    "DIRECT",
    "EDIT",
    "POST",
    "THREAD",
    "UPLOAD",
    "OutboxMessage",
    "bury",
    "claim",
    "defer",
    "place",
    "settle",
)


async def claim(deps: Deps, limit: int) -> list[OutboxMessage]:
    """The oldest due messages, ours for a minute; a claim that is not settled comes again.

    Of each subject only the oldest waiting one comes, so that its order is kept.
    """
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        return await outbox.claim(session, limit, now, now + LEASE)


async def settle(
    deps: Deps, message: OutboxMessage, receipt: str = "", *, channel: str = ""
) -> bool:
    """Mark as sent; `receipt` is the timestamp that Slack gave the message.

    The receipt of a post is written to its subject's row, with `channel` when it was posted
    elsewhere than the letter said (a direct message has a channel id of its own); with `channel`
    that of any other letter as well, because its message was posted anew. False when the lease had
    run out and the message was taken again.
    """
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        settled = await outbox.settle(session, message, receipt, now)
        if message.subject and receipt and (channel or message.op == POST):
            await messages.note_receipt(
                session, message.subject, channel or message.channel, receipt
            )
        return settled


async def place(deps: Deps, subject: str) -> tuple[str, str] | None:
    """The channel and timestamp of the message a subject such as `incident:ID`.

    None when it was not posted yet.
    """
    async with deps.store.reading() as session:
        return await messages.place(session, subject)


async def defer(
    deps: Deps,
    message: OutboxMessage,
    wait: timedelta,
    reason: str = "",
    *,
    unsent: bool = False,
) -> bool:
    """Send it later, not before so long from now, by the clock that all replicas share.

    With `unsent` it certainly did not reach anybody: the attempt is taken back, so that `attempts`
    above one always means that an earlier one may have got through.
    """
    async with deps.store.transaction() as session:
        not_before = await deps.store.now(session) + wait
        return await outbox.defer(session, message, not_before, reason, unsent=unsent)


async def bury(deps: Deps, message: OutboxMessage, reason: str) -> bool:
    """Give up on a message that can never be sent; it is kept with the reason."""
    async with deps.store.transaction() as session:
        return await outbox.bury(session, message, reason, await deps.store.now(session))
