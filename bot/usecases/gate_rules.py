"""The rules of all clusters in memory, so that admission waits for no database.

Each listening process has them, and asks the database every second whether they changed. Whatever
changes them is noted in the audit trail by the same transaction, so the end of the trail tells,
and whose rules they are. While the database is away the rules stay as they were; exemptions lapse
all the same.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.gate import Gate
from bot.store import audit, clusters
from bot.usecases import gate
from bot.usecases.deps import Deps

EVERY: Final = 1.0  # seconds
_DEEDS: Final = 50
_ALL_ANEW: Final = 300.0  # seconds after which everything is read again, whatever the trail says


class GateRules:
    """What each cluster is judged by; empty until the first `refresh`."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._gates: dict[str, Gate] = {}
        self._deeds: frozenset[int] = frozenset()
        self._ahead = timedelta()
        self._all_at = self._asked_at = -_ALL_ANEW

    def of(self, cluster_id: str) -> Gate | None:
        """The gate of a cluster; None when there is none, or no longer."""
        return self._gates.get(cluster_id)

    def now(self) -> datetime:
        """The time of the database, by our clock, so that exemptions lapse everywhere at once."""
        return self._deps.clock.now() + self._ahead

    def age(self) -> float:
        """Seconds since the database said that these rules hold, by the machine's own time."""
        return time.monotonic() - self._asked_at

    async def refresh(self) -> None:
        """Read what changed since the last time; StoreError leaves everything as it was."""
        asked_at = time.monotonic()
        async with self._deps.store.reading() as session:
            now = await self._deps.store.now(session)
            deeds = await audit.latest(session, _DEEDS)
            whose = {team for number, team in deeds if number not in self._deeds}
            # More than can be told one by one, or the first time, or a database that was restored.
            anew = len(deeds) == _DEEDS and not any(number in self._deeds for number, _ in deeds)
            if anew or asked_at - self._all_at >= _ALL_ANEW:
                whose = {*await clusters.teams(session), *self._teams()}
                self._all_at = asked_at
            gates = await _read(session, whose, now) if whose else {}
        kept = {key: one for key, one in self._gates.items() if one.cluster.team_id not in whose}
        self._gates = kept | gates
        self._deeds = frozenset(number for number, _ in deeds)
        self._ahead = now - self._deps.clock.now()
        self._asked_at = asked_at

    def _teams(self) -> set[str]:
        return {one.cluster.team_id for one in self._gates.values()}


async def _read(session: AsyncSession, teams: Collection[str], now: datetime) -> dict[str, Gate]:
    found: dict[str, Gate] = {}
    for team_id in teams:
        rows = await clusters.all_live(session, team_id)
        if rows:
            policy = await gate.load(session, team_id, now)
            found |= {row.id: Gate(clusters.view_of(row), policy) for row in rows}
    return found
