"""The history of one registry at a glance, next to its last checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.core.access import Actor
from bot.core.check import Verdict
from bot.core.day_counts import DAY, DayCounts, last_days
from bot.core.registry import CheckView
from bot.core.strip import SPANS, Tally, share, tally
from bot.store import checks, day_counts, looking_back
from bot.usecases.deps import Deps
from bot.usecases.registries import find

DAYS: Final = 30
HOURS: Final = 24
_MOST: Final = 5_000  # of a day: one check every 17 s


@dataclass(frozen=True, slots=True)
class LookBack:
    """The last checks, newest first; tallies of 24 hours and 30 days; shares by span, 0 to 1."""

    checks: tuple[CheckView, ...]
    hours: tuple[Tally, ...]
    days: tuple[Tally, ...]
    shares: tuple[tuple[timedelta, float | None], ...]


async def look_back(deps: Deps, actor: Actor, name: str, limit: int = 20) -> LookBack:
    """What the checks of a registry found over a day, a week and a month. Raises NotFound."""
    now = deps.clock.now()
    begin = _hour(now) - timedelta(hours=HOURS - 1)
    days = last_days(now, DAYS)
    async with deps.store.reading() as session:
        registry = (await find(session, actor, name)).registry
        latest = await checks.latest(session, registry.id, limit)
        recent = await looking_back.answers_since(session, registry.id, begin, _MOST)
        counts = await day_counts.of_registry(session, registry.id, days[0])
    known = set(Verdict)
    answers = [(at, Verdict(verdict)) for at, verdict in recent if verdict in known]
    hours = tally(answers, begin, timedelta(hours=1), HOURS)
    month = tuple(counts.get(day, DayCounts()).tally(day) for day in days)
    day, *longer = SPANS
    shares = [(day, share(hours, now, day))]
    shares += [(span, share(month[-(span // DAY) :], now, DAY * DAYS)) for span in longer]
    return LookBack(tuple(latest), hours, month, tuple(shares))


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
