"""How long to wait before asking again: ladders of waits, and `Retry-After` in all its forms."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

FARTHEST: Final = timedelta(hours=24)
"""No answer of a registry silences its checks for longer than this."""

CONFIRM: Final = timedelta(seconds=60)
DOUBTFUL: Final = (timedelta(seconds=60), timedelta(minutes=2), timedelta(minutes=5))
SLOW: Final = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
MISSED: Final = (20, 20, 20, 60, 60, 120)  # seconds; the last one repeats
LIMITED_FIRST: Final = timedelta(seconds=30)
LIMITED_MOST: Final = timedelta(hours=1)
OUTAGE: Final = timedelta(minutes=5)
LONG_OUTAGE: Final = timedelta(minutes=15)


def slow_retry(rung: int) -> timedelta:
    """The wait after the `rung`th (from 0) refusal of a condemned secret: 1 h, 6 h, then 24 h."""
    return SLOW[min(rung, len(SLOW) - 1)]


def after_miss(misses: int) -> timedelta:
    """The wait after the `misses`th (from 1) time in a row that nothing answered."""
    return timedelta(seconds=MISSED[min(misses, len(MISSED)) - 1])


def during_outage(lasted: timedelta) -> timedelta:
    """The wait between checks of a registry known to be away: often at first, to see it return."""
    return OUTAGE if lasted < timedelta(hours=1) else LONG_OUTAGE


def after_limit(times: int, retry_at: datetime | None, now: datetime) -> timedelta:
    """The wait after the `times`th (from 1) "too often" in a row.

    What the registry asked for is obeyed up to a day; without a word from it the wait doubles from
    30 s to an hour.
    """
    if retry_at is not None:
        return min(max(retry_at - now, timedelta(seconds=5)), FARTHEST)
    return min(LIMITED_FIRST * (1 << min(times - 1, 10)), LIMITED_MOST)


def parse_retry_after(text: str, now: datetime) -> datetime | None:
    """The moment a `Retry-After` asks for, never before `now` nor later than a day from it.

    Seconds (also with a fraction) and all three date forms of HTTP are understood; None when the
    text is neither. Source: RFC 9110, sections 5.6.7 and 10.2.3.
    """
    text = text.strip()
    try:
        seconds = float(text)
    except ValueError:
        wanted = _http_date(text)
    else:
        if not math.isfinite(seconds):
            return None
        wanted = now + timedelta(seconds=min(seconds, FARTHEST.total_seconds()))
    return None if wanted is None else min(max(wanted, now), now + FARTHEST)


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
