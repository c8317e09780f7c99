"""Planned work: a registry is checked as always, but nobody is alerted."""

from __future__ import annotations

import json

from bot.core.access import Actor
from bot.core.pause import pause as window
from bot.core.registry import RegistryView
from bot.errors import Conflict
from bot.store import audit, registries
from bot.usecases.consequences import retime
from bot.usecases.deps import Deps
from bot.usecases.permission import require_manager
from bot.usecases.registries import find
from bot.usecases.registry_view import view_of
from bot.usecases.stored_states import pause_of


async def pause(
    deps: Deps, actor: Actor, name: str, duration: str, reason: str = ""
) -> RegistryView:
    """No alerts of this registry for `duration` (`2h`, `1d`); a new pause replaces an old one.

    Raises InvalidInput on field `duration`, NotAllowed, or NotFound.
    """
    await require_manager(deps, actor, "pause a registry", name)
    now = deps.clock.now()
    made = window(duration, actor.user_id, reason, now)
    details = {"until": made.until.isoformat(), "reason": made.reason}
    return await _change(deps, actor, name, json.dumps(made.to_json()), "registry_paused", details)


async def resume(deps: Deps, actor: Actor, name: str) -> RegistryView:
    """End a pause; Conflict when there is none."""
    await require_manager(deps, actor, "resume a registry", name)
    return await _change(deps, actor, name, "{}", "registry_resumed", {})


async def _change(
    deps: Deps, actor: Actor, name: str, pause_json: str, action: str, details: dict[str, str]
) -> RegistryView:
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        stored = await find(session, actor, name)
        row = stored.registry
        held = pause_of(row)
        if pause_json == "{}" and (held is None or not held.holds(now)):
            raise Conflict(f"{name} is not paused.")
        await registries.set_pause(session, row.id, pause_json)
        deed = audit.Deed(
            actor.team_id, actor.user_id, action, row.id, row.name, row.version, details
        )
        await audit.note(session, deed, now)
        await retime(session, row.id, now)
        return view_of(await find(session, actor, name))
