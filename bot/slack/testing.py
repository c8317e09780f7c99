"""Testing stored registries: an answer at once, then the stages fill in where it stands."""

from __future__ import annotations

from bot.core.check import CheckResult, StageResult
from bot.slack.access import reader
from bot.slack.call import Call
from bot.slack.desk import Desk
from bot.slack.home import refresh_homes
from bot.slack.pace import Pace
from bot.slack.render_result import all_checked, all_progress, checked, checking, one_checked
from bot.usecases import checking as checks
from bot.usecases import registries


async def check_one(desk: Desk, call: Call, name: str) -> None:
    """Check one registry; raises NotFound before anything is shown."""
    actor = reader(call)
    registry = await registries.show(desk.deps, actor, name)
    surface = await desk.surface(call, checking(registry.host))

    async def show(stages: tuple[StageResult, ...]) -> None:
        await surface.show(checking(registry.host, stages))

    async with Pace(show, surface.interval) as pace:
        registry, result = await checks.check_registry(desk.deps, actor, name, pace.offer)
    await surface.finish(checked(registry, result, desk.now()))
    await refresh_homes(desk, call.team)


async def check_all(desk: Desk, call: Call) -> None:
    """Check every registry, counting, and end with a summary."""
    actor = reader(call)
    begun = desk.now()
    total = (await registries.counters(desk.deps, actor)).total
    surface = await desk.surface(call, all_progress(0, total))

    async def show(so_far: tuple[int, int, str]) -> None:
        await surface.show(all_progress(*so_far))

    async with Pace(show, surface.interval) as pace:

        def each(name: str, result: CheckResult, done: int, of: int) -> None:
            pace.offer((done, of, one_checked(name, result)))

        found = await checks.check_all(desk.deps, actor, each)
    await surface.finish(all_checked(found, (desk.now() - begun).total_seconds()))
    await refresh_homes(desk, call.team)
