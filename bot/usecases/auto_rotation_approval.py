"""What a second manager says of a rotation that waits for it."""

from __future__ import annotations

from dataclasses import replace

from bot.core import auto_rotation, rotation
from bot.core.access import Actor
from bot.core.auto_rotation import Step
from bot.errors import Conflict, InvalidInput, NotAllowed, NotFound
from bot.store import audit, registries, rotation_runs, rotations
from bot.usecases.deps import Deps
from bot.usecases.permission import require_manager
from bot.usecases.rotation_switch import settle


async def decide(
    deps: Deps, actor: Actor, rotation_id: str, *, yes: bool, reason: str = ""
) -> None:
    """A second manager approves a rotation that waits, or declines it with a reason.

    Raises NotAllowed, also for whoever wished for it; NotFound, Conflict, InvalidInput on `reason`.
    """
    await require_manager(deps, actor, "approve a rotation")
    if not yes and not reason.strip():
        raise InvalidInput({"reason": "Say why, for whoever wished for it."})
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = await rotations.locked(session, rotation_id)
        if row is None or row.team_id != actor.team_id:
            raise NotFound("There is no such rotation.")
        if not row.run_json or rotation_runs.run_of(row).step is not Step.APPROVE:
            raise Conflict("This is decided already.")
        if row.opened_by == actor.user_id:
            raise NotAllowed("Another manager than you has to approve this: it was your wish.")
        run, state = rotation_runs.run_of(row), rotations.state_of(row)
        lead = await registries.live_by_id(session, row.team_id, row.registry_id)
        of = [lead.registry] if lead else []
        if yes:
            await settle(session, row, rotation.approved(state, now, actor.user_id), of, now)
            await rotation_runs.put(session, row, auto_rotation.approved(run, now))
        else:
            why = f"Declined: {reason.strip()[:300]}"
            failed = rotation.failed(replace(state, by=actor.user_id), now, why)
            await settle(session, row, failed, of, now)
            await rotation_runs.put(session, row, auto_rotation.declined(run, now, why))
        action = "rotation_approved" if yes else "rotation_declined"
        deed = audit.Deed(
            row.team_id, actor.user_id, action, row.registry_id, of[0].name if of else ""
        )
        await audit.note(session, deed, now)
