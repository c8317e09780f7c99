"""How an automatic rotation ends: over, failed, lost, or with nobody left to rotate for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import rotation
from bot.core.auto_rotation import Run, Step
from bot.core.rotation import Phase
from bot.store import credentials, rotation_runs, rotations
from bot.store.rotation_runs import REFUSED
from bot.store.schema import DELETED, Registry, RotationRow
from bot.usecases.auto_rotation_turn import Turn
from bot.usecases.rotation_switch import settle

LATER: Final = timedelta(hours=1)
GONE: Final = "The registry was deleted, or its credential was changed by somebody, meanwhile."


async def over(session: AsyncSession, turn: Turn, row: RotationRow, now: datetime) -> None:
    """The old one is ended at the provider; from now on it is tried until it is seen dead."""
    state = rotations.state_of(row)
    if state.phase not in {Phase.GRACE, Phase.ENDING}:
        return
    known = now + timedelta(seconds=turn.run.settles)
    ending = replace(rotation.removed(state, now).rotation, next_at=known)
    await settle(session, row, rotation.Step(ending), (), now)


async def fail(
    session: AsyncSession, turn: Turn, row: RotationRow, run: Run, now: datetime
) -> None:
    """No new one: what was stored of it is destroyed, and people hear why."""
    if rotations.state_of(row).phase is Phase.PREPARING:
        await close(session, turn, row, run.why, now, lost=False)


async def without(session: AsyncSession, row: RotationRow, run: Run, now: datetime) -> None:
    """Its registry or its credential is gone: one that may be restored is waited for."""
    lead = await session.get(Registry, row.registry_id)
    if lead is not None and lead.state == DELETED and run.made_at is not None:
        row.lease_until = None
        later = replace(rotation_runs.run_of(row), next_at=now + LATER)
        await rotation_runs.put(session, row, later)
        return
    await _give_up(session, row, run, now)


async def _give_up(session: AsyncSession, row: RotationRow, run: Run, now: datetime) -> None:
    """Nobody is left to rotate for; what was made is listed by its label."""
    state = rotations.state_of(row)
    step = rotation.failed(state, now, GONE) if state.is_open else rotation.Step(state)
    await settle(session, row, step, (), now)
    await rotation_runs.note(session, row, run, REFUSED, now, GONE)
    await rotation_runs.put(session, row, replace(run, step=Step.FAILED, why=GONE, next_at=None))


async def close(
    session: AsyncSession, turn: Turn, row: RotationRow, why: str, now: datetime, *, lost: bool
) -> None:
    """Destroy what was stored of the new one, and say why there is none."""
    for member in await rotations.members(session, row.id):
        if member.new_credential_id:
            await credentials.destroy(session, member.new_credential_id, now)
    run = rotation_runs.run_of(row)
    if run.proposed:
        await credentials.destroy(session, run.proposed, now)
    of: list[Registry] = [turn.lead.registry]
    step = rotation.failed(rotations.state_of(row), now, why, lost=lost)
    await settle(session, row, step, of, now)
