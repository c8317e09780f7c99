"""The outbox, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from bot.store import outbox as letters
from bot.store import workspaces
from bot.store.engine import open_store
from bot.store.outbox import Letter
from bot.store.schema import Outgoing, Storm
from bot.usecases import outbox
from bot.usecases.deps import Deps
from tests.factories import NOW, clock_of, deps_on, keyring


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
    await outbox.defer(deps, message, timedelta(seconds=30), "rate limited")

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


async def subject(deps: Deps, *letters_of: tuple[str, str, str]) -> None:
    """Put letters in, each as (key, op, subject)."""
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, "T1", NOW)
        for key, op, about in letters_of:
            letter = Letter("T1", key, "C1", "incident", {}, op, about)
            await letters.put(session, letter, NOW)


async def claimed(deps: Deps) -> list[str]:
    return [message.delivery_key for message in await outbox.claim(deps, 10)]


async def test_letters_of_one_subject_come_one_after_the_other(deps: Deps) -> None:
    """The next one is due once the one before it is settled; others do not wait for it."""
    await subject(
        deps, ("a1", "post", "incident:1"), ("a2", "thread", "incident:1"), ("b", "post", "")
    )

    first, other = await outbox.claim(deps, 10)
    assert (first.delivery_key, first.op, first.subject) == ("a1", "post", "incident:1")
    assert other.delivery_key == "b"
    assert await claimed(deps) == []

    await outbox.settle(deps, first, "1.1")
    assert await claimed(deps) == ["a2"]


async def test_a_letter_that_is_put_off_holds_back_what_follows(deps: Deps) -> None:
    """An entry never appears before the message it belongs to."""
    await subject(deps, ("a1", "post", "incident:1"), ("a2", "thread", "incident:1"))
    (first,) = await outbox.claim(deps, 10)

    await outbox.defer(deps, first, timedelta(minutes=1))

    assert await claimed(deps) == []
    clock_of(deps).skip(timedelta(minutes=1))
    assert await claimed(deps) == ["a1"]


async def test_a_buried_letter_lets_the_next_one_come(deps: Deps) -> None:
    """Nothing waits for what will never be sent."""
    await subject(deps, ("a1", "post", "incident:1"), ("a2", "thread", "incident:1"))
    (first,) = await outbox.claim(deps, 10)

    await outbox.bury(deps, first, "is_archived")

    assert await claimed(deps) == ["a2"]


async def test_an_edit_of_what_waits_anyway_is_not_put_in(deps: Deps) -> None:
    """A post or edit that nobody began tells the newest state when it is sent."""
    await subject(deps, ("a1", "post", "incident:1"), ("a2", "edit", "incident:1"))
    (post,) = await outbox.claim(deps, 10)
    await outbox.settle(deps, post, "1.1")

    await subject(deps, ("a3", "edit", "incident:1"), ("a4", "edit", "incident:1"))

    assert await claimed(deps) == ["a3"]


async def test_an_edit_follows_a_post_that_is_being_sent(deps: Deps) -> None:
    """What was begun may tell the old state, so the edit comes after it."""
    await subject(deps, ("a1", "post", "incident:1"))
    (post,) = await outbox.claim(deps, 10)

    await subject(deps, ("a2", "edit", "incident:1"))
    await outbox.settle(deps, post, "1.1")

    assert await claimed(deps) == ["a2"]


async def test_the_receipt_of_a_post_is_kept_with_its_subject(deps: Deps) -> None:
    """The storm knows where its message stands, also when that was another channel."""
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, "T1", NOW)
        session.add(Storm(id="s", team_id="T1", trouble="refused", channel="C1", opened_at=NOW))
    await subject(deps, ("a1", "post", "storm:s"))
    assert await outbox.place(deps, "storm:s") is None
    (post,) = await outbox.claim(deps, 10)

    await outbox.settle(deps, post, "1700000000.000100", channel="D1")

    assert await outbox.place(deps, "storm:s") == ("D1", "1700000000.000100")


async def test_a_subject_that_is_gone_has_no_place(deps: Deps) -> None:
    """Also one of a kind that nobody knows."""
    assert await outbox.place(deps, "incident:nothing") is None
    assert await outbox.place(deps, "comet:halley") is None


@dataclass
class WrongClock:
    """A machine whose clock is wrong; the time of other machines is seen as it is."""

    wrong: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.wrong

    def shown_at(self, real: datetime) -> datetime:
        return real


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_wrong_clock_neither_hurries_nor_holds_a_letter(
    database_url: str, minutes: int
) -> None:
    """Put off for half a minute by a worker minutes off: half a minute of the clock all share."""
    store = open_store(database_url, keyring(), WrongClock(timedelta(minutes=minutes)))
    usual = deps_on(database_url)
    await usual.store.close()
    deps = replace(usual, store=store, clock=store.clock)
    async with store.transaction() as session:
        now = await store.now(session)
        await workspaces.ensure(session, "T1", now)
        await letters.put(session, Letter("T1", "a", "C1", "registry_added"), now)
    (message,) = await outbox.claim(deps, 10)
    await outbox.defer(deps, message, timedelta(seconds=30), "rate limited")
    async with store.reading() as session:
        row = (await session.exec(select(Outgoing))).one()
    await store.close()

    assert timedelta() <= message.age < timedelta(minutes=1)
    assert timedelta(seconds=30) <= row.not_before - now < timedelta(minutes=1)
