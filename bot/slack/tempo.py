"""How fast Slack may be told things: a second between posts of a channel, and rests when it asks.

Source: docs.slack.dev, rate limits: chat.postMessage about one a second and channel, chat.update
50 a minute; a 429 says in `Retry-After` when to go on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

EDITS: Final = "chat.update"
APART: Final = 1.0
EDITS_APART: Final = 3.0  # of one message, so that a list that changes all the time is bearable
MOST: Final = 5_000


class Tempo:
    """Kept for the whole process; times are those of a monotonic clock, in seconds."""

    def __init__(self, monotonic: Callable[[], float], apart: float = APART) -> None:
        self._monotonic = monotonic
        self._apart = apart
        self._free: dict[str, float] = {}

    def wait_for_post(self, channel: str) -> float:
        """Seconds until the channel takes a post; 0 for now."""
        return self._wait(channel)

    def wait_for_edit(self, subject: str) -> float:
        """Seconds until the message of this subject may be edited."""
        return max(self._wait(EDITS), self._wait(f"edit:{subject}"))

    def posted(self, channel: str) -> None:
        self._hold(channel, self._apart)

    def edited(self, subject: str) -> None:
        self._hold(f"edit:{subject}", self._apart * EDITS_APART)

    def rest(self, what: str, seconds: float) -> None:
        """Slack asked for a rest of a channel, or of `EDITS`."""
        self._hold(what, seconds)

    def _wait(self, what: str) -> float:
        return max(0.0, self._free.get(what, 0.0) - self._monotonic())

    def _hold(self, what: str, seconds: float) -> None:
        now = self._monotonic()
        self._free[what] = max(self._free.pop(what, 0.0), now + seconds)
        if len(self._free) > MOST:
            self._free = {one: at for one, at in self._free.items() if at > now}
