"""How the bot itself is doing, of all workspaces together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.store import gauges
from bot.store.gauges import Queue
from bot.usecases.deps import Deps

STUCK_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Gauges:
    """Queues as of `at`; incidents by trouble; registries by kind and verdict, empty for none."""

    at: datetime
    letters: Queue
    buried: int
    checks: Queue
    incidents: Mapping[str, int]
    registries: Mapping[tuple[str, str], int]

    def age(self, queue: Queue) -> float:
        """For how many seconds the first of a queue has been due."""
        return max(0.0, (self.at - queue.oldest).total_seconds()) if queue.oldest else 0.0


async def read(deps: Deps) -> Gauges:
    """The gauges now, in one look at the database."""
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        return Gauges(
            at=now,
            letters=await gauges.letters(session, now),
            buried=await gauges.buried(session),
            checks=await gauges.checks(session, now),
            incidents=await gauges.open_incidents(session),
            registries=await gauges.states(session),
        )


async def outbox_moves(deps: Deps) -> bool:
    """Whether letters go out: False when one is due for ten minutes and nobody took it.

    A letter that Slack refuses is put off, and so is not due: one closed channel stops nothing.
    """
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        queue = await gauges.letters(session, now)
    return queue.oldest is None or now - queue.oldest < STUCK_AFTER
