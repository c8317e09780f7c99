"""What the clock destroys: drafts after fifteen minutes, deleted secrets after seven days."""

from __future__ import annotations

from typing import Final

from bot.store import audit, credentials, drafts, registries
from bot.store.schema import DELETED, PURGED
from bot.usecases.deps import Deps
from bot.usecases.registries import RESTORABLE_FOR

BATCH: Final = 100


async def purge_deleted(deps: Deps) -> int:
    """Remove expired drafts and destroy the secrets of long deleted registries; answers how many.

    Safe to repeat and to be cut off; takes at most a batch of each, so that no lock is long.
    """
    now = deps.clock.now()
    async with deps.store.reading() as session:
        stale = await drafts.expired(session, now, BATCH)
        gone = await registries.deleted_before(session, now - RESTORABLE_FOR, BATCH)
    if not stale and not gone:
        return 0
    async with deps.store.transaction() as session:
        for draft in stale:
            await drafts.drop(session, draft)
        for row in gone:
            if not await registries.change(
                session, row.id, row.version, {"state": PURGED}, state=DELETED
            ):
                continue  # restored in the meantime
            await credentials.destroy_all(session, row.id, now)
            deed = audit.Deed(row.team_id, "", "registry_purged", row.id, row.name, row.version)
            await audit.note(session, deed, now)
    return len(stale) + len(gone)
