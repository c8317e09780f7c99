"""Times that lie farther ahead than any rule puts them: the clock ran ahead, and was put back.

A row is its own schedule, so a row that was planned by a wrong clock would sleep until that time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.plain import run, sql

HOUR: Final = timedelta(hours=1)  # leases, and what Slack asks to wait, are shorter or as long
DAY: Final = timedelta(hours=25)  # the slow ladder, a parked row and `Retry-After` take a day
WEEK: Final = timedelta(days=7, hours=1)  # the longest interval of checks

# The bounds are longer than what they stand for, so that nothing is cut off by seconds.
_CHECKS: Final = """
    UPDATE registry SET next_check_at = :now, lease_until = NULL
    WHERE state = 'live' AND next_check_at > :day AND (
        next_check_at > :week OR 1440 >= coalesce(recheck_minutes, (
            SELECT w.recheck_minutes FROM workspace w WHERE w.team_id = registry.team_id
        ))
    )
"""
_LEASES: Final = """
    UPDATE registry SET lease_until = NULL
    WHERE state = 'live' AND next_check_at <= :now AND lease_until > :hour
"""
_LETTERS: Final = """
    UPDATE outbox SET not_before = :now, lease_until = NULL
    WHERE state = 'waiting' AND (not_before > :later OR lease_until > :hour)
"""
_ACCOUNTS: Final = "UPDATE account SET busy_until = NULL WHERE busy_until > :hour"
_CHANNELS: Final = "UPDATE channel_state SET next_tick_at = :now WHERE next_tick_at > :hour"
_TOO_FAR: Final = (_CHECKS, _LEASES, _LETTERS, _ACCOUNTS, _CHANNELS)
_PLANNED: Final = "UPDATE reminder SET next_at = :now WHERE next_at > :now"


async def bring_back(session: AsyncSession, now: datetime) -> int:
    """Make due what is surely too far ahead; answers how many rows."""
    bounds = {
        "now": now, "hour": now + HOUR, "later": now + 2 * HOUR, "day": now + DAY,
        "week": now + WEEK,
    }  # fmt: skip
    moved = 0
    for words in _TOO_FAR:
        used = {name: at for name, at in bounds.items() if f":{name}" in words}
        moved += (await run(session, sql(session, words), **used)).rowcount
    return moved


async def plan_anew(session: AsyncSession, now: datetime) -> int:
    """Have every reminder planned again; a time of theirs may well be a year ahead."""
    return int((await run(session, sql(session, _PLANNED), now=now)).rowcount)
