"""Whether everything is in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.core.clock import SystemClock
from bot.errors import NotFound
from bot.jobs import metronome as beats
from bot.jobs.heartbeat import Heartbeat
from bot.jobs.metronome import Metronome, Task
from bot.jobs.order import parts_in_order
from bot.store import outbox, workspaces
from bot.store.outbox import Letter
from bot.usecases.deps import Deps
from bot.usecases.outbox import claim, defer
from tests.databases import migrated_sqlite
from tests.factories import NOW, clock_of, deps_on

FINE = {"database": True, "metronome": True, "outbox": True}


@pytest.fixture
async def deps(tmp_path: Path) -> AsyncIterator[Deps]:
    made = deps_on(migrated_sqlite(tmp_path))
    yield made
    await made.store.close()


async def nothing() -> None:
    """A task that ends well."""


async def put(deps: Deps) -> None:
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, "T1", NOW)
        await outbox.put(session, Letter("T1", "a", "C1", "registry_added"), NOW)


async def test_all_is_in_order_at_the_start(deps: Deps) -> None:
    """Before the first beat nothing is late yet."""
    metronome = Metronome((Task("one", 3600, nothing),), deps.clock)
    metronome.start()

    assert await parts_in_order(deps, metronome) == FINE
    await metronome.stop()


async def test_a_letter_that_nobody_takes_is_out_of_order(deps: Deps) -> None:
    """It is due for ten minutes: whoever delivers is dead or hangs."""
    await put(deps)
    metronome = Metronome((), deps.clock)
    clock_of(deps).skip(timedelta(minutes=9))
    assert await parts_in_order(deps, metronome) == FINE
    clock_of(deps).skip(timedelta(minutes=2))

    assert await parts_in_order(deps, metronome) == FINE | {"outbox": False}


async def test_a_letter_that_was_put_off_is_in_order(deps: Deps) -> None:
    """One closed channel must not take the whole bot out of service."""
    await put(deps)
    (message,) = await claim(deps, 10)
    await defer(deps, message, timedelta(hours=1), "is_archived")
    clock_of(deps).skip(timedelta(minutes=30))

    assert await parts_in_order(deps, Metronome((), deps.clock)) == FINE


@pytest.mark.parametrize("how", ["hangs", "fails"])
async def test_a_task_without_a_good_end_is_stuck(
    deps: Deps, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it hangs or fails every time."""
    monkeypatch.setattr(beats, "PATIENCE", 0.05)
    ran = asyncio.Event()

    async def run() -> None:
        ran.set()
        if how == "hangs":
            await asyncio.sleep(3600)
        raise NotFound("nothing there")

    metronome = Metronome((Task("bad", 0.01, run),), deps.clock)
    metronome.start()
    await ran.wait()
    await asyncio.sleep(0.15)

    assert metronome.stuck() == ("bad",)
    assert (await parts_in_order(deps, metronome))["metronome"] is False
    await metronome.stop(patience=0.01)


async def test_a_process_that_only_listens_answers_for_itself(deps: Deps) -> None:
    """What the workers neglect does not take it out of service."""
    await put(deps)
    clock_of(deps).skip(timedelta(hours=2))

    assert await parts_in_order(deps, None) == {"database": True}


async def test_every_run_is_observed() -> None:
    """With how it ended."""
    seen: list[tuple[str, str]] = []

    async def fail() -> None:
        raise NotFound("nothing there")

    async def crash() -> None:
        raise ZeroDivisionError

    def observe(task: str, took: float, end: str) -> None:
        assert took >= 0
        seen.append((task, end))

    tasks = (Task("good", 60, nothing), Task("bad", 60, fail), Task("worse", 60, crash))
    metronome = Metronome(tasks, SystemClock(), observer=observe)
    await metronome.beat_all()

    assert seen == [("good", "done"), ("bad", "failed"), ("worse", "crashed")]


class Monitor:
    """An outside monitor."""

    def __init__(self) -> None:
        self.heard = 0
        self.status = 200

    async def answer(self, _request: web.Request) -> web.Response:
        self.heard += 1
        return web.Response(status=self.status)


@pytest.fixture
async def monitor() -> AsyncIterator[tuple[Monitor, str]]:
    made = Monitor()
    application = web.Application()
    application.router.add_get("/ping/secret", made.answer)
    server = TestServer(application)
    await server.start_server()
    yield made, str(server.make_url("/ping/secret"))
    await server.close()


@pytest.mark.parametrize(
    ("in_order", "status", "heard"), [(True, 200, True), (True, 500, False), (False, 200, False)]
)
async def test_a_heartbeat_is_sent_while_all_is_in_order(
    monitor: tuple[Monitor, str], in_order: bool, status: int, heard: bool
) -> None:
    """Silence is the alarm."""
    outside, url = monitor
    outside.status = status

    async def ask() -> bool:
        return in_order

    async with aiohttp.ClientSession() as session:
        assert await Heartbeat(session, url, ask).beat() is heard
    assert outside.heard == in_order


async def test_a_monitor_that_is_away_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """And its URL, which is a secret, is in no log."""

    async def ask() -> bool:
        return True

    async with aiohttp.ClientSession() as session:
        assert await Heartbeat(session, "http://127.0.0.1:1/ping/secret", ask).beat() is False
    assert "ping/secret" not in caplog.text
