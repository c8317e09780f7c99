"""The audit trail: who did what, or was refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import AuditEvent


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did. `details` are words for people, never secrets."""

    team_id: str
    user_id: str
    action: str
    registry_id: str = ""
    registry_name: str = ""
    version: int = 0
    details: Mapping[str, str] = field(default_factory=dict)


async def note(session: AsyncSession, deed: Deed, now: datetime) -> None:
    session.add(
        AuditEvent(
            team_id=deed.team_id,
            at=now,
            user_id=deed.user_id,
            action=deed.action,
            registry_id=deed.registry_id,
            registry_name=deed.registry_name,
            version=deed.version,
            details_json=json.dumps(dict(deed.details), ensure_ascii=False),
        )
    )


async def of_registry(session: AsyncSession, registry_id: str, after: int) -> list[AuditEvent]:
    """The changes that took a registry beyond version `after`, the oldest first."""
    statement = (
        select(AuditEvent)
        .where(col(AuditEvent.registry_id) == registry_id, col(AuditEvent.version) > after)
        .order_by(col(AuditEvent.id))
    )
    return list((await session.exec(statement)).all())


async def latest(session: AsyncSession, limit: int) -> list[tuple[int, str]]:
    """Numbers of the latest deeds of all workspaces, each with its workspace.

    A number is given before the deed is committed: a smaller one may turn up after a greater.
    """
    statement = (
        select(AuditEvent.id, AuditEvent.team_id).order_by(col(AuditEvent.id).desc()).limit(limit)
    )
    return [(number or 0, team_id) for number, team_id in await session.exec(statement)]


def details(event: AuditEvent) -> dict[str, str]:
    try:
        found = json.loads(event.details_json)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
