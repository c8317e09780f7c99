"""Rotations as people see and change them, and what the clock does with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import rotation as life
from bot.core.access import Actor
from bot.core.check import CheckResult, Verdict
from bot.core.health import replaced
from bot.core.rotation import Act, Phase, Rotation, Step
from bot.errors import Conflict, NotFound
from bot.kinds.registry_kinds import KINDS
from bot.store import audit, credentials, registries, rotations
from bot.store.rotations import Entry
from bot.store.schema import CURRENT, PURGED, Registry, RotationMember, RotationRow
from bot.usecases import rotation_trial
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import stored_values
from bot.usecases.permission import require_manager
from bot.usecases.rotation_switch import put_in_force, settle
from bot.usecases.rotation_trial import Tried
from bot.usecases.stored_states import stored_health

LEASE: Final = timedelta(minutes=2)
BATCH: Final = 20
LATER: Final = timedelta(hours=1)
OVER: Final = "This rotation is over already."
UNKNOWN: Final = "There is no such rotation."


@dataclass(frozen=True, slots=True)
class RotationView:
    """A rotation for people. `others` are names of further registries that share the credential.

    `old_login` and `old_fingerprint` tell the old credential apart from the new one.
    """

    id: str
    team_id: str
    name: str
    others: tuple[str, ...]
    kind: str
    kind_label: str
    variant: str
    host: str
    owner: str
    state: Rotation
    old_login: str
    old_fingerprint: str
    new_fingerprint: str
    version: int


async def view(deps: Deps, team_id: str, rotation_id: str) -> RotationView:
    """A rotation of this workspace; NotFound."""
    async with deps.store.reading() as session:
        row = await rotations.find(session, team_id, rotation_id)
        if row is None:
            raise NotFound(UNKNOWN)
        return await _view(session, row)


async def open_of(deps: Deps, actor: Actor, name: str) -> tuple[RotationView, ...]:
    """Rotations of a registry that are not over, the latest first."""
    async with deps.store.reading() as session:
        stored = await registries.live(session, actor.team_id, name)
        if stored is None:
            return ()
        found = await rotations.open_of(session, stored.registry.id)
        return tuple([await _view(session, row) for row in found])


async def go_back(deps: Deps, actor: Actor, rotation_id: str) -> RotationView:
    """The old credential is in force again, and the new one is destroyed here. Managers only.

    Raises NotFound, or Conflict when it is over or the credential was changed since.
    """
    await require_manager(deps, actor, "go back to the old credential")
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = await _mine(session, actor, rotation_id)
        state = rotations.state_of(row)
        if state.phase not in {Phase.GRACE, Phase.ENDING}:
            raise Conflict(OVER)
        back = [
            registry
            for member in await rotations.members(session, row.id)
            if (registry := await _back(session, row, member, now, actor.user_id)) is not None
        ]
        if not back:
            raise Conflict("The credential was changed again since; there is no way back to it.")
        await settle(session, row, life.went_back(state, now, actor.user_id), back, now)
        return await _view(session, row)


async def let_go(deps: Deps, actor: Actor, rotation_id: str) -> RotationView:
    """Destroy here what is not in force, unseen; of a planned rotation, the next credential.

    Managers only. Raises NotFound, Conflict.
    """
    await require_manager(deps, actor, "end a rotation")
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = await _mine(session, actor, rotation_id)
        step = life.let_go(rotations.state_of(row), now, actor.user_id)
        await _finish(session, row, step, now)
        return await _view(session, row)


async def removed(deps: Deps, actor: Actor, rotation_id: str) -> tuple[RotationView, Tried | None]:
    """Somebody says that the old credential is removed: it is tried now, and again in a minute.

    Answers what the try showed; None when somebody else is trying it. Raises NotFound, Conflict.
    """
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = await _mine(session, actor, rotation_id)
        state = rotations.state_of(row)
        if state.phase not in {Phase.GRACE, Phase.ENDING}:
            raise Conflict(OVER)
        step = life.removed(state, now)
        claimed = await rotations.claim_one(session, row.id, now, now + LEASE)
        if claimed is not None:
            claimed.state_json = json.dumps(step.rotation.to_json())
            claimed.phase, claimed.next_at = str(step.rotation.phase), now
            session.add(claimed)
            members = await rotations.members(session, row.id)
    tried = None
    if claimed is not None:
        tried = await _try(deps, claimed, members)
        await _note(deps, claimed, tried)
    return await view(deps, actor.team_id, rotation_id), tried


async def tick_rotations(deps: Deps) -> int:
    """Switch what is planned for now, and try the old secrets that are due; answers how many."""
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        due = list(await rotations.claim(session, now, now + LEASE, BATCH))
    for row in due:
        await _look(deps, row)
    return len(due)


async def _look(deps: Deps, row: RotationRow) -> None:
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        members = await rotations.members(session, row.id)
    step = life.tick(rotations.state_of(row), now)
    if step.act is Act.SWITCH:
        await _switch(deps, row, members)
    else:
        await _note(deps, row, await _try(deps, row, members))


async def _try(deps: Deps, row: RotationRow, members: Sequence[RotationMember]) -> Tried | None:
    """Try the old secret at the first registry where that is possible; None where at none."""
    for member in members:
        tried = await rotation_trial.try_old(deps, row.team_id, member)
        if tried is not None:
            return tried
    return None


async def _note(deps: Deps, claimed: RotationRow, tried: Tried | None) -> None:
    """Write down what a try showed, unless somebody else took over meanwhile."""
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = await rotations.locked(session, claimed.id)
        if row is None or row.fence != claimed.fence:
            return
        state = life.tick(rotations.state_of(row), now).rotation
        if tried is None:
            await _without_registries(session, row, state, now)
            return
        if tried.wait_until is not None:
            waiting = Step(_at(state, tried.wait_until))
            await settle(session, row, waiting, (), now)
            return
        kind = await _kind(session, row)
        apart = rotation_trial.apart(kind)
        step = life.tried(state, tried.trial, now, apart=apart, why=tried.why)
        await _finish(session, row, step, now)


async def _switch(deps: Deps, row: RotationRow, members: Sequence[RotationMember]) -> None:
    """Prove the next credential everywhere and put it in force; if it is not, say so once."""
    results: dict[str, CheckResult | None] = {}
    for member in members:
        result = await rotation_trial.prove_next(deps, row.team_id, member)
        if result is not None:
            results[member.registry_id] = result
    bad = next((r for r in results.values() if r and r.verdict is not Verdict.PROVEN), None)
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        mine = await rotations.locked(session, row.id)
        if mine is None or mine.fence != row.fence:
            return
        state = rotations.state_of(mine)
        if not results:
            await _finish(session, mine, life.let_go(state, now, ""), now)
        elif bad is not None:
            of = await _registries(session, mine, members)
            await settle(session, mine, life.not_switched(state, now, bad.sentence), of, now)
        else:
            await put_in_force(session, mine, members, results, now, state.by, state.grace)


async def _finish(session: AsyncSession, row: RotationRow, step: Step, now: datetime) -> None:
    """Store and say a step; where it ends the rotation, destroy what is not in force."""
    members = await rotations.members(session, row.id)
    waiting = row.phase == Phase.WAITING
    if step.act is Act.DESTROY:
        for member in members:
            gone = member.new_credential_id if waiting else member.old_credential_id
            await credentials.destroy(session, gone, now)
    of = await _registries(session, row, members)
    await settle(session, row, step, of, now)
    if not step.rotation.is_open:
        await _audit(session, row, f"rotation_{step.rotation.phase}", of, step.rotation.by, now)


async def _without_registries(
    session: AsyncSession, row: RotationRow, state: Rotation, now: datetime
) -> None:
    """Every registry of it was deleted: it waits for a restore, and ends with their secrets."""
    members = await rotations.members(session, row.id)
    left = [await session.get(Registry, member.registry_id) for member in members]
    if any(one is not None and one.state != PURGED for one in left):
        await settle(session, row, Step(_at(state, now + LATER)), (), now)
    else:
        await _finish(session, row, life.let_go(state, now, ""), now)


async def _back(
    session: AsyncSession, row: RotationRow, member: RotationMember, now: datetime, by: str
) -> Registry | None:
    """Put the old credential of one registry in force again; None when that cannot be."""
    stored = await registries.locked(session, row.team_id, member.registry_id)
    old = await credentials.find(session, member.old_credential_id)
    if stored is None or stored.credential is None or old is None or old.blob is None:
        return None
    before, after = Entry.parse(member.before_json), Entry.parse(member.after_json)
    registry = stored.registry
    moved = (registry.url, registry.variant) != (before.url, before.variant)
    if stored.credential.id != member.new_credential_id or moved:
        return None
    values = {**stored_values(registry)}
    values |= {
        name: value for name, value in before.values.items() if after.values.get(name) != value
    }
    fresh = replaced(stored_health(registry.health_json), proven=False)
    changed: dict[str, Any] = {
        "values_json": json.dumps(values, ensure_ascii=False),
        "login": before.login,
        "version": registry.version + 1,
        "updated_at": now,
        "updated_by": by,
        "attempts": 0,
        "lease_until": None,
        "fence": registry.fence + 1,
        "next_check_at": now,
        "health_json": json.dumps(fresh.to_json()),
    }
    await registries.change(session, registry.id, registry.version, changed)
    await credentials.retire_current(session, registry.id, now)
    await credentials.change(session, old.id, {"state": CURRENT})
    await _audit(session, row, "rotation_undone", [registry], by, now)
    return registry


async def _mine(session: AsyncSession, actor: Actor, rotation_id: str) -> RotationRow:
    row = await rotations.locked(session, rotation_id)
    if row is None or row.team_id != actor.team_id:
        raise NotFound(UNKNOWN)
    if not rotations.state_of(row).is_open:
        raise Conflict(OVER)
    return row


async def _registries(
    session: AsyncSession, row: RotationRow, members: Sequence[RotationMember]
) -> list[Registry]:
    found = [await registries.live_by_id(session, row.team_id, one.registry_id) for one in members]
    return [one.registry for one in found if one is not None]


async def _kind(session: AsyncSession, row: RotationRow) -> str:
    lead = await session.get(Registry, row.registry_id)
    return lead.kind if lead else ""


async def _audit(
    session: AsyncSession,
    row: RotationRow,
    action: str,
    of: Sequence[Registry],
    by: str,
    now: datetime,
) -> None:
    for registry in of:
        deed = audit.Deed(
            row.team_id, by, action, registry.id, registry.name, details={"rotation": row.id}
        )
        await audit.note(session, deed, now)


async def _view(session: AsyncSession, row: RotationRow) -> RotationView:
    members = await rotations.members(session, row.id)
    rows = [await session.get(Registry, member.registry_id) for member in members]
    known = [one for one in rows if one is not None]
    lead = next((one for one in known if one.id == row.registry_id), known[0])
    first = next(one for one in members if one.registry_id == lead.id)
    old = await credentials.find(session, first.old_credential_id)
    new = await credentials.find(session, first.new_credential_id)
    kind = KINDS.get(lead.kind)
    return RotationView(
        id=row.id,
        team_id=row.team_id,
        name=lead.name,
        others=tuple(one.name for one in known if one.id != lead.id),
        kind=lead.kind,
        kind_label=kind.label if kind else lead.kind,
        variant=lead.variant,
        host=lead.host,
        owner=lead.owner,
        state=rotations.state_of(row),
        old_login=old.shown_login if old else "",
        old_fingerprint=old.fingerprint if old else "",
        new_fingerprint=new.fingerprint if new else "",
        version=row.version,
    )


def _at(state: Rotation, at: datetime) -> Rotation:
    return replace(state, next_at=at)
