"""Work after the ack: kept track of, so that it ends by itself before the process does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Background:
    """A set of running tasks. Bolt would forget them; these are waited for at shutdown."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run it now. It tells its own errors; one that still escapes is logged."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    @property
    def running(self) -> int:
        return len(self._tasks)

    async def drain(self, patience: float = 15.0) -> None:
        """Wait for what runs, at most `patience` seconds, then cancel the rest."""
        while self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=patience)
            for task in late:
                log.warning("cut off at shutdown", work=task.get_name())
                task.cancel()
            if late:
                await asyncio.gather(*late, return_exceptions=True)
                return

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background work failed", work=task.get_name(), exc_info=error)
