"""What a rotation says: one message through its life, and one line below it for each step.

Letters hold ids; the words are made from the rotation as it is when they are sent.

what             op      subject       values
rotation         post    rotation:ID   rotation
rotation         edit    rotation:ID   rotation
rotation_entry   thread  rotation:ID   rotation, entry, at, by, why
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.rotation import Entry, Rotation
from bot.core.timestamp import written
from bot.store import outbox
from bot.store.outbox import EDIT, POST, THREAD, Letter
from bot.store.schema import Registry, RotationRow
from bot.usecases.saying import hearer_of

FIRST: Final = frozenset({Entry.ASKED, Entry.PLANNED, Entry.SWITCHED, Entry.FAILED, Entry.LOST})


async def say(
    session: AsyncSession,
    row: RotationRow,
    state: Rotation,
    entries: Sequence[Entry],
    registries: Sequence[Registry],
    now: datetime,
) -> None:
    """Put into the outbox what is to be said; without a message yet, it is posted first."""
    for entry in entries:
        if row.channel:
            await redraw(session, row, now)
        else:
            row.channel = (await hearer_of(session, row.team_id, registries)).channel
            session.add(row)
            await outbox.put(session, _letter(row, POST, "post"), now)
            if entry in FIRST:  # the message itself says it
                continue
        values = {
            "entry": str(entry),
            "at": written(now) or "",
            "by": state.by,
            "why": state.why,
        }
        await outbox.put(session, _letter(row, THREAD, f"{row.version}:{entry}", values), now)


async def redraw(session: AsyncSession, row: RotationRow, now: datetime) -> None:
    """Have the message show what is so now."""
    await outbox.put(session, _letter(row, EDIT, uuid4().hex), now)


def _letter(row: RotationRow, op: str, key: str, more: dict[str, str] | None = None) -> Letter:
    return Letter(
        team_id=row.team_id,
        delivery_key=f"rotation:{row.id}:{op}:{key}",
        channel=row.channel,
        what="rotation_entry" if op == THREAD else "rotation",
        values={"rotation": row.id, **(more or {})},
        op=op,
        subject=f"rotation:{row.id}",
    )
