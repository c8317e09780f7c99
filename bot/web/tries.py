"""Failed tries to sign in, counted in memory: who fails too often is not heard for a while."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final

from bot.core.clock import Clock

MINUTE: Final = 60.0
MOST_KEYS: Final = 10_000


class Tries:
    """At most `most` failures of one key within a minute; they are forgotten evenly.

    The memory is bounded: the key that failed longest ago is forgotten first. Each replica counts
    for itself.
    """

    def __init__(self, clock: Clock, most: int, keys: int = MOST_KEYS) -> None:
        self._clock = clock
        self._most = most
        self._keys = keys
        self._failed: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many, as of when

    def wait(self, key: str) -> int:
        """Seconds until the key is heard again; 0: now."""
        over = self._now_at(key) + 1 - self._most
        return math.ceil(over * MINUTE / self._most) if over > 0 else 0

    def failed(self, key: str) -> None:
        self._failed[key] = (self._now_at(key) + 1, self._clock.now().timestamp())
        self._failed.move_to_end(key)
        while len(self._failed) > self._keys:
            self._failed.popitem(last=False)

    def _now_at(self, key: str) -> float:
        count, at = self._failed.get(key, (0.0, 0.0))
        gone = max(0.0, self._clock.now().timestamp() - at)
        return max(0.0, count - gone * self._most / MINUTE)
