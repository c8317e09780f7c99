"""Who may: the refusal, with its trace in the audit."""

from __future__ import annotations

from bot.core.access import Access, Actor
from bot.errors import NotAllowed
from bot.store import audit, workspaces
from bot.usecases.deps import Deps


async def require_manager(deps: Deps, actor: Actor, what: str, registry_name: str = "") -> None:
    """Do nothing for a manager; audit the refusal and raise NotAllowed for anybody else.

    `what` completes the sentence “Only managers may …”.
    """
    async with deps.store.reading() as session:
        access = Access(await workspaces.settings(session, actor.team_id))
    if access.may_manage(actor):
        return
    now = deps.clock.now()
    deed = audit.Deed(
        team_id=actor.team_id,
        user_id=actor.user_id,
        action="refused",
        registry_name=registry_name,
        details={"wanted": what},
    )
    # A transaction of its own: the refusal stays although nothing else happens.
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, actor.team_id, now)
        await audit.note(session, deed, now)
    raise NotAllowed(f"Only managers may {what}. Ask {access.who_can_help()}.")
