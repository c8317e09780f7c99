"""A clock that jumps to the next moment somebody waits for, so that hours pass in milliseconds."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

from bot.core.clock import FixedClock

_TURNS = 25  # of the event loop, in which everything that can go on does


class VirtualTime:
    """`sleep` waits on `clock`; `run` lets the time pass."""

    def __init__(self, start: datetime) -> None:
        self.clock = FixedClock(start)
        self._start = start
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return (self.clock.now() - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        wakes = asyncio.get_running_loop().create_future()
        at = self.clock.now() + timedelta(seconds=max(seconds, 0))
        heapq.heappush(self._sleepers, (at, next(self._order), wakes))
        await wakes

    async def run(self, *work: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run all of `work` to its end; answers or errors, in order."""
        tasks = [asyncio.ensure_future(one) for one in work]
        while not all(task.done() for task in tasks):
            await self.settle()
            self._wake()
        return await asyncio.gather(*tasks, return_exceptions=True)

    async def settle(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def _wake(self) -> None:
        """Jump to the next sleeper, and wake everybody who sleeps until then."""
        if not self._sleepers:
            return
        at = self._sleepers[0][0]
        self.clock.at = max(at, self.clock.at)
        while self._sleepers and self._sleepers[0][0] <= self.clock.at:
            wakes = heapq.heappop(self._sleepers)[2]
            if not wakes.done():
                wakes.set_result(None)
