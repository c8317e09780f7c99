"""History in full for 30 days, then as daily counts; messages that were sent for 90 days."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from bot.core.day_counts import day_of
from bot.store import day_counts, pruning, uses
from bot.usecases.deps import Deps

CHECKS_FOR: Final = timedelta(days=30)
COUNTS_FOR: Final = timedelta(days=400)
LETTERS_FOR: Final = timedelta(days=90)
HOMES_FOR: Final = timedelta(days=1)
USES_FOR: Final = timedelta(days=90)  # of an image that nobody has told of since
BATCH: Final = 250  # rows a transaction: some milliseconds, which a check does not notice
MOST: Final = 20_000  # rows a run, so that one run never takes long


async def prune(deps: Deps) -> int:
    """Remove what is older than it is kept; answers how many rows.

    Safe to repeat, to be cut off, and to run in several processes. What is old is looked for
    without a lock, and between two transactions others have their turn.
    """
    now = deps.clock.now()
    gone = await _checks(deps, now - CHECKS_FOR)
    async with deps.store.reading() as session:
        letters = await pruning.old_letters(session, now - LETTERS_FOR, BATCH)
        days = await day_counts.older(session, day_of(now - COUNTS_FOR), BATCH)
        homes = await pruning.old_homes(session, now - HOMES_FOR, BATCH)
        images = await uses.old(session, now - USES_FOR, BATCH)
    if letters or days or homes or images:
        async with deps.store.transaction() as session:
            await pruning.forget_letters(session, letters)
            await day_counts.forget(session, days)
            await pruning.forget_homes(session, now - HOMES_FOR)
            await uses.forget(session, images)
    return gone + len(letters) + len(days) + homes + len(images)


async def _checks(deps: Deps, before: datetime) -> int:
    """Walk from the oldest number on; the first batch without an old one is the end."""
    reached, gone = 0, 0
    while gone < MOST:
        async with deps.store.reading() as session:
            found = await pruning.checks_after(session, reached, BATCH)
        old = [number for number, at in found if at < before and number is not None]
        if not old:
            return gone
        async with deps.store.transaction() as session:
            gone += await pruning.forget_checks(session, old[0], old[-1], before, BATCH)
        reached = old[-1]
        await asyncio.sleep(0)
    return gone
