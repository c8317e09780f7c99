"""Workspaces and their settings."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import WorkspaceSettings
from bot.core.preferences import Preferences
from bot.store.schema import Workspace


async def ensure(session: AsyncSession, team_id: str, now: datetime) -> None:
    """Make the workspace's row unless there is one; two at once are in no danger."""
    row = Workspace(team_id=team_id, created_at=now, updated_at=now).model_dump()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    await session.exec(dialect.insert(Workspace).values(**row).on_conflict_do_nothing())


async def teams(session: AsyncSession) -> list[str]:
    """The Slack team ids of all workspaces, in order."""
    found = await session.exec(select(col(Workspace.team_id)).order_by(col(Workspace.team_id)))
    return list(found)


async def settings(session: AsyncSession, team_id: str) -> WorkspaceSettings:
    """The settings; the defaults for a workspace that never changed anything."""
    row = await session.get(Workspace, team_id)
    if row is None:
        return WorkspaceSettings()
    return WorkspaceSettings(
        alert_channel=row.alert_channel,
        recheck_minutes=row.recheck_minutes,
        rotate_days=row.rotate_days,
        manager_users=_ids(row.manager_users),
        manager_groups=_ids(row.manager_groups),
        preferences=_preferences(row.preferences_json),
        configured=row.configured,
        version=row.version,
    )


async def changed_at(session: AsyncSession, team_id: str) -> datetime | None:
    """When the settings were changed last, or the row was made; None without a row."""
    row = await session.get(Workspace, team_id)
    return row.updated_at if row else None


async def change(
    session: AsyncSession, team_id: str, wanted: WorkspaceSettings, by: str, now: datetime
) -> bool:
    """Store settings over the version they were read at; False when somebody was faster."""
    statement = (
        update(Workspace)
        .where(col(Workspace.team_id) == team_id, col(Workspace.version) == wanted.version)
        .values(
            alert_channel=wanted.alert_channel,
            recheck_minutes=wanted.recheck_minutes,
            rotate_days=wanted.rotate_days,
            manager_users=json.dumps(wanted.manager_users),
            manager_groups=json.dumps(wanted.manager_groups),
            preferences_json=json.dumps(wanted.preferences.to_json()),
            configured=True,
            version=wanted.version + 1,
            updated_at=now,
            updated_by=by,
        )
    )
    return (await session.exec(statement)).rowcount == 1


def _ids(text: str) -> tuple[str, ...]:
    try:
        found = json.loads(text)
    except ValueError:
        return ()
    return tuple(str(one) for one in found) if isinstance(found, list) else ()


def _preferences(text: str) -> Preferences:
    try:
        found = json.loads(text)
    except ValueError:
        return Preferences()
    return Preferences.from_json(found) if isinstance(found, dict) else Preferences()
