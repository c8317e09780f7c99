"""What a period was like: queries of the weekly summary, of the Home tab and of the history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.check import Verdict
from bot.core.report import CredentialTimes, Rotated
from bot.store.schema import (
    CURRENT,
    LIVE,
    RETIRED,
    CheckRecord,
    Credential,
    IncidentRow,
    Registry,
    Reminder,
)


async def credential_times(
    session: AsyncSession, team_id: str
) -> list[tuple[str, str, str, CredentialTimes]]:
    """When each live registry's credential was made and when it ends; one light query.

    With its host, its login and its fingerprint, which tell who shares it. Registries that sign in
    as nobody are left out: there is nothing to rotate.
    """
    made = (col(Reminder.rotated_at), col(Credential.issued_at), col(Credential.stored_at))
    columns: list[Any] = [
        col(Registry.host),
        col(Credential.login),
        col(Credential.fingerprint),
        col(Registry.name),
        col(Registry.kind),
        col(Registry.owner),
        col(Credential.expires_at),
        col(Credential.expires_source),
        func.coalesce(*made),
        col(Registry.rotate_days),
    ]
    wanted: Any = (
        select(*columns)
        .join(Credential, _in_force())
        .join(Reminder, col(Reminder.credential_id) == col(Credential.id), isouter=True)
        .where(
            col(Registry.team_id) == team_id,
            col(Registry.state) == LIVE,
            or_(col(Credential.login) != "", col(Credential.fingerprint) != ""),
        )
    )
    return [(*row[:3], CredentialTimes(*row[3:])) for row in await session.exec(wanted)]


async def incidents_of(
    session: AsyncSession, team_id: str, since: datetime, until: datetime
) -> list[IncidentRow]:
    """Incidents that were open at some time of the period, the oldest first."""
    wanted = (
        select(IncidentRow)
        .where(
            col(IncidentRow.team_id) == team_id,
            col(IncidentRow.opened_at) < until,
            or_(col(IncidentRow.closed_at).is_(None), col(IncidentRow.closed_at) >= since),
        )
        .order_by(col(IncidentRow.opened_at), col(IncidentRow.id))
    )
    return list((await session.exec(wanted)).all())


async def rotations(
    session: AsyncSession, team_id: str, since: datetime, until: datetime
) -> list[Rotated]:
    """Credentials stored in the period that took the place of another secret, oldest first."""
    before = aliased(Credential)
    replaced = exists().where(
        col(before.registry_id) == col(Credential.registry_id),
        col(before.state) == RETIRED,
        col(before.stored_at) < col(Credential.stored_at),
        col(before.fingerprint) != col(Credential.fingerprint),
    )
    wanted = (
        select(Registry.name, Credential.stored_at, Credential.stored_by)
        .join(Credential, col(Credential.registry_id) == col(Registry.id))
        .where(
            col(Registry.team_id) == team_id,
            col(Registry.state) == LIVE,
            col(Credential.state) == CURRENT,
            col(Credential.stored_at) >= since,
            col(Credential.stored_at) < until,
            replaced,
        )
        .order_by(col(Credential.stored_at))
    )
    return [Rotated(*row) for row in await session.exec(wanted)]


async def never_proven(session: AsyncSession, team_id: str) -> Sequence[str]:
    """Names of live registries whose credential in force is not proven, and not told refused.

    What is refused is an incident already; this is what accepts anyone or was never judged.
    """
    wanted = (
        select(Registry.name)
        .join(Credential, _in_force(), isouter=True)
        .where(
            col(Registry.team_id) == team_id,
            col(Registry.state) == LIVE,
            or_(col(Credential.proven).is_(None), col(Credential.proven).is_(False)),
            or_(col(Registry.verdict).is_(None), col(Registry.verdict) != str(Verdict.REFUSED)),
        )
        .order_by(col(Registry.name))
    )
    return (await session.exec(wanted)).all()


async def answers_since(
    session: AsyncSession, registry_id: str, since: datetime, most: int
) -> list[tuple[datetime, str]]:
    """When the checks of the credentials in force were and what they found, newest first.

    Tries of a form are left out: they say nothing of what the registry has.
    """
    wanted = (
        select(CheckRecord.at, CheckRecord.verdict)
        .where(
            col(CheckRecord.registry_id) == registry_id,
            col(CheckRecord.at) >= since,
            col(CheckRecord.trigger) != "save",
        )
        .order_by(col(CheckRecord.id).desc())
        .limit(most)
    )
    return [(at, verdict) for at, verdict in await session.exec(wanted)]


async def labels(session: AsyncSession, team_id: str) -> list[tuple[str, str, str, datetime]]:
    """Id, name, kind and time of creation of every live registry."""
    wanted = select(Registry.id, Registry.name, Registry.kind, Registry.created_at).where(
        col(Registry.team_id) == team_id, col(Registry.state) == LIVE
    )
    return [(name, label, kind, at) for name, label, kind, at in await session.exec(wanted)]


def _in_force() -> Any:
    return and_(col(Credential.registry_id) == col(Registry.id), col(Credential.state) == CURRENT)
