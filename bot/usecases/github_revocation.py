"""Ending a retired token at GitHub, because a person asked for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import rotation as life
from bot.core.access import Actor
from bot.core.config import Config
from bot.core.rotation import Phase
from bot.errors import Conflict, NotAllowed, NotFound
from bot.kinds.rotation import github
from bot.kinds.rotation.gateway import Rotators
from bot.store import audit, credentials, registries, rotations, workspaces
from bot.store.rotations import Entry
from bot.store.schema import Registry, RotationMember, RotationRow
from bot.usecases import rotation_letters
from bot.usecases.deps import Deps
from bot.usecases.permission import require_manager
from bot.usecases.rotation_switch import settle
from bot.usecases.rotations import OVER, UNKNOWN, RotationView, view

NOT_SO: Final = "Only classic tokens of github.com (ghp_…) can be revoked so; remove it by hand."

ANOTHER: Final = (
    "Another manager than you has to revoke it: you rotated it, and there is no way back."
)


async def revoke(deps: Deps, rotators: Rotators, actor: Actor, rotation_id: str) -> RotationView:
    """Have GitHub end the old token of a rotation; from then on it is tried as ever.

    Managers only, and with four eyes another one than whoever rotated it. Raises NotFound,
    NotAllowed, NotDone, Unclear, or Conflict where it is still in force somewhere, the rotation is
    over, or it is no token that GitHub ends so.
    """
    await require_manager(deps, actor, "revoke a token at GitHub")
    async with deps.store.reading() as session:
        row, member = await _open(session, actor, rotation_id)
        settings = await workspaces.settings(session, actor.team_id)
        if settings.preferences.four_eyes and row.opened_by == actor.user_id:
            raise NotAllowed(ANOTHER)
        config = await _old(deps, session, row, member)
        users = await _still_used(session, row, member)
    if config is None or not github.is_revocable(config.kind, config.secrets["token"]):
        raise Conflict(NOT_SO)
    if users:
        raise Conflict(f"{users[0]} still signs in with this token; rotate it there first.")
    token = config.secrets["token"]
    await rotators.run(config, None, lambda errand: github.revoke(errand, token))
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        locked = await rotations.locked(session, row.id)
        if locked is not None and rotations.state_of(locked).phase in {Phase.GRACE, Phase.ENDING}:
            state = life.removed(rotations.state_of(locked), now).rotation
            later = replace(state, next_at=now + github.TAKES)
            await settle(session, locked, life.Step(later), (), now)
            await rotation_letters.redraw(session, locked, now)
        lead = await session.get(Registry, row.registry_id)
        deed = audit.Deed(
            row.team_id,
            actor.user_id,
            "token_revoked_at_github",
            row.registry_id,
            lead.name if lead else "",
            details={"rotation": row.id},
        )
        await audit.note(session, deed, now)
    return await view(deps, actor.team_id, rotation_id)


async def _open(
    session: AsyncSession, actor: Actor, rotation_id: str
) -> tuple[RotationRow, RotationMember]:
    row = await rotations.find(session, actor.team_id, rotation_id)
    if row is None:
        raise NotFound(UNKNOWN)
    if rotations.state_of(row).phase not in {Phase.GRACE, Phase.ENDING}:
        raise Conflict(OVER)
    members = await rotations.members(session, row.id)
    return row, next(one for one in members if one.registry_id == row.registry_id)


async def _old(
    deps: Deps, session: AsyncSession, row: RotationRow, member: RotationMember
) -> Config | None:
    """How the old token signed in; None when it is not kept any more."""
    stored = await registries.live_by_id(session, row.team_id, row.registry_id)
    old = await credentials.find(session, member.old_credential_id)
    if stored is None or old is None or old.blob is None or old.source:
        return None
    before = Entry.parse(member.before_json)
    secrets = credentials.opened(old, deps.store.keyring)
    return Config(stored.registry.kind, before.variant, before.url, before.values, secrets)


async def _still_used(session: AsyncSession, row: RotationRow, member: RotationMember) -> list[str]:
    """Names of registries that the same token is in force for."""
    old = await credentials.find(session, member.old_credential_id)
    if old is None:
        return []
    return list(await rotations.in_force_at(session, row.team_id, old.fingerprint))
