"""How much one caller may ask: so much a second, with something in hand for a rush."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from bot.core.clock import Clock

_KEYS: Final = 10_000


class Pace:
    """`rate` a second for each key, `burst` at once. In memory, which is bounded.

    The key that asked longest ago is forgotten first, and has its burst again.
    """

    def __init__(self, clock: Clock, rate: float, burst: float, keys: int = _KEYS) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._keys = keys
        self._left: OrderedDict[tuple[str, ...], tuple[float, float]] = OrderedDict()

    def has_room(self, *key: str) -> bool:
        """Whether the key may ask now."""
        return self._now(key)[0] > 0

    def spend(self, cost: float, *key: str) -> None:
        """The key asked for so much, be it more than it had."""
        left, at = self._now(key)
        self._left[key] = (left - cost, at)
        self._left.move_to_end(key)
        if len(self._left) > self._keys:
            self._left.popitem(last=False)

    def _now(self, key: tuple[str, ...]) -> tuple[float, float]:
        now = self._clock.now().timestamp()
        left, at = self._left.get(key, (self._burst, now))
        return min(self._burst, left + max(0.0, now - at) * self._rate), now
