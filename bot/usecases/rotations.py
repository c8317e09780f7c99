"""Rotations as people see and change them, and what the clock does with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import auto_rotation as core_run
from bot.core import rotation as life
from bot.core.access import Actor
from bot.core.auto_rotation import Step
from bot.core.check import CheckResult, Verdict
from bot.core.rotation import Act, Phase, Rotation
from bot.core.rotation import Step as LifeStep
from bot.errors import Conflict, NotFound, StoreError
from bot.kinds.registry_kinds import label_of
from bot.kinds.rotation.gateway import Rotators
from bot.store import audit, credentials, registries, rotation_runs, rotations
from bot.store.schema import PURGED, Registry, RotationMember, RotationRow
from bot.usecases import auto_rotation, rotation_trial
from bot.usecases.deps import Deps
from bot.usecases.permission import require_manager
from bot.usecases.rotation_switch import put_back, put_in_force, settle
from bot.usecases.rotation_trial import Tried

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=2)
BATCH: Final = 20
LATER: Final = timedelta(hours=1)
OVER: Final = "This rotation is over already."
UNKNOWN: Final = "There is no such rotation."
BY_ITSELF: Final = "Registrar ends the old one by itself after the grace period."
NO_WAY_BACK: Final = "The old one is ended at the provider already; there is no way back to it."
UNDER_WAY: Final = "This moment a step is done at the provider; try again in a minute."
_STOPPABLE: Final = frozenset({Step.GRACE, Step.DISABLE, Step.DISABLED, Step.REVOKE})


@dataclass(frozen=True, slots=True)
class RotationView:
    """A rotation for people. `others` are names of further registries that share the credential.

    `old_login` and `old_fingerprint` tell the old credential apart from the new one. `step` is that
    of an automatic rotation, and `ends_old` says that it ends the old one itself.
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
    step: Step | None = None
    ends_old: bool = False


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
        if row.run_json:
            await _automatically_back(session, row, now)
            return await _view(session, row)
        back = [
            registry
            for member in await rotations.members(session, row.id)
            if (registry := await put_back(session, row, member, now, actor.user_id)) is not None
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
        if rotation_runs.is_running(row):
            await _stop_running(session, row, now)
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
        if rotation_runs.is_running(row):
            raise Conflict(BY_ITSELF)
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


async def tick_rotations(deps: Deps, rotators: Rotators | None = None) -> int:
    """Take the next step of what is due; answers how many rotations that were.

    Without `rotators` only those that people lead. One that is poison does not stop the others.
    """
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        due = list(await rotations.claim(session, now, now + LEASE, BATCH))
    for row in due:
        try:
            if not rotation_runs.is_running(row):
                await _look(deps, row)
            elif rotators is not None:
                await auto_rotation.advance(deps, rotators, row)
        except StoreError:
            raise
        except Exception:  # it is due again when its lease is over
            log.exception("rotation cannot be looked at", rotation=row.id)
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
            waiting = LifeStep(_at(state, tried.wait_until))
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


async def _finish(session: AsyncSession, row: RotationRow, step: LifeStep, now: datetime) -> None:
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
        await settle(session, row, LifeStep(_at(state, now + LATER)), (), now)
    else:
        await _finish(session, row, life.let_go(state, now, ""), now)


async def _automatically_back(session: AsyncSession, row: RotationRow, now: datetime) -> None:
    """The next step goes back: the old one may have to be started at the provider first."""
    run = rotation_runs.run_of(row)
    if run.in_place or run.step not in {Step.GRACE, Step.DISABLE, Step.DISABLED}:
        raise Conflict(NO_WAY_BACK)
    if row.lease_until is not None and row.lease_until > now:
        raise Conflict(UNDER_WAY)
    await rotation_runs.put(session, row, core_run.go_back(run, now))


async def _stop_running(session: AsyncSession, row: RotationRow, now: datetime) -> None:
    """Nothing more is done at the provider; what lives there is a person's to look after."""
    run = rotation_runs.run_of(row)
    busy = row.lease_until is not None and row.lease_until > now
    if run.step not in _STOPPABLE or busy:
        raise Conflict(UNDER_WAY)
    await rotation_runs.put(session, row, core_run.revoked(run, now))


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
    run = rotation_runs.run_of(row) if row.run_json else None
    return RotationView(
        id=row.id,
        team_id=row.team_id,
        name=lead.name,
        others=tuple(one.name for one in known if one.id != lead.id),
        kind=lead.kind,
        kind_label=label_of(lead.kind),
        variant=lead.variant,
        host=lead.host,
        owner=lead.owner,
        state=rotations.state_of(row),
        old_login=old.shown_login if old else "",
        old_fingerprint=old.fingerprint if old else "",
        new_fingerprint=new.fingerprint if new else "",
        version=row.version,
        step=run.step if run else None,
        ends_old=run is not None and (run.in_place or bool(run.old_handle)),
    )


def _at(state: Rotation, at: datetime) -> Rotation:
    return replace(state, next_at=at)
