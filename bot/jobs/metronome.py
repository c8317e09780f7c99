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
LOOK: Final = 1.0  # seconds between looks whether all tasks are begun on their beat
OVERDUE: Final = 2.0  # seconds after its beat at which a task is set going anew


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
        self._begun: dict[str, float] = {}
        self._guard: asyncio.Task[None] | None = None
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
        self._begun = dict(self._last)
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
        self._guard = asyncio.create_task(self._keep_time(), name="metronome guard")

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

    async def _keep_time(self) -> None:
        """Set going anew what has missed its beat.

        APScheduler sleeps until a time of the machine's clock. When that is put back, such as by an
        hour that it was wrong, no task would run before this hour has passed once more.
        """
        while True:
            await asyncio.sleep(LOOK)
            now = time.monotonic()
            for task in self._tasks:
                if now - self._begun[task.name] > task.seconds + OVERDUE:
                    self._begun[task.name] = now
                    self._scheduler.reschedule_job(
                        task.name, trigger=IntervalTrigger(seconds=task.seconds)
                    )

    async def _tick(self, task: Task) -> None:
        self._begun[task.name] = time.monotonic()
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
        if self._guard is not None:
            self._guard.cancel()
        if self._scheduler.running:
            self._scheduler.pause()
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
