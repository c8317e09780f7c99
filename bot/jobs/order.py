"""Whether everything is in order: for `/readyz`, and for the heartbeat."""

from __future__ import annotations

from bot.errors import StoreError
from bot.jobs.metronome import Metronome
from bot.usecases.deps import Deps
from bot.usecases.gauges import outbox_moves


async def parts_in_order(deps: Deps, metronome: Metronome | None) -> dict[str, bool]:
    """By part: the database answers, every task beats, letters go out.

    `metronome` is None in a process that only listens: what others neglect is not its fault.
    """
    if not await deps.store.is_up():
        return {"database": False}
    if metronome is None:
        return {"database": True}
    try:
        moves = await outbox_moves(deps)
    except StoreError:
        return {"database": False}
    return {"database": True, "metronome": not metronome.stuck(), "outbox": moves}
