"""The metronome: APScheduler in memory, one ticking job per task.

What is due is data in rows, claimed by lease, so every replica may tick; APScheduler 3 must never
share a job store between processes (its own FAQ), and here it has none to share.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.core.clock import Clock
from bot.errors import RegistrarError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do every `seconds`; `run` must be safe to repeat and to be cut off."""

    name: str
    seconds: float
    run: Callable[[], Awaitable[object]]


class Metronome:
    """Runs tasks on their beat, one run of each at a time, and drains them before it stops."""

    def __init__(self, tasks: tuple[Task, ...], clock: Clock) -> None:
        self._tasks = tasks
        self._clock = clock
        self._scheduler = AsyncIOScheduler()
        self._running: set[asyncio.Task[None]] = set()
        self._busy: set[str] = set()
        self.beats: dict[str, datetime] = {}

    def start(self) -> None:
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

    async def _tick(self, task: Task) -> None:
        # APScheduler cancels running coroutines when it shuts down, so the work runs in a task of
        # our own that `stop` waits for.
        if task.name in self._busy:
            return
        self._busy.add(task.name)
        running = asyncio.create_task(self._run(task), name=task.name)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _run(self, task: Task) -> None:
        try:
            await task.run()
            self.beats[task.name] = self._clock.now()
        except RegistrarError as error:
            log.warning("task failed", task=task.name, reason=str(error))
        except Exception:  # one failing beat must not stop the metronome; it is logged whole
            log.exception("task crashed", task=task.name)
        finally:
            self._busy.discard(task.name)

    async def stop(self, patience: float = 15.0) -> None:
        """Stop ticking, then give running tasks `patience` seconds to end by themselves."""
        if self._scheduler.running:
            self._scheduler.pause()
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
