"""Dying at every step of telling of an incident loses nothing and shows nothing twice.

The walk counts the steps of one whole life: before and after every commit, and before and after
Slack took every call. Then it lives the life once for each step, dies there, starts anew as another
process would, and compares what people see with the life in which nobody died.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.clock import FixedClock
from bot.core.incident import Button
from bot.kinds.net import AllowList
from bot.store.cipher import Keyring
from bot.store.engine import Store, open_engine
from bot.usecases.deps import Deps
from bot.usecases.incidents import tick_incidents
from bot.usecases.saying import tick_channels
from tests.databases import migrated_sqlite
from tests.factories import NOW, ScriptedChecker, add, clock_of, deps_on, generic, keyring
from tests.slack.alarm import Slack, fails, listen, local_slack, press, recovers, rows, waiting


class Killed(BaseException):
    """The process is gone, at this very step."""


@dataclass
class Reaper:
    """Counts steps, and kills at the one it was told to; never for 0."""

    at: int = 0
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            raise Killed

    async def on_call(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: object
    ) -> None:
        url = str(getattr(params, "url", ""))
        if "chat." in url or "conversations." in url:
            self.step()

    @property
    def trace(self) -> aiohttp.TraceConfig:
        config = aiohttp.TraceConfig()
        config.on_request_start.append(self.on_call)
        config.on_request_end.append(self.on_call)
        return config


class MortalStore(Store):
    """A store whose process may die before and after each commit."""

    reaper: Reaper

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with super().transaction() as session:
            yield session
            self.reaper.step()
        self.reaper.step()


@dataclass
class Life:
    """One process after another, and what they are asked to do."""

    deps: Deps
    slack: Slack
    deaths: int = 0

    async def fail(self) -> None:
        """The check is made again when its answer was not written down."""
        if not await rows(self.deps):
            await fails(self.deps)

    async def do(self, act: Callable[[], Awaitable[object]]) -> None:
        """Do it, and deliver; after a death, whatever started it does so again."""
        for _ in range(3):
            try:
                await act()
                await self.deliver()
            except Killed:
                self.deaths += 1
                clock_of(self.deps).skip(timedelta(seconds=61))
            else:
                return
        raise AssertionError("died more than once")

    async def deliver(self) -> None:
        courier = self.slack.courier(self.deps)
        for _ in range(20):
            await tick_channels(self.deps)
            await courier.deliver_due()
            if not await waiting(self.deps):
                return
            clock_of(self.deps).skip(timedelta(seconds=61))
        raise AssertionError("letters still wait")

    async def once(self, button: Button, phase: str) -> None:
        """A person presses until they see it done."""
        if (await rows(self.deps))[-1].phase != phase:
            await press(self.deps, button)

    async def remind(self) -> None:
        clock_of(self.deps).skip(timedelta(hours=5))
        await tick_incidents(self.deps)

    async def close(self) -> None:
        if (await rows(self.deps))[-1].closed_at is None:
            await recovers(self.deps)


@dataclass
class Stage:
    """Where lives are lived: a database with one registry, copied for each, and one channel."""

    base: Path
    slack: Slack
    reaper: Reaper
    clock: FixedClock
    ring: Keyring

    async def live(self, at: int = 0, meanwhile: str = "") -> Life:
        """Opened, reminded, acknowledged, given back, closed; dies once at step `at`.

        `meanwhile`, after it was opened, its channel is `archived` or its message `deleted`.
        """
        path = self.base.with_name(f"life-{at}.sqlite3")
        shutil.copy(self.base, path)
        self.slack.channel().is_archived = False
        for channel in self.slack.server.world.channels.values():
            channel.messages.clear()
        self.clock.at = NOW
        self.reaper.at, self.reaper.steps = at, 0
        store = MortalStore(open_engine(f"sqlite:///{path}"), self.ring, self.clock)
        store.reaper = self.reaper
        deps = Deps(store, ScriptedChecker(self.clock), self.clock, AllowList.parse(""))
        life = Life(deps, self.slack)
        await life.do(life.fail)
        if meanwhile == "archived":
            self.slack.channel().is_archived = True
        elif meanwhile == "deleted":
            self.slack.channel().messages.clear()
        await life.do(life.remind)
        await life.do(lambda: life.once(Button.ACKNOWLEDGE, "acknowledged"))
        await life.do(lambda: life.once(Button.UNACKNOWLEDGE, "failing"))
        await life.do(life.close)
        await store.close()
        path.unlink()
        return life


@asynccontextmanager
async def staged(folder: Path, **more: object) -> AsyncIterator[Stage]:
    clock, ring, reaper = FixedClock(NOW), keyring(), Reaper()
    base = folder / "base.sqlite3"
    shutil.copy(migrated_sqlite(folder).removeprefix("sqlite:///"), base)
    deps = deps_on(f"sqlite:///{base}", clock, ring)
    await add(deps, answers=generic(owner="UBOB", environment="production"))
    await listen(deps)
    await deps.store.close()
    async with local_slack(deps, folder, [reaper.trace], **more) as slack:
        yield Stage(base, slack, reaper, clock, ring)


async def test_dying_anywhere_shows_the_same_story(tmp_path: Path) -> None:
    """Nothing lost, nothing doubled, in the same order."""
    async with staged(tmp_path) as stage:
        await stage.live()
        steps, story = stage.reaper.steps, stage.slack.story()
        assert steps > 50
        assert [line.strip().split(" ")[2] for line in story[1:]] == ["⏰", "🟡", "🔴", "✅"]

        differing = {}
        for at in range(1, steps + 1):
            life = await stage.live(at)
            if stage.slack.story() != story or life.deaths != 1:
                differing[at] = stage.slack.story()

    assert differing == {}
    assert stage.slack.problems == []


@pytest.mark.parametrize("meanwhile", ["archived", "deleted"])
async def test_dying_while_the_message_moves_shows_it_once(tmp_path: Path, meanwhile: str) -> None:
    """To the owner when the channel is archived, and anew when it was deleted."""
    async with staged(tmp_path) as stage:

        def seen() -> list[str]:
            return [*stage.slack.story("DUBOB"), *stage.slack.story()]

        await stage.live(0, meanwhile)
        story = seen()
        assert sum("Recovered" in line for line in story) == 1
        for at in range(1, stage.reaper.steps + 1, 4):
            await stage.live(at, meanwhile)
            assert seen() == story, at


async def test_without_the_right_to_look_nothing_is_lost(tmp_path: Path) -> None:
    """Then a message may be seen twice, but everything is told."""
    scopes = frozenset({"chat:write", "users:read"})
    async with staged(tmp_path, scopes=scopes) as stage:
        await stage.live()
        story = stage.slack.story()
        for at in range(1, stage.reaper.steps + 1, 7):
            await stage.live(at)
            assert set(story) <= set(stage.slack.story()), at
