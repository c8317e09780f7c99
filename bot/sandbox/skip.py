"""The time machine: skips hours and days by walking through everything that falls due in them.

A jump in one step would hide what time is skipped for: a confirmation comes 60 s after the doubt,
reminders come in steps, and what was missed is summed up. So the clock stops wherever something is
due and the bot does it there. Checks of a long skip are spaced farther apart than in life, so that
a month passes in seconds; confirmations and messages keep their times.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from bot.core.clock import MovableClock
from bot.sandbox.due import Due
from bot.sandbox.slackd.refusal import Impossible

Beat = Callable[[], Awaitable[object]]
Look = Callable[[], Awaitable[Due]]

ROUNDS: Final = 5
"""Beats at one stop; what is due even then is something that cannot be done now."""
SHORTEST: Final = timedelta(seconds=1)
SHOWN_EVERY: Final = 0.1
SHORT_SKIP: Final = timedelta(days=2)
SHORT_SECONDS: Final = 4.0
LONG_SECONDS: Final = 16.0
MOST_STOPS: Final = 120
"""Regular stops are never closer than the skip's length by this, however quick they are."""
LAST_STOPS: Final = 10
"""How many stops are left for the rest of the way when patience is over."""


class TimeMachine:
    """Moves the sandbox's clock.

    `patience` is how long a skip may take in real time, in seconds; chosen by its length when None.
    """

    def __init__(self, clock: MovableClock, patience: float | None = None) -> None:
        self._clock = clock
        self._patience = patience
        self._walk: _Walk | None = None
        self._lock = asyncio.Lock()

    def connect(
        self, beat: Beat, look: Look, shown: Callable[[], None], stop: asyncio.Event
    ) -> None:
        """From now on `beat` does what is due, all of it, and `look` tells what comes next.

        `shown` is called, not too often, while the clock moves. `stop` ends a skip on its way.
        """
        self._walk = _Walk(self._clock, beat, look, shown, stop)

    async def skip(self, seconds: float) -> None:
        """Move the clock on; raises Impossible while another skip is under way."""
        if self._lock.locked():
            raise Impossible("The clock is being moved already; wait until it stands still.")
        async with self._lock:
            by = timedelta(seconds=seconds)
            if self._walk is None:
                self._clock.skip(by)
                return
            usual = SHORT_SECONDS if by <= SHORT_SKIP else LONG_SECONDS
            await self._walk.to(self._clock.now() + by, self._patience or usual)


class _Walk:
    """The way of a skip, from stop to stop."""

    def __init__(
        self,
        clock: MovableClock,
        beat: Beat,
        look: Look,
        shown: Callable[[], None],
        stop: asyncio.Event,
    ) -> None:
        self._clock = clock
        self._beat = beat
        self._look = look
        self._shown = shown
        self._stop = stop
        self._shown_at = 0.0

    async def to(self, target: datetime, patience: float) -> None:
        """Stop wherever something is due until the clock shows `target`, and do it there."""
        started, stops = time.monotonic(), 0
        finest = (target - self._clock.now()) / MOST_STOPS
        hurry: timedelta | None = None
        while True:
            due = await self._rest()
            now = self._clock.now()
            if now >= target or self._stop.is_set():
                return
            stops += 1
            spent = time.monotonic() - started
            left = target - now
            if spent >= patience:
                hurry = hurry or left / LAST_STOPS
            stride = hurry or left / max((patience - spent) / max(spent, 1e-6) * stops, 1.0)
            stop = _next(due, now, hurry or SHORTEST, max(stride, finest))
            self._clock.skip(min(stop, target) - now)
            self._show()

    async def _rest(self) -> Due:
        """Do what is due here, and what follows from it at once; answers what comes next."""
        due = Due()
        for _ in range(ROUNDS):
            await self._beat()
            if self._stop.is_set():
                break
            due = await self._look()
            times = [at for at in (due.prompt, due.regular) if at is not None]
            if not times or min(times) > self._clock.now():
                break
        return due

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._shown_at >= SHOWN_EVERY:
            self._shown_at = now
            self._shown()


def _next(due: Due, now: datetime, shortest: timedelta, stride: timedelta) -> datetime:
    """The next stop after `now`: a prompt thing at its time, a regular one no sooner than asked."""
    times = []
    if due.prompt is not None:
        times.append(max(due.prompt, now + shortest))
    if due.regular is not None:
        times.append(max(due.regular, now + stride))
    return min(times, default=datetime.max.replace(tzinfo=now.tzinfo))
