"""Whose turn it is: bounded in all, per host and per account, so that no shared host sees a burst.

A turn waits for its account, then for its host, and takes one of the places in all only when it
can begin, so that a slow host keeps nobody else from theirs. Hosts are served first come, first
served. One Pacer per process; what others ask of the same host is not known here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.core.backoff import FARTHEST, LIMITED_MOST, after_limit
from bot.core.check import CheckResult, Verdict
from bot.core.clock import Clock
from bot.core.lockout import failed_sign_in
from bot.kinds.budgets import STANDARD, Budget, Budgets

SOON: Final = timedelta(seconds=1)
"""What a host with no free place is guessed to need until it has one."""
LONGEST_OUTAGE: Final = timedelta(minutes=5)
"""A host that fails may ask for so much patience: its outage has to be noticed all the same."""
_MANY: Final = 1000
_LOOK_AGAIN: Final = 1.0  # seconds; the clock may be moved while somebody waits

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Checks that may run at once: in all, per host, and per account of a host.

    A turn waits for a closed host up to `patience`.
    """

    total: int = 200
    per_host: int = 4
    per_account: int = 1
    patience: timedelta = timedelta(seconds=15)
    budgets: Budgets = STANDARD


class Closed(Exception):
    """A host is left alone until `until`: it asked for that, or too many sign-ins failed there."""

    def __init__(self, until: datetime, *, by_failures: bool) -> None:
        self.until = until
        self.by_failures = by_failures
        super().__init__(f"closed until {until:%H:%M:%S} UTC")


@dataclass(slots=True)
class _Host:
    """One host. `due` is when the next check would begin if they came evenly, without a burst."""

    budget: Budget
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)
    running: int = 0
    waiting: int = 0
    due: datetime | None = None
    closed_until: datetime | None = None
    limits_in_a_row: int = 0
    failures: deque[datetime] = field(default_factory=deque)
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    def opens_at(self, now: datetime) -> datetime:
        """When the pace, `Retry-After` and the failures before let a check begin."""
        opens = now
        if self.due is not None:
            spare = self.budget.gap * (self.budget.burst - 1)
            # Farther ahead only when the clock was put back, or after people who did not wait.
            self.due = min(self.due, now + spare + self.budget.gap)
            opens = max(opens, self.due - spare)
        if self.closed_until is not None:
            self.closed_until = min(self.closed_until, now + FARTHEST)
            opens = max(opens, self.closed_until)
        return max(opens, self._forgiven_at(now))

    def begin(self, now: datetime) -> None:
        self.running += 1
        self.due = (now if self.due is None else max(self.due, now)) + self.budget.gap

    def at_rest(self, now: datetime) -> bool:
        """Whether nothing of it is worth keeping."""
        if self.running or self.waiting or self.opens_at(now) > now or self.failures:
            return False
        last = [at for at in (self.due, self.closed_until) if at is not None]
        return not last or max(last) + (LIMITED_MOST if self.limits_in_a_row else SOON) < now

    def closed(self, now: datetime) -> Closed | None:
        """Why it is not to be asked for now, apart from its pace; None: nothing forbids it."""
        if self.closed_until is not None and self.closed_until > now:
            return Closed(self.closed_until, by_failures=False)
        forgiven = self._forgiven_at(now)
        return Closed(forgiven, by_failures=True) if forgiven > now else None

    def _forgiven_at(self, now: datetime) -> datetime:
        bound, window = self.budget.failures, self.budget.window
        while self.failures and not now - window < self.failures[0] <= now:
            self.failures.popleft()
        if not bound or len(self.failures) < bound:
            return now
        return self.failures[len(self.failures) - bound] + window


