"""The settings of a workspace."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import MINUTES_MAX, MINUTES_MIN, Actor, WorkspaceSettings
from bot.core.schedule import interval, next_check
from bot.errors import Conflict, InvalidInput
from bot.store import audit, incidents, registries, workspaces
from bot.usecases.deps import Deps
from bot.usecases.permission import require_setter

ROTATE_DAYS_MAX = 3650
NO_PAGES = (
    "There are no pages outside Slack here: whoever runs Registrar has to set PUBLIC_URL first."
)


async def teams(deps: Deps) -> list[str]:
    """The Slack team ids of all workspaces that were ever set up; for the operator's terminal."""
    async with deps.store.reading() as session:
        return await workspaces.teams(session)


async def settings(deps: Deps, actor: Actor) -> WorkspaceSettings:
    """The settings of the actor's workspace; defaults until somebody changed them."""
    async with deps.store.reading() as session:
        return await workspaces.settings(session, actor.team_id)


async def change_settings(
    deps: Deps, actor: Actor, wanted: WorkspaceSettings, *, pages: bool = True
) -> WorkspaceSettings:
    """Store settings that were read at `wanted.version`; `pages` says that PUBLIC_URL is set.

    Managers only, except that anyone but a guest may make the first ones. Raises InvalidInput,
    NotAllowed, or Conflict when somebody changed them in the meantime.
    """
    _validate(wanted, pages=pages)
    before = await settings(deps, actor)
    await require_setter(deps, actor)
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, actor.team_id, now)
        if not await workspaces.change(session, actor.team_id, wanted, actor.user_id, now):
            raise Conflict(
                "Somebody else changed the settings while you had them open, so yours were not "
                "saved. Open them again to see what changed."
            )
        deed = audit.Deed(
            team_id=actor.team_id,
            user_id=actor.user_id,
            action="settings changed",
            details=_differences(before, wanted),
        )
        await audit.note(session, deed, now)
        if wanted.recheck_minutes < before.recheck_minutes:
            await _check_sooner(session, actor.team_id, interval(wanted.recheck_minutes), now)
        if wanted.preferences.rules != before.preferences.rules:
            await incidents.look_again(session, actor.team_id, now)
        return await workspaces.settings(session, actor.team_id)


async def _check_sooner(
    session: AsyncSession, team_id: str, every: timedelta, now: datetime
) -> None:
    """A shorter interval holds from now on, not after the longer one that is under way."""
    late = await registries.planned_after(session, team_id, now + every)
    sooner = {name: (at, next_check(name, every, now)) for name, at in late}
    await registries.plan(session, sooner)


def _validate(wanted: WorkspaceSettings, *, pages: bool) -> None:
    problems: dict[str, str] = {}
    if not MINUTES_MIN <= wanted.recheck_minutes <= MINUTES_MAX:
        problems["recheck_minutes"] = "Between 5 minutes and 7 days (10080 minutes)."
    if not 0 <= wanted.rotate_days <= ROTATE_DAYS_MAX:
        problems["rotate_days"] = "Between 1 and 3650 days, or 0 for never."
    problems |= wanted.preferences.problems()
    if wanted.preferences.secrets_on_page and not pages:
        problems["secrets"] = NO_PAGES
    if problems:
        raise InvalidInput(problems)


def _differences(before: WorkspaceSettings, after: WorkspaceSettings) -> dict[str, str]:
    """What changed, as “old → new” by setting."""
    names = ("alert_channel", "recheck_minutes", "rotate_days", "manager_users", "manager_groups")
    told = {
        name: f"{_words(getattr(before, name))} → {_words(getattr(after, name))}"
        for name in names
        if getattr(before, name) != getattr(after, name)
    }
    old, new = before.preferences.to_json(), after.preferences.to_json()
    return told | {
        name: f"{old.get(name, 'default')} → {new.get(name, 'default')}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    }


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
