"""What need not be asked again for a while, such as whether a host accepts any password."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.core.clock import Clock

_MOST: Final = 10_000


@dataclass(slots=True)
class _Slot:
    lock: asyncio.Lock
    value: bool = False
    until: datetime | None = None


class Memory:
    """Yes-or-no answers by key, each kept for as long as whoever found it says."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()

    def recall(self, key: Hashable) -> bool | None:
        """The answer if it is still fresh."""
        slot = self._slots.get(key)
        if slot is None or slot.until is None or slot.until <= self._clock.now():
            return None
        return slot.value

    async def ask(
        self,
        key: Hashable,
        question: Callable[[], Awaitable[bool]],
        keep: Callable[[bool], timedelta],
    ) -> bool:
        """The fresh answer, or `question()` asked once however many wait for it.

        An error of `question` is passed on and not kept.
        """
        slot = self._slots.setdefault(key, _Slot(asyncio.Lock()))
        self._slots.move_to_end(key)
        if len(self._slots) > _MOST:
            self._slots.popitem(last=False)
        async with slot.lock:
            if slot.until is None or slot.until <= self._clock.now():
                slot.value = await question()
                slot.until = self._clock.now() + keep(slot.value)
            return slot.value
