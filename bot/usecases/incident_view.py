"""What people see of an incident and of a storm: read when the message is made, never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.health import Trouble
from bot.core.incident import Incident
from bot.kinds.registry_kinds import label_of
from bot.store import incidents, storms, workspaces
from bot.store.incidents import Member
from bot.store.schema import IncidentRow
from bot.usecases import uses
from bot.usecases.deps import Deps


@dataclass(frozen=True, slots=True)
class AffectedView:
    """A registry of an incident. `left_at`: since when it is well again, or gone."""

    id: str
    name: str
    kind: str
    kind_label: str
    host: str
    path_scope: str
    environment: str
    owner: str
    sentence: str
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident and the registries it is about, those that still fail first.

    `channel` and `ts` are where its own message stands (`ts` is empty before it was posted, both
    when it is only listed in a storm); `parent` is the same of the storm that lists it, or None.
    `escalation` is the workspace's escalation channel, group or user. `workloads` counts those that
    are known to use the registries that fail.
    """

    id: str
    team_id: str
    incident: Incident
    registries: tuple[AffectedView, ...]
    channel: str = ""
    ts: str = ""
    storm_id: str = ""
    parent: tuple[str, str] | None = None
    escalation: str = ""
    workloads: int = 0

    @property
    def owners(self) -> tuple[str, ...]:
        """The owners to mention: each once."""
        return tuple(dict.fromkeys(one.owner for one in self.registries if one.owner))


@dataclass(frozen=True, slots=True)
class StormView:
    """Many incidents in one parent message, in the order they were opened."""

    id: str
    team_id: str
    trouble: Trouble
    channel: str
    ts: str
    opened_at: datetime
    incidents: tuple[IncidentView, ...]


async def load(deps: Deps, incident_id: str) -> IncidentView | None:
    """The incident as it is now; None when there is none of this id."""
    async with deps.store.reading() as session:
        row = await incidents.find(session, incident_id)
        if row is None:
            return None
        settings = await workspaces.settings(session, row.team_id)
        (view,) = await views(session, [row], settings.preferences.escalation)
        if not view.incident.is_open:
            return view
        failing = {one.name for one in view.registries if one.left_at is None}
        now = await deps.store.now(session)
        return replace(view, workloads=await uses.count_of(session, row.team_id, failing, now))


async def load_storm(deps: Deps, storm_id: str) -> StormView | None:
    """A storm with everything it lists; None when there is none of this id."""
    async with deps.store.reading() as session:
        row = await storms.find(session, storm_id)
        if row is None:
            return None
        listed = await views(session, await incidents.of_storm(session, storm_id))
    return StormView(
        id=row.id,
        team_id=row.team_id,
        trouble=Trouble(row.trouble),
        channel=row.channel,
        ts=row.ts,
        opened_at=row.opened_at,
        incidents=tuple(listed),
    )


async def open_incidents(deps: Deps, team_id: str) -> list[IncidentView]:
    """Every open incident of a workspace, the oldest first."""
    async with deps.store.reading() as session:
        return await views(session, await incidents.open_of_team(session, team_id))


async def views(
    session: AsyncSession, rows: Sequence[IncidentRow], escalation: str = ""
) -> list[IncidentView]:
    """Views of incidents, with two queries whatever their number."""
    members = await incidents.members(session, [row.id for row in rows])
    parents = {
        name: await storms.find(session, name) for name in {r.storm_id for r in rows} if name
    }
    found = []
    for row in rows:
        parent = parents.get(row.storm_id)
        found.append(
            IncidentView(
                id=row.id,
                team_id=row.team_id,
                incident=incidents.state_of(row),
                registries=tuple(_affected(member) for member in members.get(row.id, ())),
                channel=row.channel,
                ts=row.ts,
                storm_id=row.storm_id,
                parent=(parent.channel, parent.ts) if parent else None,
                escalation=escalation,
            )
        )
    return found


def _affected(member: Member) -> AffectedView:
    row = member.registry
    return AffectedView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        kind_label=label_of(row.kind),
        host=row.host,
        path_scope=row.path_scope,
        environment=row.environment,
        owner=row.owner,
        sentence=row.sentence,
        left_at=member.left_at or row.deleted_at,
    )