class Pacer:
    """Gives turns to checks. Belongs to one event loop."""

    def __init__(self, limits: Limits, clock: Clock, *, sleep: Sleep = asyncio.sleep) -> None:
        self.limits = limits
        self._clock = clock
        self._sleep = sleep
        self._places = asyncio.Semaphore(limits.total)
        self._hosts: dict[str, _Host] = {}
        self._accounts: dict[Hashable, _Queue] = {}
        self._tidy_at = _MANY

    @asynccontextmanager
    async def turn(
        self, host: str, account: str = "", kind: str = "", *, by_person: bool = False
    ) -> AsyncIterator[None]:
        """Wait for a turn at `host`, and keep it until the end of the block.

        Checks with the same `account` of a host wait for each other; an empty one is nobody's. A
        person waits for a place at the host, but not for its pace nor for others' failures. Raises
        Closed when the host is to be left alone for longer than a turn may wait.
        """
        async with self._account(host, account):
            state = self._host(host, kind)
            await (self._slip_in(state) if by_person else self._enter(state))
            try:
                async with self._places:
                    yield
            finally:
                state.running -= 1
                state.freed.set()
                self._tidy()

    def free_at(self, host: str) -> datetime | None:
        """When the next turn at `host` could begin; None: at once."""
        state, now = self._hosts.get(host), self._clock.now()
        if state is None:
            return None
        opens = state.opens_at(now) + state.waiting * state.budget.gap
        if state.running + state.waiting >= self.limits.per_host:
            opens = max(opens, now + SOON)
        return opens if opens > now else None

    def limited(self, host: str, until: datetime | None = None, kind: str = "") -> None:
        """`host` said that it is asked too often: nobody asks before `until`.

        Without a word on how long, the wait doubles from half a minute to an hour.
        """
        state, now = self._host(host, kind), self._clock.now()
        if state.closed_until is None or state.closed_until <= now:
            state.limits_in_a_row += 1  # the others were under way when it closed
        at = now + after_limit(state.limits_in_a_row, until, now)
        state.closed_until = at if state.closed_until is None else max(at, state.closed_until)

    def heard(self, host: str, result: CheckResult, kind: str = "") -> None:
        """Learn from an answer of `host`: limits, failed sign-ins, or that all is well again."""
        if result.verdict is Verdict.LIMITED:
            self.limited(host, result.retry_at, kind)
            return
        state, now = self._host(host, kind), self._clock.now()
        if result.verdict is Verdict.UNREACHABLE and result.retry_at is not None:
            state.closed_until = min(result.retry_at, now + LONGEST_OUTAGE)
            return
        state.limits_in_a_row = 0
        if failed_sign_in(result):
            state.failures.append(now)

    def _host(self, host: str, kind: str) -> _Host:
        state = self._hosts.get(host)
        if state is None:
            state = self._hosts[host] = _Host(self.limits.budgets.of(host, kind))
        return state

    async def _enter(self, state: _Host) -> None:
        """Wait at the gate, in order of arrival, until this host may be asked once more."""
        state.waiting += 1
        try:
            async with state.gate:
                while True:
                    now = self._clock.now()
                    if (closed := state.closed(now)) and closed.until > now + self.limits.patience:
                        raise closed
                    wait = (state.opens_at(now) - now).total_seconds()
                    if wait > 0:
                        await self._sleep(min(wait, _LOOK_AGAIN))
                    elif state.running >= self.limits.per_host:
                        state.freed.clear()
                        await state.freed.wait()
                    else:
                        state.begin(now)
                        return
        finally:
            state.waiting -= 1

    async def _slip_in(self, state: _Host) -> None:
        """Take the next place at the host, past those who wait for its pace."""
        while state.running >= self.limits.per_host:
            state.freed.clear()
            await state.freed.wait()
        now = self._clock.now()
        if (closed := state.closed(now)) and not closed.by_failures:
            raise closed
        state.begin(now)

    @asynccontextmanager
    async def _account(self, host: str, account: str) -> AsyncIterator[None]:
        if not account:
            yield
            return
        key = (host, account)
        queue = self._accounts.get(key)
        if queue is None:
            queue = self._accounts[key] = _Queue(asyncio.Semaphore(self.limits.per_account))
        queue.members += 1
        try:
            async with queue.places:
                yield
        finally:
            queue.members -= 1
            if not queue.members:
                del self._accounts[key]

    def _tidy(self) -> None:
        """Forget hosts that are at rest: over the years there may be many."""
        if len(self._hosts) < self._tidy_at:
            return
        now = self._clock.now()
        self._hosts = {name: one for name, one in self._hosts.items() if not one.at_rest(now)}
        self._tidy_at = max(_MANY, 2 * len(self._hosts))


@dataclass(slots=True)
class _Queue:
    """Those who sign in to one account."""

    places: asyncio.Semaphore
    members: int = 0
