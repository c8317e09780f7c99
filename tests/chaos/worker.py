"""A worker that watches until it is killed, by its own hand, at a random point of its work."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import event

from bot.core.check import Cause, CheckResult, Progress
from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import RegistrarError
from bot.kinds.net import AllowList
from bot.slack.deliver import Courier
from bot.store.cipher import Keyring
from bot.store.engine import open_store
from bot.usecases.deps import Deps
from bot.usecases.incidents import tick_incidents
from bot.usecases.saying import tick_channels
from bot.usecases.watch import Limits, Watch
from tests.chaos.play import LEASE, Log, Script, Stage, StageClock, number_of
from tests.factories import proven, refused, unreachable

RING: Final = Keyring.parse(Secret("k1:" + "A" * 43 + "="))
LIMITS: Final = Limits(in_all=8, per_host=4, batch=8, lease=timedelta(seconds=LEASE))
CLAIMS: Final = "UPDATE registry SET lease_until"
RARELY: Final = 4
"""The alerts' tasks run once in so many ticks."""


class Fate:
    """Counts what the process does; at a certain count it dies. None: it lives."""

    def __init__(self, steps: int | None) -> None:
        self._left = steps

    def step(self, *_: Any, **__: Any) -> None:
        if self._left is None:
            return
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async def step_async(self, *_: Any) -> None:
        self.step()


class ScriptChecker:
    """Answers from the script after a moment; each answer has a name of its own as identity."""

    def __init__(self, stage: Stage, script: Script, log: Log, fate: Fate) -> None:
        self._stage = stage
        self._script = script
        self._log = log
        self._fate = fate
        self._count = 0

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        del progress
        number = number_of(config.url)
        self._count += 1
        name = f"{os.getpid()}-{self._count}"
        self._log.note("check", registry=number, name=name)
        self._fate.step()
        await asyncio.sleep(random.uniform(0.0, 0.01))
        self._fate.step()
        at = StageClock(self._stage).now()
        match self._script.fails(number):
            case "revoked":
                return refused(explicit=True, cause=Cause.REVOKED, at=at, identity=name)
            case "away":
                return unreachable(at=at, identity=name)
        return replace(proven(), at=at, identity=name)


@dataclass(frozen=True, slots=True)
class Cast:
    """What every process of the play needs."""

    database: str
    slack_url: str
    stage: Stage
    script: Script
    log: Log

    def deps(self, fate: Fate) -> Deps:
        """The use cases; a process that uses them dies when its fate says so."""
        clock = StageClock(self.stage)
        store = open_store(self.database, RING, clock)
        event.listen(store.engine.sync_engine, "before_cursor_execute", self._note_claim)
        event.listen(store.engine.sync_engine, "before_cursor_execute", fate.step)
        event.listen(store.engine.sync_engine, "commit", fate.step)
        checker = ScriptChecker(self.stage, self.script, self.log, fate)
        return Deps(store, checker, clock, AllowList.parse(""))

    def _note_claim(self, *args: Any) -> None:
        """Whoever dies before its first check has claimed all the same."""
        statement, values = args[2], args[3]
        if statement.startswith(CLAIMS):
            self.log.note("claim", ids=re.findall(r"\b[0-9a-f]{32}\b", str(values)))


async def work(cast: Cast, number: int, fate: Fate) -> None:
    """Watch, tell and deliver, tick after tick, until the curtain falls."""
    deps = cast.deps(fate)

    async def speaking(*_: object) -> None:
        cast.stage.at_slack(number, yes=True)

    traced = aiohttp.TraceConfig()
    traced.on_request_start.extend((speaking, fate.step_async))
    traced.on_request_end.append(fate.step_async)
    async with aiohttp.ClientSession(trace_configs=[traced]) as session:
        client = AsyncWebClient(token="xoxb-chaos", base_url=cast.slack_url, session=session)
        courier = Courier(deps, client, apart=0.0)
        watch = Watch(deps, LIMITS)
        alerts = (partial(tick_incidents, deps), partial(tick_channels, deps), courier.deliver_due)
        count, driver = 0, os.getppid()
        while not cast.stage.stopped and os.getppid() == driver:  # nor longer than its driver
            count += 1
            cast.log.note("begin")
            await _run(watch.tick, cast.log)
            cast.log.note("end")
            if count % RARELY == number:
                for task in alerts:
                    await _run(task, cast.log)
                cast.stage.at_slack(number, yes=False)
            cast.stage.tick(number)
            await asyncio.sleep(0.002)
        await watch.drain()
    await deps.store.close()


async def _run(task: Callable[[], Awaitable[object]], log: Log) -> None:
    try:
        await task()
    except RegistrarError as error:  # as the metronome has it: the next beat comes
        log.note("refused", error=str(error))
