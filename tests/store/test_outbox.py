"""The outbox, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.store import outbox as letters
from bot.store import workspaces
from bot.store.outbox import Letter
from bot.usecases import outbox
from bot.usecases.deps import Deps
from tests.factories import NOW, clock_of


async def put(deps: Deps, *keys: str) -> None:
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, "T1", NOW)
        for key in keys:
            letter = Letter("T1", key, "C1", "registry_added", {"registry": key})
            await letters.put(session, letter, NOW)


async def test_messages_are_claimed_oldest_first(deps: Deps) -> None:
    """Up to the limit, with their values."""
    await put(deps, "a", "b", "c")

    claimed = await outbox.claim(deps, 2)

    assert [message.delivery_key for message in claimed] == ["a", "b"]
    assert claimed[0].values == {"registry": "a"}
    assert (claimed[0].channel, claimed[0].what) == ("C1", "registry_added")


async def test_a_delivery_key_makes_a_repeat_harmless(deps: Deps) -> None:
    """The same message put in twice is one message."""
    await put(deps, "a")
    await put(deps, "a")

    assert len(await outbox.claim(deps, 10)) == 1


async def test_workers_at_once_never_claim_the_same_message(deps: Deps) -> None:
    """Each message is taken by exactly one of them."""
    await put(deps, *(f"m{number}" for number in range(50)))

    rounds = await asyncio.gather(*(outbox.claim(deps, 10) for _ in range(8)))

    claimed = [message.delivery_key for batch in rounds for message in batch]
    assert len(claimed) == len(set(claimed)) == 50


async def test_a_settled_message_does_not_come_again(deps: Deps) -> None:
    """Not even after the lease."""
    await put(deps, "a")
    (message,) = await outbox.claim(deps, 10)

    assert await outbox.settle(deps, message, "1700000000.000100")

    clock_of(deps).skip(timedelta(days=1))
    assert await outbox.claim(deps, 10) == []


async def test_a_claim_that_was_not_settled_comes_again(deps: Deps) -> None:
    """The process that had it was killed; after the lease somebody else sends it."""
    await put(deps, "a")
    (first,) = await outbox.claim(deps, 10)
    assert await outbox.claim(deps, 10) == []
    clock_of(deps).skip(outbox.LEASE)

    (second,) = await outbox.claim(deps, 10)

    assert (first.attempts, second.attempts) == (1, 2)
    assert not await outbox.settle(deps, first)
    assert await outbox.settle(deps, second)


async def test_a_deferred_message_waits_for_its_time(deps: Deps) -> None:
    """Slack said when to try again."""
    await put(deps, "a")
    (message,) = await outbox.claim(deps, 10)
    await outbox.defer(deps, message, NOW + timedelta(seconds=30), "rate limited")

    assert await outbox.claim(deps, 10) == []
    clock_of(deps).skip(timedelta(seconds=30))

    assert len(await outbox.claim(deps, 10)) == 1


async def test_a_buried_message_stays_buried(deps: Deps) -> None:
    """It can never be sent, and is kept with the reason."""
    await put(deps, "a")
    (message,) = await outbox.claim(deps, 10)

    assert await outbox.bury(deps, message, "the channel is gone")

    clock_of(deps).skip(timedelta(days=1))
    assert await outbox.claim(deps, 10) == []
