"""Incidents and the registries they are about; every change of one happens under its row's lock."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.incident import Incident
from bot.store.schema import LIVE, IncidentRegistry, IncidentRow, Registry


@dataclass(frozen=True, slots=True)
class Member:
    """A registry of an incident; `left_at` when it works again, was replaced or deleted."""

    registry: Registry
    joined_at: datetime
    left_at: datetime | None

    @property
    def stays(self) -> bool:
        return self.left_at is None and self.registry.state == LIVE


def state_of(row: IncidentRow) -> Incident:
    return Incident.from_json(json.loads(row.state_json))


async def add(
    session: AsyncSession, team_id: str, key: str, incident: Incident, next_tick: datetime | None
) -> IncidentRow | None:
    """A new open incident, locked; None when another worker opened one of this key just now."""
    row = IncidentRow(
        id=uuid4().hex,
        team_id=team_id,
        key=key,
        trouble=incident.trouble,
        phase=incident.phase,
        state_json=json.dumps(incident.to_json(), ensure_ascii=False),
        version=incident.version,
        opened_at=incident.opened_at,
        next_tick_at=next_tick,
    )
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(IncidentRow).values(**row.model_dump())
    await session.exec(insert.on_conflict_do_nothing())
    return await locked(session, row.id)


async def put(
    session: AsyncSession, row: IncidentRow, incident: Incident, next_tick: datetime | None
) -> None:
    """Write the next state of an incident whose row is locked."""
    row.trouble, row.phase, row.version = incident.trouble, incident.phase, incident.version
    row.state_json = json.dumps(incident.to_json(), ensure_ascii=False)
    row.next_tick_at, row.closed_at = next_tick, incident.closed_at
    session.add(row)
    await session.flush()


async def locked(session: AsyncSession, incident_id: str) -> IncidentRow | None:
    """The incident, which nobody else changes until this transaction ends."""
    wanted = select(IncidentRow).where(col(IncidentRow.id) == incident_id).with_for_update()
    return (await session.exec(wanted.execution_options(populate_existing=True))).first()


async def find(session: AsyncSession, incident_id: str) -> IncidentRow | None:
    return await session.get(IncidentRow, incident_id)


async def open_of_key(session: AsyncSession, team_id: str, key: str) -> IncidentRow | None:
    """The open incident of a key, locked."""
    wanted = select(IncidentRow).where(
        col(IncidentRow.team_id) == team_id,
        col(IncidentRow.key) == key,
        col(IncidentRow.closed_at).is_(None),
    )
    fresh = wanted.with_for_update().execution_options(populate_existing=True)
    return (await session.exec(fresh)).first()


async def last_closed_of_key(session: AsyncSession, team_id: str, key: str) -> IncidentRow | None:
    """The incident of a key that was opened last, locked; there is no open one."""
    wanted = (
        select(IncidentRow)
        .where(
            col(IncidentRow.team_id) == team_id,
            col(IncidentRow.key) == key,
            col(IncidentRow.closed_at).is_not(None),
        )
        .order_by(col(IncidentRow.opened_at).desc())
        .limit(1)
    )
    fresh = wanted.with_for_update().execution_options(populate_existing=True)
    return (await session.exec(fresh)).first()


async def open_of_registry(session: AsyncSession, registry_id: str) -> IncidentRow | None:
    """The open incident that this registry is still part of, locked."""
    wanted = (
        select(IncidentRow)
        .join(IncidentRegistry, col(IncidentRegistry.incident_id) == col(IncidentRow.id))
        .where(
            col(IncidentRegistry.registry_id) == registry_id,
            col(IncidentRegistry.left_at).is_(None),
            col(IncidentRow.closed_at).is_(None),
        )
        .with_for_update(of=IncidentRow)
    )
    fresh = wanted.execution_options(populate_existing=True)
    return (await session.exec(fresh)).first()


async def ticking(session: AsyncSession, now: datetime, limit: int) -> list[IncidentRow]:
    """Open incidents that time changes now, locked; what another worker holds is passed over."""
    wanted = (
        select(IncidentRow)
        .where(col(IncidentRow.next_tick_at) <= now, col(IncidentRow.closed_at).is_(None))
        .order_by(col(IncidentRow.next_tick_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list((await session.exec(wanted)).all())


async def look_again(session: AsyncSession, team_id: str, now: datetime) -> None:
    """Have the time of every open incident of a workspace judged anew."""
    statement = update(IncidentRow).where(
        col(IncidentRow.team_id) == team_id, col(IncidentRow.closed_at).is_(None)
    )
    await session.exec(statement.values(next_tick_at=now))


async def join(session: AsyncSession, incident_id: str, registry_id: str, now: datetime) -> None:
    """Make a registry part of an incident, again if it had left."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"incident_id": incident_id, "registry_id": registry_id, "joined_at": now}
    insert = dialect.insert(IncidentRegistry).values(**values, left_at=None)
    same = ["incident_id", "registry_id"]
    await session.exec(insert.on_conflict_do_update(index_elements=same, set_={"left_at": None}))


async def leave(session: AsyncSession, incident_id: str, registry_id: str, now: datetime) -> None:
    """A registry is well again, or gone: the incident is no longer about it."""
    statement = (
        update(IncidentRegistry)
        .where(
            col(IncidentRegistry.incident_id) == incident_id,
            col(IncidentRegistry.registry_id) == registry_id,
        )
        .values(left_at=now)
    )
    await session.exec(statement)


async def members(
    session: AsyncSession, incident_ids: Collection[str]
) -> dict[str, tuple[Member, ...]]:
    """The registries of incidents, those that stay first, then by name; by incident id."""
    statement = (
        select(IncidentRegistry, Registry)
        .join(Registry, col(Registry.id) == col(IncidentRegistry.registry_id))
        .where(col(IncidentRegistry.incident_id).in_(list(incident_ids)))
        .order_by(col(Registry.name))
    )
    found: dict[str, list[Member]] = {}
    for link, registry in await session.exec(statement):
        member = Member(registry, link.joined_at, link.left_at)
        found.setdefault(link.incident_id, []).append(member)
    return {name: tuple(sorted(some, key=lambda m: not m.stays)) for name, some in found.items()}


async def of_storm(session: AsyncSession, storm_id: str) -> list[IncidentRow]:
    """The incidents that a storm's parent message lists, in the order they were opened."""
    wanted = select(IncidentRow).where(col(IncidentRow.storm_id) == storm_id)
    return list((await session.exec(wanted.order_by(col(IncidentRow.opened_at)))).all())


async def open_of_team(session: AsyncSession, team_id: str) -> list[IncidentRow]:
    """Every open incident of a workspace, the oldest first."""
    wanted = select(IncidentRow).where(
        col(IncidentRow.team_id) == team_id, col(IncidentRow.closed_at).is_(None)
    )
    return list((await session.exec(wanted.order_by(col(IncidentRow.opened_at)))).all())


async def put_in_storm(session: AsyncSession, incident_ids: Iterable[str], storm_id: str) -> None:
    chosen = col(IncidentRow.id).in_(list(incident_ids))
    statement = update(IncidentRow).where(chosen).values(storm_id=storm_id)
    await session.exec(statement)
