"""A clock that ran ahead and was put right again: nothing sleeps until the time it once showed."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, select, update

from bot.core.check import Expiry
from bot.store import outbox as letters_to_send
from bot.store.outbox import Letter
from bot.store.schema import Registry, Reminder
from bot.usecases import outbox
from bot.usecases.deps import Deps
from bot.usecases.put_back import PutBack
from bot.usecases.reminding import tick_reminders
from tests.factories import NOW, add, checker_of, clock_of, generic, proven, unreachable
from tests.usecases.watching import (
    EXPIRED,
    channel,
    incidents,
    letters,
    registry,
    run,
    watching,
    with_fleet,
)

HOUR = timedelta(hours=1)
MONTH = timedelta(days=30)


async def test_a_registry_is_checked_and_told_of_again(deps: Deps) -> None:
    """A month ahead its next check was planned; a month back its token dies, and that is told."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    watch, put_back = watching(deps), PutBack(deps)
    clock_of(deps).skip(MONTH)
    await run(deps, watch, 2 * HOUR)
    await put_back.tick()

    clock_of(deps).skip(-MONTH)
    fleet.fails("harbor-team", EXPIRED)
    assert await put_back.tick() >= 1
    await run(deps, watch, HOUR)

    assert [letter.op for letter in await letters(deps)] == ["post"]


async def test_what_was_begun_ahead_ends_in_time(deps: Deps) -> None:
    """A secret in doubt, an outage in doubt and a host away: each is told as soon as ever."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    for name in ("refused", "silent", "fine"):
        await add(deps, answers=generic(name))
    watch, put_back = watching(deps), PutBack(deps)
    clock_of(deps).skip(MONTH)
    fleet.fails("refused", EXPIRED)
    fleet.fails("silent", unreachable())
    await watch.tick()
    await put_back.tick()

    clock_of(deps).skip(-MONTH)
    await put_back.tick()
    await run(deps, watch, 30 * timedelta(minutes=1))

    told = {view.registries[0].name for view in await incidents(deps)}
    assert told == {"refused", "silent"}
    assert len([letter for letter in await letters(deps) if letter.op == "post"]) == 2


async def test_rightly_far_times_are_left_alone(deps: Deps) -> None:
    """A week's interval is a week, and a slow retry a day."""
    await add(deps)
    async with deps.store.transaction() as session:
        far = {"recheck_minutes": 7 * 1440, "next_check_at": NOW + timedelta(days=7)}
        await session.exec(update(Registry).values(**far))

    assert await PutBack(deps).tick() == 0
    assert (await registry(deps, "harbor-team")).next_check_at == NOW + timedelta(days=7)


async def test_a_letter_is_sent_and_a_lease_given_up(deps: Deps) -> None:
    """It was put off, and its registry claimed, by a process that lived a month ahead and died."""
    await channel(deps)
    await add(deps)
    ahead = NOW + MONTH
    async with deps.store.transaction() as session:
        letter = Letter("T1", "news", "CALERTS", "registry_added", {"registry": "harbor-team"})
        await letters_to_send.put(session, letter, NOW, ahead)
        await session.exec(update(Registry).values(next_check_at=ahead, lease_until=ahead))

    await PutBack(deps).tick()

    row = await registry(deps, "harbor-team")
    assert (row.next_check_at, row.lease_until) == (NOW, None)
    assert "news" in {one.delivery_key for one in await outbox.claim(deps, 10)}


async def test_reminders_are_planned_anew(deps: Deps) -> None:
    """What was looked at ahead of its time is looked at again, and comes when it is due."""
    await channel(deps)
    expires = NOW + timedelta(days=80)
    checker_of(deps).answers[:] = [proven(expiry=Expiry(expires, "provider"))]
    await add(deps, answers=generic(rotate_days="0"))
    put_back = PutBack(deps)
    clock_of(deps).skip(timedelta(days=60))
    await tick_reminders(deps)
    await put_back.tick()

    clock_of(deps).skip(timedelta(days=-60))
    await put_back.tick()
    await tick_reminders(deps)

    async with deps.store.reading() as session:
        row = (await session.exec(select(Reminder).order_by(col(Reminder.next_at)))).one()
    assert row.next_at is not None
    assert row.next_at < expires - timedelta(days=29)
