"""429 as Slack gives it: a bucket per method, and one per channel for posting."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.slackd import limits


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimit:
    """Token buckets in real time. `enabled` may be switched off by tests about other things."""

    def __init__(self, monotonic: Callable[[], float], *, enabled: bool = True) -> None:
        self._monotonic = monotonic
        self.enabled = enabled
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._forced: dict[str, list[int]] = {}

    def force(self, method: str, retry_after: int, times: int = 1) -> None:
        """Answer the next `times` calls of `method` with 429 (tests and demonstrations)."""
        self._forced.setdefault(method, []).extend([retry_after] * times)

    def wait_for(self, method: str, tier: int) -> int:
        """Seconds to wait before `method` may be called, 0 when it may be called now."""
        if self._forced.get(method):
            return self._forced[method].pop(0)
        return self._take(method, "", limits.TIERS[tier] / 60, limits.TIER_BURST[tier])

    def wait_for_post(self, channel: str) -> int:
        """The same for chat.postMessage, which is limited per channel."""
        if self._forced.get("chat.postMessage"):
            return self._forced["chat.postMessage"].pop(0)
        rate, burst = limits.CHANNEL_POSTS_PER_SECOND, limits.CHANNEL_BURST
        return self._take("chat.postMessage", channel, rate, burst)

    def _take(self, method: str, key: str, per_second: float, burst: int) -> int:
        if not self.enabled:
            return 0
        now = self._monotonic()
        bucket = self._buckets.setdefault((method, key), _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * per_second)
        bucket.at = now
        if bucket.tokens < 1:
            return max(1, math.ceil((1 - bucket.tokens) / per_second))
        bucket.tokens -= 1
        return 0
