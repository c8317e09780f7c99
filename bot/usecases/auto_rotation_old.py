"""The steps once the new credential is in force: the old one is ended, or put back."""

from __future__ import annotations

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import auto_rotation, rotation
from bot.core.auto_rotation import Run
from bot.kinds.rotation.gateway import Rotators
from bot.store import rotations
from bot.store.schema import RotationRow
from bot.usecases.auto_rotation_turn import After, Turn, in_force, revoking
from bot.usecases.deps import Deps
from bot.usecases.rotation_switch import put_back, settle


async def after_grace(_deps: Deps, _rotators: Rotators, _turn: Turn) -> After:
    return After(auto_rotation.grace_over)


async def disable(_deps: Deps, rotators: Rotators, turn: Turn) -> After:
    handle, provider = turn.run.old_handle, turn.provider
    await rotators.run(in_force(turn), turn.access, lambda errand: provider.disable(errand, handle))
    grace = rotations.state_of(turn.row).grace
    return After(lambda run, now: auto_rotation.disabled(run, now, grace))


async def after_stop(_deps: Deps, _rotators: Rotators, _turn: Turn) -> After:
    return After(auto_rotation.stopped_long_enough)


async def go_back(_deps: Deps, rotators: Rotators, turn: Turn) -> After:
    """Start the old one again, if it was stopped, and put it in force."""
    handle, provider = turn.run.old_handle, turn.provider
    if turn.run.reversible and handle:
        config = in_force(turn)
        await rotators.run(config, turn.access, lambda errand: provider.enable(errand, handle))

    async def switch(session: AsyncSession, row: RotationRow, run: Run, now: datetime) -> Run:
        by = turn.row.opened_by
        of = []
        for member in await rotations.members(session, row.id):
            registry = await put_back(session, row, member, now, by)
            of += [registry] if registry is not None else []
        step = rotation.went_back(rotations.state_of(row), now, by)
        await settle(session, row, step, of, now)
        return run

    return After(auto_rotation.went_back, work=switch)


async def revoke(_deps: Deps, rotators: Rotators, turn: Turn) -> After:
    handle = turn.run.old_handle
    if not handle:
        return After(auto_rotation.revoked, detail="left to a person")
    await rotators.run(in_force(turn), turn.access, revoking(turn.provider, handle))
    return After(auto_rotation.revoked, detail=f"ended: {handle}")


async def clean(_deps: Deps, rotators: Rotators, turn: Turn) -> After:
    """End what never worked, or what somebody went back from."""
    handle = turn.run.new_handle
    await rotators.run(turn.old, turn.access, revoking(turn.provider, handle))
    return After(auto_rotation.cleaned, detail=f"ended: {handle}")
