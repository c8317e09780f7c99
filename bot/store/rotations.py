"""Rotations: which credential replaces which, claimed when time has come to look at the old one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.rotation import OPEN, Phase, Rotation
from bot.store.schema import (
    CURRENT,
    LIVE,
    Credential,
    ImageUse,
    Registry,
    RotationMember,
    RotationRow,
)

GUIDED = "guided"


@dataclass(frozen=True, slots=True)
class Entry:
    """How a registry signs in with one credential: all but the secret."""

    url: str
    variant: str
    login: str
    values: dict[str, str]

    def dump(self) -> str:
        found = {"url": self.url, "variant": self.variant, "login": self.login}
        return json.dumps({**found, "values": self.values}, ensure_ascii=False)

    @classmethod
    def parse(cls, text: str) -> Entry:
        found: dict[str, Any] = json.loads(text)
        values = {str(name): str(value) for name, value in found.get("values", {}).items()}
        return cls(found.get("url", ""), found.get("variant", ""), found.get("login", ""), values)


def state_of(row: RotationRow) -> Rotation:
    """What is stored; when it is looked at next stands in its column, where it may be hastened."""
    return replace(Rotation.from_json(json.loads(row.state_json)), next_at=row.next_at)


async def add(session: AsyncSession, row: RotationRow, members: Sequence[RotationMember]) -> None:
    session.add(row)
    await session.flush()  # the members point to it
    session.add_all(members)
    await session.flush()


async def find(session: AsyncSession, team_id: str, rotation_id: str) -> RotationRow | None:
    mine = (col(RotationRow.id) == rotation_id, col(RotationRow.team_id) == team_id)
    return (await session.exec(select(RotationRow).where(*mine))).first()


async def by_id(session: AsyncSession, rotation_id: str) -> RotationRow | None:
    return await session.get(RotationRow, rotation_id, populate_existing=True)


async def locked(session: AsyncSession, rotation_id: str) -> RotationRow | None:
    """One that nobody else changes until this transaction ends."""
    wanted = select(RotationRow).where(col(RotationRow.id) == rotation_id).with_for_update()
    fresh = wanted.execution_options(populate_existing=True)
    return (await session.exec(fresh)).first()


async def members(session: AsyncSession, rotation_id: str) -> Sequence[RotationMember]:
    """Its registries, the one where it was begun in front, the others by name."""
    lead = select(RotationRow.registry_id).where(col(RotationRow.id) == rotation_id)
    first = (await session.exec(lead)).first()
    wanted = (
        select(RotationMember)
        .join(Registry, col(Registry.id) == col(RotationMember.registry_id))
        .where(col(RotationMember.rotation_id) == rotation_id)
        .order_by(col(Registry.name))
    )
    found = (await session.exec(wanted)).all()
    return sorted(found, key=lambda one: one.registry_id != first)


async def open_of(session: AsyncSession, registry_id: str) -> Sequence[RotationRow]:
    """Rotations of a registry that are not over, the latest first."""
    wanted = (
        select(RotationRow)
        .join(RotationMember, col(RotationMember.rotation_id) == col(RotationRow.id))
        .where(
            col(RotationMember.registry_id) == registry_id,
            col(RotationRow.phase).in_([str(phase) for phase in OPEN]),
        )
        .order_by(col(RotationRow.opened_at).desc())
    )
    return (await session.exec(wanted)).all()


async def in_force_at(session: AsyncSession, team_id: str, fingerprint: str) -> Sequence[str]:
    """Names of the live registries, of whatever kind, that sign in with this secret."""
    wanted = (
        select(Registry.name)
        .join(Credential, col(Credential.registry_id) == col(Registry.id))
        .where(
            col(Registry.team_id) == team_id,
            col(Registry.state) == LIVE,
            col(Credential.state) == CURRENT,
            col(Credential.fingerprint) == fingerprint,
        )
        .order_by(col(Registry.name))
    )
    return (await session.exec(wanted)).all() if fingerprint else ()


async def sharing(
    session: AsyncSession, lead: Registry, fingerprint: str, kinds: Sequence[str], *, anywhere: bool
) -> Sequence[Registry]:
    """Other live registries of these kinds that have the same credential in force, by name.

    Only at the host of `lead`, unless `anywhere`. What a reference stands for is changed elsewhere.
    """
    same = [
        col(Registry.team_id) == lead.team_id,
        col(Registry.state) == LIVE,
        col(Registry.kind).in_(kinds),
        col(Registry.id) != lead.id,
        col(Registry.login) == lead.login,
        col(Credential.state) == CURRENT,
        col(Credential.fingerprint) == fingerprint,
        col(Credential.source) == "",
    ]
    if not anywhere:
        same.append(col(Registry.host) == lead.host)
    wanted = (
        select(Registry)
        .join(Credential, col(Credential.registry_id) == col(Registry.id))
        .where(*same)
        .order_by(col(Registry.name))
    )
    return (await session.exec(wanted)).all() if fingerprint else ()


async def seen_image(session: AsyncSession, team_id: str, place: str) -> str:
    """The image at or below `host/path` that was seen in use last; empty when none was."""
    below = col(ImageUse.image).startswith(f"{place}/", autoescape=True)
    wanted = (
        select(ImageUse.image)
        .where(col(ImageUse.team_id) == team_id, below)
        .order_by(col(ImageUse.last_seen_at).desc())
        .limit(1)
    )
    return (await session.exec(wanted)).first() or ""


async def claim(
    session: AsyncSession, now: datetime, until: datetime, limit: int
) -> Sequence[RotationRow]:
    """Due ones under a lease; what somebody else is taking is passed over."""
    due = (
        select(RotationRow)
        .where(
            col(RotationRow.next_at) <= now,
            or_(col(RotationRow.lease_until).is_(None), col(RotationRow.lease_until) <= now),
        )
        .order_by(col(RotationRow.next_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = (await session.exec(due)).all()
    for row in found:
        row.lease_until, row.fence = until, row.fence + 1
        session.add(row)
    await session.flush()
    return found


async def claim_one(
    session: AsyncSession, rotation_id: str, now: datetime, until: datetime
) -> RotationRow | None:
    """One of them, due or not, under a lease; None when somebody looks at it already."""
    row = await locked(session, rotation_id)
    if row is None or (row.lease_until is not None and row.lease_until > now):
        return None
    row.lease_until, row.fence = until, row.fence + 1
    session.add(row)
    await session.flush()
    return row


async def put(session: AsyncSession, row: RotationRow, state: Rotation) -> None:
    """Store the next state and end the claim."""
    row.state_json, row.phase = json.dumps(state.to_json()), str(state.phase)
    row.next_at, row.version = state.next_at, row.version + 1
    row.closed_at, row.lease_until = state.ended_at, None
    session.add(row)
    await session.flush()


async def hasten_waiting(session: AsyncSession, registry_id: str, now: datetime) -> None:
    """The credential in force died: the next one, if there is one, is put in force now."""
    mine = select(RotationMember.rotation_id).where(col(RotationMember.registry_id) == registry_id)
    waiting = (
        col(RotationRow.id).in_(mine),
        col(RotationRow.phase) == str(Phase.WAITING),
        col(RotationRow.next_at) > now,
    )
    await session.exec(update(RotationRow).where(*waiting).values(next_at=now))
