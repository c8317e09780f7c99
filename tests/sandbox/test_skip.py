"""Skipping time: the clock walks through what is due instead of jumping over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.core.clock import MovableClock
from bot.sandbox.due import Due, look
from bot.sandbox.skip import TimeMachine
from bot.sandbox.slackd.refusal import Impossible
from bot.store import outbox, workspaces
from bot.store.outbox import THREAD, Letter
from bot.usecases.deps import Deps
from bot.usecases.watch import Watch
from tests.factories import NOW, add, checker_of, clock_of, deps_on, refused

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Plan:
    """Regular work every hour, and things that come at a certain time; keeps when each was done."""

    def __init__(self, clock: MovableClock, *prompt: timedelta, costs: float = 0.0) -> None:
        self.clock = clock
        self.start = clock.now()
        self.prompt = [self.start + after for after in prompt]
        self.regular = self.start + timedelta(hours=1)
        self.costs = costs
        self.done: list[timedelta] = []
        self.checks = 0

    async def beat(self) -> None:
        now = self.clock.now()
        for at in [at for at in self.prompt if at <= now]:
            self.prompt.remove(at)
            self.done.append(now - self.start)
        if self.regular <= now:
            self.checks += 1
            self.regular = now + timedelta(hours=1)
            await asyncio.sleep(self.costs)

    async def look(self) -> Due:
        return Due(min(self.prompt, default=None), self.regular)


def _machine(plan: Plan, patience: float | None = None) -> TimeMachine:
    machine = TimeMachine(plan.clock, patience)
    machine.connect(plan.beat, plan.look, lambda: None, asyncio.Event())
    return machine


async def test_what_people_wait_for_comes_at_its_time() -> None:
    """A confirmation a minute later, and a reminder days later, are not moved by the skip."""
    wanted = [MINUTE, 2 * MINUTE, 5 * DAY, 5 * DAY + MINUTE]
    plan = Plan(MovableClock(), *wanted)
    await _machine(plan, patience=0.5).skip(7 * DAY.total_seconds())

    assert all(at - due < timedelta(seconds=2) for at, due in zip(plan.done, wanted, strict=True))


async def test_a_short_skip_misses_no_check() -> None:
    """A day of hourly work is done 23 or 24 times."""
    plan = Plan(MovableClock())
    await _machine(plan).skip(DAY.total_seconds())

    assert plan.checks >= 23


async def test_a_long_skip_of_costly_checks_takes_a_bounded_time() -> None:
    """A month of checks of 20 ms each is thinned out, evenly, to what patience allows."""
    plan = Plan(MovableClock(), costs=0.02)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await _machine(plan, patience=0.5).skip(30 * DAY.total_seconds())

    assert loop.time() - began < 2
    assert 10 <= plan.checks <= 40
    assert plan.clock.now() - plan.start >= 30 * DAY


async def test_what_can_never_be_done_does_not_hold_the_clock() -> None:
    """A thing that stays due costs a few stops, not for ever."""
    plan = Plan(MovableClock())

    async def look_again() -> Due:
        return Due(plan.start, None)

    machine = TimeMachine(plan.clock, 0.1)
    machine.connect(plan.beat, look_again, lambda: None, asyncio.Event())
    async with asyncio.timeout(5):
        await machine.skip(30 * DAY.total_seconds())


async def test_the_clock_is_seen_to_move() -> None:
    """The page is told on the way, and not only at the end."""
    plan = Plan(MovableClock(), costs=0.02)
    seen: list[datetime] = []
    machine = TimeMachine(plan.clock, 0.5)
    machine.connect(plan.beat, plan.look, lambda: seen.append(plan.clock.now()), asyncio.Event())
    await machine.skip(30 * DAY.total_seconds())

    assert len(seen) > 2
    assert seen == sorted(seen)


async def test_two_skips_at_once_are_refused() -> None:
    """The second one is told to wait, and moves nothing."""
    plan = Plan(MovableClock(), costs=0.02)
    machine = _machine(plan, patience=0.3)
    first = asyncio.create_task(machine.skip(DAY.total_seconds()))
    await asyncio.sleep(0.05)
    with pytest.raises(Impossible, match="already"):
        await machine.skip(60)
    await first

    assert plan.clock.now() - plan.start < DAY + MINUTE


async def test_stopping_the_sandbox_ends_a_skip() -> None:
    """Nothing is done, nor looked for, after the stop."""
    plan, stop = Plan(MovableClock(), costs=0.02), asyncio.Event()
    machine = TimeMachine(plan.clock, 10)
    machine.connect(plan.beat, plan.look, lambda: None, stop)
    skipping = asyncio.create_task(machine.skip(30 * DAY.total_seconds()))
    await asyncio.sleep(0.1)
    stop.set()
    async with asyncio.timeout(1):
        await skipping

    assert plan.clock.now() - plan.start < 30 * DAY


@pytest.fixture
async def deps(sqlite_url: str) -> AsyncIterator[Deps]:
    made = deps_on(sqlite_url)
    yield made
    await made.store.close()


async def test_nothing_is_due_in_an_empty_bot(deps: Deps) -> None:
    """Without registries there is nowhere to stop."""
    assert await look(deps.store) == Due()


async def test_a_calm_registry_is_regular_work(deps: Deps) -> None:
    """Its next check may come a little later than planned."""
    await add(deps)
    due = await look(deps.store)

    assert due.regular is not None
    assert due.prompt is None


async def test_a_confirmation_is_prompt(deps: Deps) -> None:
    """A registry in doubt is looked at again at the very time."""
    await add(deps)
    checker_of(deps).answers = [refused(explicit=True)]
    clock_of(deps).skip(2 * HOUR)
    await Watch(deps).tick()
    due = await look(deps.store)

    assert due.prompt == clock_of(deps).now() + MINUTE
    assert due.regular is None


async def test_of_one_message_only_the_first_letter_is_due(deps: Deps) -> None:
    """An edit that waits for its post, which was put off, is no reason to stop before that."""
    later = NOW + HOUR
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, "T1", NOW)
        for key, at in (("first", later), ("second", NOW)):
            letter = Letter("T1", key, "C1", "incident_entry", {}, THREAD, "incident:1")
            await outbox.put(session, letter, NOW, at)
    due = await look(deps.store)

    assert due.prompt == later
