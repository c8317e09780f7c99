"""Watch: what is due is claimed, checked within bounds, and written down in batches.

`tick` is called every second by every worker. It starts what is due and writes down what is done;
a check that takes long holds up nothing else, it is written down by a later tick.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from bot.core.check import Verdict
from bot.errors import StoreError
from bot.store import claims
from bot.store.claims import Batch, Claimed
from bot.usecases.connection import Connection, Probe
from bot.usecases.deps import Deps
from bot.usecases.references import follow_claimed
from bot.usecases.retest import Finished, Group, Outcome, Retester, let_go
from bot.usecases.settling import settle

log = structlog.get_logger(__name__)

PATIENCE: Final = 0.8  # seconds that a tick waits for checks, so that the next beat finds it ready
GATHER: Final = 0.2  # seconds in which answers are gathered to be written together


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once: checks in all and per host, rows per claim, and for how long a claim holds.

    `waiting` bounds claimed registries that have not begun, per host `waiting_per_host`: what is
    claimed must end before its lease does, also at a host that lets every check run into its limit.
    What has not begun after `begin_within` is let go for the next claim: a check may wait 15 s for
    its host and take 10 s.
    """

    in_all: int = 200
    per_host: int = 4
    batch: int = 500
    waiting: int = 1000
    waiting_per_host: int = 16
    lease: timedelta = timedelta(seconds=60)
    begin_within: timedelta = timedelta(seconds=35)


@dataclass(frozen=True, slots=True)
class Observed:
    """One scheduled check that was written down; `late` and `took` are in seconds."""

    kind: str
    verdict: Verdict
    took: float
    late: float


Observer = Callable[[Observed], None]


class Watch:
    """The retests of one process."""

    def __init__(
        self,
        deps: Deps,
        limits: Limits | None = None,
        *,
        probe: Probe | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._deps = deps
        self._limits = limits or Limits()
        self._observer = observer
        self._skew = timedelta()
        self.connection = Connection(deps, probe)
        self._retester = Retester(
            deps.checker,
            deps.store.keyring,
            self._now,
            self.connection.hear,
            partial(follow_claimed, deps),
        )
        self._slots = asyncio.Semaphore(self._limits.in_all)
        self._queues: dict[str, deque[Group]] = {}
        self._runners: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_host: Counter[str] = Counter()
        self._held: dict[str, datetime | None] = {}
        self._finished: list[Finished] = []
        self._pending = 0
        self._changed = asyncio.Event()

    @property
    def busy(self) -> int:
        """Registries that are claimed and not yet written down."""
        return len(self._held)

    async def tick(self) -> int:
        """Check what is due; answers how many registries were written down. Raises StoreError."""
        until = time.monotonic() + PATIENCE
        written = 0
        await self.connection.tick(self._now())
        while True:
            more = await self._claim()
            await self._gather(until)
            written += await self._settle()
            if time.monotonic() >= until or not (more or self._held):
                return written

    async def drain(self) -> None:
        """Let running checks end and write them down; what has not begun is let go."""
        for queue in self._queues.values():
            while queue:
                group = queue.popleft()
                self._finish(Finished(tuple(map(let_go, group.rows)), (), group.held))
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._settle()
        await self.connection.close()

    def _now(self) -> datetime:
        return self._deps.clock.now() + self._skew

    async def _claim(self) -> bool:
        """Take what is due and there is room for; True when there is more."""
        limits = self._limits
        room = min(limits.batch, limits.waiting - len(self._held))
        if room <= 0:
            return False
        busy = [host for host, n in self._at_host.items() if n >= limits.waiting_per_host]
        store = self._deps.store
        async with store.transaction() as session:
            now = await store.now(session)
            self._skew = now - self._deps.clock.now()
            batch = await claims.claim(
                session,
                now,
                now + limits.lease,
                room,
                passed_over=self._held,
                busy_hosts=busy,
                per_host=limits.waiting_per_host,
            )
        self._start(batch, now + limits.begin_within)
        return batch.full

    def _start(self, batch: Batch, begin_by: datetime) -> None:
        for group in _groups(batch, begin_by):
            host = group.host
            for row in group.rows:
                self._held[row.id] = row.due_at
            self._at_host[host] += len(group.rows)
            self._pending += 1
            self._queues.setdefault(host, deque()).append(group)
            if self._runners[host] < self._limits.per_host:
                self._runners[host] += 1
                task = asyncio.create_task(self._serve(host))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _serve(self, host: str) -> None:
        """One of a host's runners: group after group, until none waits."""
        queue = self._queues[host]
        try:
            while queue:
                group = queue.popleft()
                async with self._slots:
                    finished = await self._retester.run(group)
                self._finish(finished)
        finally:
            self._runners[host] -= 1
            if not self._runners[host]:
                del self._runners[host]
                if not queue:
                    self._queues.pop(host, None)

    def _finish(self, finished: Finished) -> None:
        self._finished.append(finished)
        self._pending -= 1
        self._changed.set()

    async def _gather(self, until: float) -> None:
        """Wait for answers: until all are there, or some for a moment, or patience is over."""
        end = until
        while self._pending and len(self._finished) < self._limits.batch:
            self._changed.clear()
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    await self._changed.wait()
            except TimeoutError:
                return
            end = min(end, time.monotonic() + GATHER)

    async def _settle(self) -> int:
        """Write down what is finished; it is kept for the next tick when the database is away."""
        finished, self._finished = self._finished, []
        if not finished:
            return 0
        try:
            kept = await settle(self._deps, finished)
        except StoreError:
            self._finished = finished + self._finished
            raise
        except Exception:  # one of them is poison; it is logged, and the others are written
            log.exception("answers cannot be written together", answers=len(finished))
            kept = await self._settle_alone(finished)
        for some in finished:
            for outcome in some.outcomes:
                self._forget(outcome.row)
        self._observe(kept)
        return len(kept)

    async def _settle_alone(self, finished: Sequence[Finished]) -> list[Outcome]:
        """Write answers one by one; what cannot be written comes again when its claim ends."""
        kept: list[Outcome] = []
        for some in finished:
            try:
                kept += await settle(self._deps, [some])
            except Exception:  # the claim stays counted, so that it is parked in the end
                log.exception("answer cannot be written", registry=some.outcomes[0].row.id)
        return kept

    def _forget(self, row: Claimed) -> None:
        self._held.pop(row.id, None)
        self._at_host[row.host] -= 1
        if self._at_host[row.host] <= 0:
            del self._at_host[row.host]

    def _observe(self, kept: Sequence[Outcome]) -> None:
        if self._observer is None:
            return
        for outcome in kept:
            result, due = outcome.result, outcome.row.due_at
            if result is not None and due is not None:
                late = max((result.at + self._skew - due).total_seconds(), 0.0)
                self._observer(Observed(outcome.row.kind, result.verdict, result.took, late))


def _groups(batch: Batch, begin_by: datetime) -> list[Group]:
    """Registries of one shared account together, everybody else alone."""
    held = {one.account: one for one in batch.accounts}
    shared: dict[tuple[str, str, str], list[Claimed]] = {}
    groups = []
    for row in batch.rows:
        if row.account in held and row.login:
            shared.setdefault(row.account, []).append(row)
        else:
            groups.append(Group((row,), begin_by=begin_by))
    together = [Group(tuple(rows), held[account], begin_by) for account, rows in shared.items()]
    return groups + together
