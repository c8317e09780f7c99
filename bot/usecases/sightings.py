"""Images that admission requests named, noted as uses a while later.

A reply waits for nothing of this. What waits is bounded, and so is what one cluster may add in an
hour: whoever learns its address can send requests. What does not fit is counted and forgotten.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from bot.core.cluster import ClusterView
from bot.store import uses
from bot.usecases.deps import Deps

EVERY: Final = 5.0  # seconds
AGAIN_AFTER: Final = timedelta(minutes=10)  # the same image at the same place
MOST: Final = 20_000
PER_HOUR: Final = 10_000
_BATCH: Final = 2_000
_HOUR: Final = timedelta(hours=1)

_Key = tuple[str, str, str, str]
"""The workspace, the cluster, the place and the image."""


class Sightings:
    """What was seen and is not yet written; `dropped` counts what never will be."""

    def __init__(self, deps: Deps, *, most: int = MOST, per_hour: int = PER_HOUR) -> None:
        self._deps = deps
        self._most = most
        self._per_hour = per_hour
        self._waiting: dict[_Key, None] = {}
        self._lately: OrderedDict[_Key, datetime] = OrderedDict()
        self._hour: Counter[str] = Counter()
        self._hour_began = deps.clock.now()
        self.dropped = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def note(self, cluster: ClusterView, place: str, images: Iterable[str]) -> None:
        """The object at `place` names these images, which are canonical."""
        now = self._deps.clock.now()
        if now - self._hour_began >= _HOUR:
            self._hour_began = now
            self._hour.clear()
        for image in images:
            key = (cluster.team_id, cluster.id, place, image)
            at = self._lately.get(key)
            if at is not None and now - at < AGAIN_AFTER:
                continue
            if len(self._waiting) >= self._most or self._hour[cluster.id] >= self._per_hour:
                self.dropped += 1
                continue
            self._hour[cluster.id] += 1
            self._waiting[key] = None
            self._remember(key, now)

    async def flush(self) -> None:
        """Write what waits, a part at a time; a StoreError leaves the rest waiting."""
        while self._waiting:
            batch = list(islice(self._waiting, _BATCH))
            by_cluster: dict[tuple[str, str], list[uses.Use]] = {}
            for team_id, cluster_id, place, image in batch:
                by_cluster.setdefault((team_id, cluster_id), []).append((place, image))
            async with self._deps.store.transaction() as session:
                now = await self._deps.store.now(session)
                for (team_id, cluster_id), pairs in sorted(by_cluster.items()):
                    await uses.seen(session, team_id, uses.SIGHTED, cluster_id, pairs, now)
            for key in batch:
                self._waiting.pop(key, None)

    def _remember(self, key: _Key, now: datetime) -> None:
        self._lately[key] = now
        self._lately.move_to_end(key)
        while len(self._lately) > self._most:
            self._lately.popitem(last=False)
