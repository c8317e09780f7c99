"""Who may: the refusal, with its trace in the audit."""

from __future__ import annotations

from bot.core.access import Access, Actor
from bot.errors import NotAllowed, NotSetUp
from bot.store import audit, workspaces
from bot.usecases.deps import Deps


async def require_manager(deps: Deps, actor: Actor, what: str, registry_name: str = "") -> None:
    """Do nothing for a manager; audit the refusal and raise NotAllowed for anybody else.

    `what` completes the sentence “Only managers may …”. Raises NotSetUp for somebody who may say
    who manages, because nobody did so yet.
    """
    async with deps.store.reading() as session:
        access = Access(await workspaces.settings(session, actor.team_id))
    if access.may_manage(actor):
        return
    await _note(deps, actor, what, registry_name)
    if not access.settings.configured and not actor.is_guest:
        raise NotSetUp(
            f"Only managers may {what}. Nobody has said yet who they are: anyone here except "
            "guests may do that once. Press Set up, and name yourself or others."
        )
    raise NotAllowed(f"Only managers may {what}. Ask {access.who_can_help()}.")


async def require_setter(deps: Deps, actor: Actor) -> None:
    """Do nothing for who may change the settings: managers; at first anyone except guests.

    Otherwise audit the refusal and raise NotAllowed.
    """
    async with deps.store.reading() as session:
        settings = await workspaces.settings(session, actor.team_id)
    if settings.configured or (actor.is_guest and not actor.is_admin):
        await require_manager(deps, actor, "change the settings")


async def _note(deps: Deps, actor: Actor, what: str, registry_name: str) -> None:
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
