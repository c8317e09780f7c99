"""Progress without a flood: the newest state is sent, at most so often, and the last one always."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Pace(Generic[T]):
    """Sends the newest of what it is offered, `interval` seconds apart, until its block ends.

    Not before an interval has passed, and its block does not end earlier either: an update that
    overtook the ack of a submission would be replaced by what that ack shows, and be lost.
    """

    def __init__(self, send: Callable[[T], Awaitable[None]], interval: float) -> None:
        self._send = send
        self._interval = interval
        self._newest: list[T] = []
        self._over = asyncio.Event()

    async def __aenter__(self) -> Pace[T]:
        self._beat = asyncio.create_task(self._run(), name="progress")
        self._rest = asyncio.create_task(asyncio.sleep(self._interval))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """An update on its way is waited for, so that it cannot arrive after the end."""
        self._over.set()
        await asyncio.gather(self._beat, self._rest)

    def offer(self, value: T) -> None:
        """Remember it as the newest; never blocks."""
        self._newest = [value]

    async def _run(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self._interval)
            if self._newest and not self._over.is_set():
                await self._send(self._newest.pop())
