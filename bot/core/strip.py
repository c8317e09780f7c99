"""The history of a registry at a glance: shares of good checks, and one sign per span of time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.core.check import Verdict

SPANS: Final = (timedelta(hours=24), timedelta(days=7), timedelta(days=30))
NOTHING: Final = "·"
_SIGNS: Final = ((1.0, "▇"), (0.9, "▅"), (0.5, "▃"), (0.0, "▂"))


@dataclass(frozen=True, slots=True)
class Tally:
    """The checks that fell into a span of time (an hour or a day) that began at `start`.

    `unjudged` are those that say nothing of the registry (asked too often, no secret to ask with):
    they count in no share.
    """

    start: datetime
    good: int = 0
    failed: int = 0
    unjudged: int = 0

    @property
    def share(self) -> float | None:
        """Good checks out of those that judged, 0 to 1; None when there were none."""
        judged = self.good + self.failed
        return self.good / judged if judged else None


def tally(
    checks: Iterable[tuple[datetime, Verdict]], start: datetime, span: timedelta, count: int
) -> tuple[Tally, ...]:
    """`count` tallies of `span` each, the first from `start`; checks outside are left out."""
    good, failed, unjudged = [0] * count, [0] * count, [0] * count
    for at, verdict in checks:
        place = (at - start) // span
        if not 0 <= place < count:
            continue
        if verdict in {Verdict.PROVEN, Verdict.UNPROVEN}:
            good[place] += 1
        elif verdict in {Verdict.LIMITED, Verdict.UNRESOLVED}:
            unjudged[place] += 1
        else:
            failed[place] += 1
    return tuple(
        Tally(start + place * span, good[place], failed[place], unjudged[place])
        for place in range(count)
    )


def share(tallies: Iterable[Tally], now: datetime, span: timedelta) -> float | None:
    """The share of good checks in the last `span`, 0 to 1; None when nothing was judged."""
    recent = [t for t in tallies if now - span <= t.start <= now]
    return Tally(now, sum(t.good for t in recent), sum(t.failed for t in recent)).share


def percent(share: float | None) -> str:
    """`100 %`, `99.9 %`, or `no checks`; rounded down, so that 100 % means every single one."""
    if share is None:
        return "no checks"
    tenths = math.floor(share * 1000 + 1e-9)
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths / 10:.1f} %"


def strip(tallies: Sequence[Tally]) -> str:
    """One sign per tally, oldest first: high is all good, low mostly failed, `·` not checked."""
    return "".join(_sign(tally.share) for tally in tallies)


def _sign(share: float | None) -> str:
    if share is None:
        return NOTHING
    return next(sign for least, sign in _SIGNS if share >= least)
