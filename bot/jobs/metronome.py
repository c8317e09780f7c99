"""The metronome: APScheduler in memory, one ticking job per task.

What is due is data in rows, claimed by lease, so every replica may tick; APScheduler 3 must never
share a job store between processes (its own FAQ), and here it has none to share.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.core.clock import Clock
from bot.errors import RegistrarError

log = structlog.get_logger(__name__)

PATIENCE: Final = 60.0  # seconds without a good run after which a task counts as stuck
MISSED: Final = 10  # or so many of its beats, when that is longer


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do every `seconds`; `run` must be safe to repeat and to be cut off."""

    name: str
    seconds: float
    run: Callable[[], Awaitable[object]]


Observer = Callable[[str, float, str], None]
"""Told of every run: the task's name, its seconds, and `done`, `failed` or `crashed`."""


class Metronome:
    """Runs tasks on their beat, one run of each at a time, and drains them before it stops."""

    def __init__(
        self, tasks: tuple[Task, ...], clock: Clock, *, observer: Observer | None = None
    ) -> None:
        self._tasks = tasks
        self._clock = clock
        self._observer = observer
        self._last: dict[str, float] = {}
        self._scheduler = AsyncIOScheduler()
        self._running: set[asyncio.Task[None]] = set()
        self._busy: set[str] = set()
        self._stopped = False
        self.beats: dict[str, datetime] = {}

    def add(self, task: Task) -> None:
        """One more task, before the start."""
        self._tasks = (*self._tasks, task)

    def start(self) -> None:
        started = time.monotonic()
        self._last = {task.name: started for task in self._tasks}
        for task in self._tasks:
            self._scheduler.add_job(
                self._tick,
                IntervalTrigger(seconds=task.seconds),
                args=[task],
                id=task.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    async def beat_all(self) -> None:
        """One run of every task now, in their order; those under way are waited for first.

        None is begun any more once the metronome stops.
        """
        for task in self._tasks:
            while task.name in self._busy:
                named = [one for one in self._running if one.get_name() == task.name]
                await asyncio.wait(named)
            if self._stopped:
                return
            await asyncio.wait([self._begin(task)])

    async def _tick(self, task: Task) -> None:
        if task.name not in self._busy:
            self._begin(task)

    def _begin(self, task: Task) -> asyncio.Task[None]:
        # APScheduler cancels running coroutines when it shuts down, so the work runs in a task of
        # our own that `stop` waits for.
        self._busy.add(task.name)
        running = asyncio.create_task(self._run(task), name=task.name)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return running

    def stuck(self) -> tuple[str, ...]:
        """Names of the tasks that have not ended well for long: they hang, or fail every time.

        Judged by the machine's own time: the bot's clock may be moved.
        """
        now = time.monotonic()
        return tuple(
            task.name
            for task in self._tasks
            if now - self._last.get(task.name, now) > max(PATIENCE, MISSED * task.seconds)
        )

    async def _run(self, task: Task) -> None:
        began, end = time.monotonic(), "crashed"
        try:
            await task.run()
            self.beats[task.name] = self._clock.now()
            self._last[task.name] = time.monotonic()
            end = "done"
        except RegistrarError as error:
            end = "failed"
            log.warning("task failed", task=task.name, reason=str(error))
        except Exception:  # one failing beat must not stop the metronome; it is logged whole
            log.exception("task crashed", task=task.name)
        finally:
            self._busy.discard(task.name)
            if self._observer is not None:
                self._observer(task.name, time.monotonic() - began, end)

    async def stop(self, patience: float = 15.0) -> None:
        """Stop ticking, then give running tasks `patience` seconds to end by themselves."""
        self._stopped = True
        if self._scheduler.running:
            self._scheduler.pause()
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
