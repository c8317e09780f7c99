"""The clock was wrong and was put right: what was planned by the wrong one is made due again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.store import too_far
from bot.usecases.deps import Deps

log = structlog.get_logger(__name__)

AWRY: Final = timedelta(minutes=1)


class PutBack:
    """Looks after rows that a clock which ran ahead has sent to sleep.

    What is farther ahead than any rule allows is found by itself. A reminder may rightly be planned
    for next year, so reminders are looked at anew when the clock goes back under our eyes.
    """

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._latest: datetime | None = None

    async def tick(self) -> int:
        """Answers how many rows were made due. Safe to repeat, and in several processes."""
        async with self._deps.store.transaction() as session:
            now = await self._deps.store.now(session)
            moved = await too_far.bring_back(session, now)
            if self._latest is not None and now < self._latest - AWRY:
                moved += await too_far.plan_anew(session, now)
        self._latest = now
        if moved:
            log.warning("the clock ran ahead and was put back", rows=moved)
        return moved
