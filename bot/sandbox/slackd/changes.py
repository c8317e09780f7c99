"""Tells whoever waits that something on the screen changed."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Changes:
    """A version number that only grows, and a way to wait for the next one."""

    def __init__(self) -> None:
        self.version = 1
        self._next = asyncio.Event()

    def bump(self) -> None:
        """Something visible changed."""
        self.version += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, version: int, seconds: float) -> int:
        """The version once it is newer than `version`, or the same after `seconds`."""
        if self.version <= version:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._next.wait(), seconds)
        return self.version
