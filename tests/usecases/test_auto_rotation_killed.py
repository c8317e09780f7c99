"""Dying at every step of an automatic rotation leaves one credential that works and is known.

The walk counts the steps of a whole rotation: before and after every commit, before the provider is
asked, and after it has done what was asked but before its answer came. Then it lives the rotation
once for each step, dies there, and goes on as another process would.
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
from tests.databases import migrated_sqlite
from tests.factories import ALICE, NOW, add, keyring
from tests.usecases.cloud import STRATEGIES, Cloud
from tests.usecases.test_auto_rotation import begun, in_force, run, state

DAY = timedelta(days=1)


class Killed(BaseException):
    """The process is gone, at this very step."""


class Reaper:
    """Counts steps, and kills at the one it was told to; never for 0."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.steps = 0

    def step(self, _call: str = "") -> None:
        self.steps += 1
        if self.steps == self.at:
            raise Killed


class MortalStore(Store):
    """A store whose process may die before and after each commit."""

    reaper: Reaper

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with super().transaction() as session:
            yield session
            self.reaper.step()
        self.reaper.step()


async def lived(folder: Path, strategy: str, at: int) -> tuple[Reaper, Cloud, Step, str, bool]:
    """One rotation from beginning to end, with a death at that step."""
    clock = FixedClock(NOW)
    store = MortalStore(open_engine(migrated_sqlite(folder)), keyring(), clock)
    store.reaper = Reaper()
    cloud = Cloud(clock)
    cloud.most = 9
    deps = Deps(store, cloud, clock, AllowList.parse(""))
    rotators = cloud.rotators(STRATEGIES[strategy](cloud))  # type: ignore[arg-type]
    await add(deps)
    rotation = await begun(deps, rotators)
    reaper = store.reaper = Reaper(at)
    cloud.before = cloud.after = reaper.step
    died = False
    with suppress(Killed):
        await run(deps, rotators, 5 * DAY)
    if at and reaper.steps == at:
        died = True
        await run(deps, rotators, 5 * DAY)
    step = (await state(deps, rotation))[1]
    secret = await in_force(deps)
    assert (await registries.show(deps, ALICE, "harbor-team")).broken == ""
    await store.close()
    return reaper, cloud, step, secret, died


async def steps_of(folder: Path, strategy: str) -> int:
    reaper, cloud, step, secret, _ = await lived(folder, strategy, 0)
    assert step is Step.OVER
    assert cloud.working == {secret}
    return reaper.steps


@pytest.mark.timeout(600)
@pytest.mark.parametrize("strategy", list(STRATEGIES))
async def test_dying_anywhere_leaves_one_known_credential(tmp_path: Path, strategy: str) -> None:
    """Exactly one key works at the provider, and the registry has it; or its loss is told of.

    Where a secret is told once and never again, a death between the provider's deed and our commit
    loses it: that, and only that, ends as lost, and nothing is made worse by asking again.
    """
    total = await steps_of(tmp_path, strategy)
    lost = 0
    for at in range(1, total + 1):
        _, cloud, step, secret, died = await lived(tmp_path, strategy, at)
        assert died, at
        if step is Step.LOST:
            assert cloud.calls.count("issue") == 1
            lost += 1
            continue
        assert step is Step.OVER, (at, step)
        assert cloud.working == {secret}, at
        assert len(cloud.keys) == 1, at

    assert (strategy == "in place, told once") == (lost > 0)
