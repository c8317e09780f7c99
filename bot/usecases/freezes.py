"""A freeze: no credential is rotated by itself for a while, in the whole workspace."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.core.access import Actor
from bot.core.pause import parse_duration
from bot.errors import Conflict
from bot.store import audit, workspaces
from bot.usecases.deps import Deps
from bot.usecases.permission import require_manager


async def held(deps: Deps, actor: Actor) -> tuple[datetime | None, str]:
    """Until when it holds, and why; None when nothing is frozen."""
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        found = (await workspaces.settings(session, actor.team_id)).preferences
    until = found.freeze_until
    return (until, found.freeze_reason) if until is not None and until > now else (None, "")


async def freeze(deps: Deps, actor: Actor, duration: str, reason: str) -> datetime:
    """Begin one for `2d` or the like; a new one replaces an old one. Answers its end.

    Managers only. Raises InvalidInput on `duration`, or Conflict when the settings changed at the
    same moment.
    """
    await require_manager(deps, actor, "freeze rotations")
    until = deps.clock.now() + parse_duration(duration)
    await _change(deps, actor, until, reason.strip()[:300], "rotations_frozen")
    return until


async def thaw(deps: Deps, actor: Actor) -> None:
    """End it. Managers only."""
    await require_manager(deps, actor, "end a freeze")
    await _change(deps, actor, None, "", "rotations_thawed")


async def _change(
    deps: Deps, actor: Actor, until: datetime | None, reason: str, action: str
) -> None:
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        await workspaces.ensure(session, actor.team_id, now)
        settings = await workspaces.settings(session, actor.team_id)
        preferences = replace(settings.preferences, freeze_until=until, freeze_reason=reason)
        wanted = replace(settings, preferences=preferences)
        if not await workspaces.change(session, actor.team_id, wanted, actor.user_id, now):
            raise Conflict("Somebody changed the settings at this moment; try again.")
        details = {"until": until.isoformat() if until else "", "reason": reason}
        deed = audit.Deed(actor.team_id, actor.user_id, action, details=details)
        await audit.note(session, deed, now)
