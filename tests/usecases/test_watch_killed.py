"""The process dies at every step of opening, changing and closing an incident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.incident import Phase
from bot.usecases.deps import Deps
from tests.factories import add, clock_of, generic, unreachable
from tests.usecases.killed import life
from tests.usecases.watching import (
    EXPIRED,
    Fleet,
    channel,
    incidents,
    letters,
    records,
    run,
    watching,
    with_fleet,
)

MINUTE = timedelta(minutes=1)


async def tick(deps: Deps) -> None:
    await watching(deps).tick()


async def walk(deps: Deps, prepare: Callable[[Fleet], None], minutes: int) -> list[list[str]]:
    """Die at step 1, 2, 3, … of the tick that is due; each time the next process goes on.

    Answers the letters that each of these lives put in.
    """
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps, answers=generic("a", url="https://one.example.com", path_scope="a"))
    await add(deps, answers=generic("b", url="https://one.example.com", path_scope="b"))
    told: list[list[str]] = []
    at = 0
    while True:
        at += 1
        before = len(await letters(deps))
        prepare(fleet)
        clock_of(deps).skip(timedelta(hours=25))
        ended = await life(deps, at, tick)
        await run(deps, watching(deps), minutes * MINUTE)
        told.append([f"{one.op} {one.what}" for one in (await letters(deps))[before:]])
        fleet.works("one")
        await run(deps, watching(deps), timedelta(hours=2))
        if ended:
            return told


@pytest.mark.timeout(300)
async def test_dying_while_an_incident_is_found_loses_and_doubles_nothing(deps: Deps) -> None:
    """Whatever the step, the people hear of it once, and every incident is closed in the end."""
    told = await walk(deps, lambda fleet: fleet.fails("one", EXPIRED), 5)

    assert len(told) > 8
    assert {tuple(one) for one in told} == {("post incident",)}
    found = await incidents(deps)
    assert {view.incident.phase for view in found} == {Phase.RECOVERED}
    assert all(len(view.registries) == 2 for view in found)


@pytest.mark.timeout(300)
async def test_dying_writes_no_check_twice(deps: Deps) -> None:
    """One answer is one record for each registry, however often its writer died."""
    deps, _fleet = with_fleet(deps)
    await add(deps)
    at, ended = 0, False
    while not ended:
        at += 1
        clock_of(deps).skip(timedelta(hours=2))
        began = len(await records(deps))
        ended = await life(deps, at, tick)
        clock_of(deps).skip(MINUTE)
        watch = watching(deps)
        await watch.tick()
        await watch.drain()  # a slow machine may still be writing when the tick's time is over
        assert len(await records(deps)) == began + 1


@pytest.mark.timeout(300)
@pytest.mark.parametrize("step", ["confirm", "recover"])
async def test_dying_at_the_transition_itself(deps: Deps, step: str) -> None:
    """The tick that opens or closes an incident dies at each of its steps in turn."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    at, ended = 0, False
    while not ended:
        at += 1
        fleet.fails("harbor-team")
        clock_of(deps).skip(timedelta(hours=30))
        await watching(deps).tick()  # the first sign
        if step == "recover":
            await run(deps, watching(deps), 2 * MINUTE)
            fleet.works("harbor-team")
            clock_of(deps).skip(timedelta(hours=1))
            await watching(deps).tick()  # the first good answer
        clock_of(deps).skip(MINUTE)
        ended = await life(deps, at, tick)
        await run(deps, watching(deps), 2 * MINUTE)
        fleet.works("harbor-team")
        await run(deps, watching(deps), timedelta(hours=2))

    found = await incidents(deps)
    posts = [one for one in await letters(deps) if one.op == "post"]
    assert len(found) == at
    assert len(posts) == at
    assert {view.incident.phase for view in found} == {Phase.RECOVERED}


async def test_an_outage_found_by_two_workers_is_one_incident(deps: Deps) -> None:
    """The second finds the incident that the first opened."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    fleet.fails("harbor-team", unreachable())
    first, second = watching(deps), watching(replace(deps))
    for _ in range(40):
        clock_of(deps).skip(timedelta(minutes=2))
        await first.tick()
        await second.tick()

    assert len(await incidents(deps)) == 1
    assert len([one for one in await letters(deps) if one.op == "post"]) == 1
