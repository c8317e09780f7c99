"""Dying at every moment of an automatic rotation leaves one credential that works and is known.

The deaths of each provider's own code are in test_killed_at_providers.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.auto_rotation import Step
from bot.core.clock import FixedClock
from bot.kinds.net import AllowList
from bot.store.engine import Store, open_engine
from bot.usecases import registries
from bot.usecases.deps import Deps
from tests.databases import database
from tests.factories import ALICE, NOW, add, keyring
from tests.usecases.cloud import STRATEGIES, Base, Cloud, Dual
from tests.usecases.deaths import InTheCloud, Lives
from tests.usecases.provider import OLD
from tests.usecases.test_auto_rotation import begun, in_force, run, state

DAY = timedelta(days=1)


def cloud_with(clock: FixedClock, strategy: type[Base]) -> tuple[Cloud, Base]:
    cloud = Cloud(clock)
    cloud.most = 9
    return cloud, strategy(cloud)


@pytest.mark.parametrize("strategy", list(STRATEGIES))
async def test_dying_anywhere_leaves_one_known_credential(tmp_path: Path, strategy: str) -> None:
    """Exactly one key works at the provider, and the registry has it; or its loss is told of.

    Where a secret is told once and never again, a death between the provider's deed and our commit
    loses it: that, and only that, ends as lost, and nothing is made worse by asking again. Each
    death is lived until all stands as it stood in the life without one; of two keys side by side,
    every fourth to the very end.
    """
    lives = Lives(tmp_path)
    cloud, provider = cloud_with(lives.clock, STRATEGIES[strategy])
    deps = Deps(lives.store, cloud, lives.clock, AllowList.parse(""))
    rotators = cloud.rotators(provider)  # type: ignore[arg-type]
    await add(deps)
    rotation = await begun(deps, rotators)
    lives.begin(InTheCloud(cloud), OLD)
    await run(deps, rotators, 5 * DAY)
    moments, lost = lives.moments, []
    blind = [number for number, one in enumerate(moments) if not one.known]
    for number, moment in enumerate(moments):
        await lives.back_to(moment)
        met = lives.met(moments, number)
        full = strategy == "dual" and number % 4 == 0
        await run(deps, rotators, 5 * DAY, (lambda: False) if full else met)
        step = (await state(deps, rotation))[1]
        if step is Step.LOST:
            assert cloud.calls.count("issue") == 1
            lost.append(number)
            continue
        if number not in blind:  # where it can be read again, it is learnt after such a death
            assert sum(not one.known for one in lives.moments) <= len(blind), number
        assert (await registries.show(deps, ALICE, "harbor-team")).broken == ""
        if full or not met():
            assert step is Step.OVER, (number, step)
            assert [key.secret for key in cloud.keys.values()] == [await in_force(deps)], number
    await lives.store.close()

    assert lives.passed > 2 * len(moments)
    assert bool(blind) == (strategy in {"in place, told once", "in place, shown again"})
    assert lost == (blind if strategy == "in place, told once" else [])


class Killed(BaseException):
    """The process is gone."""


class MortalStore(Store):
    """A store whose process dies before or after one of its commits; at none for 0."""

    dies_at = 0
    passed = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with super().transaction() as session:
            yield session
            self._pass()
        self._pass()

    def _pass(self) -> None:
        self.passed += 1
        if self.passed == self.dies_at:
            raise Killed


@pytest.mark.parametrize("dies_at", range(5, 80, 10))
async def test_a_rotation_goes_on_after_a_death_on_postgresql(tmp_path: Path, dies_at: int) -> None:
    """Its transactions end what the dead one had begun, and nothing else; at samples of all."""
    with database("postgresql", tmp_path) as url:
        clock = FixedClock(NOW)
        store = MortalStore(open_engine(url), keyring(), clock)
        cloud, provider = cloud_with(clock, Dual)
        deps = Deps(store, cloud, clock, AllowList.parse(""))
        rotators = cloud.rotators(provider)  # type: ignore[arg-type]
        await add(deps)
        rotation = await begun(deps, rotators)
        store.passed, store.dies_at = 0, dies_at
        with suppress(Killed):
            await run(deps, rotators, 5 * DAY)
        assert store.passed == dies_at
        await run(deps, rotators, 5 * DAY)

        assert (await state(deps, rotation))[1] is Step.OVER
        assert [key.secret for key in cloud.keys.values()] == [await in_force(deps)]
        await store.close()
