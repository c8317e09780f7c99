"""What people see of a reminder: read when the message is made, never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import WorkspaceSettings
from bot.core.check import Expiry
from bot.core.reminders import Snooze, Subject, next_due
from bot.kinds.registry_kinds import KINDS
from bot.store import incidents, reminders, workspaces
from bot.store.reminders import DIED, OPEN_MESSAGE, Wanting
from bot.store.schema import CURRENT, LIVE, Credential
from bot.usecases.deps import Deps

PERSON: Final = "person"
YEARS: Final = range(1990, 9000)  # dates beyond these stand for "unknown" and "never"


class Stand(StrEnum):
    """How the matter of one reminder stands."""

    OPEN = "open"
    SETTLED = "settled"  # nothing is near any more: the date or the rule changed
    ROTATED = "rotated"  # somebody said that it was rotated elsewhere
    REPLACED = "replaced"
    DELETED = "deleted"
    DIED = "died"  # it is refused now: the alert speaks


@dataclass(frozen=True, slots=True)
class ReminderView:
    """One credential that people are reminded of.

    `aged_from` is when it was issued (`age_told`: by the provider) or stored, or said to be rotated
    elsewhere. `typed` is the date that a person typed, whoever told the expiry. `next_at` is when
    it is spoken of again. `alert` is where the alert stands (channel, timestamp) once it died.
    """

    credential_id: str
    team_id: str
    registry_id: str
    name: str
    kind: str
    kind_label: str
    host: str
    path_scope: str
    environment: str
    owner: str
    created_by: str
    updated_by: str
    stand: Stand
    zone: ZoneInfo
    proven: bool
    aged_from: datetime
    age_told: bool
    rotate_days: int
    expiry: Expiry | None = None
    typed: datetime | None = None
    snooze: Snooze | None = None
    snoozed_by: str = ""
    next_at: datetime | None = None
    alert: tuple[str, str] | None = None

    @property
    def disputed(self) -> bool:
        """Whether the provider tells another day than the person who typed one."""
        if self.typed is None or self.expiry is None or self.expiry.source == PERSON:
            return False
        return self.expiry.at is None or self.expiry.at.date() != self.typed.date()

    def days_left(self, now: datetime) -> int | None:
        """Days of the workspace's calendar until it expires; None without a date."""
        if self.expiry is None or self.expiry.at is None:
            return None
        last = self.expiry.at.astimezone(self.zone).date()
        return (last - now.astimezone(self.zone).date()).days


async def load(deps: Deps, credential_id: str) -> ReminderView | None:
    """The reminder as it is now; None when there is no such credential."""
    async with deps.store.reading() as session:
        found = await reminders.find(session, credential_id)
        if found is None:
            return None
        settings = await workspaces.settings(session, found.credential.team_id)
        alert = await _alert(session, found.registry.id) if found.dead else None
        return view_of(found, settings, deps.clock.now(), alert)


async def load_all(deps: Deps, team_id: str, credential_ids: Sequence[str]) -> list[ReminderView]:
    """Those reminders of a workspace, as they are now; what is gone is left out."""
    async with deps.store.reading() as session:
        found = await reminders.find_all(session, credential_ids)
        settings = await workspaces.settings(session, team_id)
    now = deps.clock.now()
    return [view_of(one, settings, now) for one in found]


def view_of(
    found: Wanting,
    settings: WorkspaceSettings,
    now: datetime,
    alert: tuple[str, str] | None = None,
) -> ReminderView:
    """A row as people see it."""
    credential, registry, row = found.credential, found.registry, found.reminder
    kind = KINDS.get(registry.kind)
    hours = settings.preferences.work_hours
    subject = subject_of(found, hours.zone)
    stand = _stand(found)
    return ReminderView(
        credential_id=credential.id,
        team_id=credential.team_id,
        registry_id=registry.id,
        name=registry.name,
        kind=registry.kind,
        kind_label=kind.label if kind else registry.kind,
        host=registry.host,
        path_scope=registry.path_scope,
        environment=registry.environment,
        owner=registry.owner,
        created_by=registry.created_by,
        updated_by=registry.updated_by,
        stand=stand,
        zone=hours.zone,
        proven=credential.proven,
        aged_from=subject.aged_from or credential.stored_at,
        age_told=subject.aged_from == credential.issued_at,
        rotate_days=registry.rotate_days,
        expiry=expiry_of(credential, hours.zone),
        typed=credential.expires_typed,
        snooze=subject.snooze,
        snoozed_by=reminders.snoozed_by(row) if row else "",
        next_at=next_due(subject, hours, reminders.said_of(row), now) if found.kept else None,
        alert=alert,
    )


def subject_of(found: Wanting, zone: ZoneInfo) -> Subject:
    """What the plan of a credential is made from, in a workspace's zone."""
    credential, row = found.credential, found.reminder
    issued_at = credential.issued_at
    told = issued_at is not None and issued_at.year in YEARS
    aged_from = issued_at if issued_at is not None and told else credential.stored_at
    if row is not None and row.rotated_at is not None:
        aged_from = max(aged_from, row.rotated_at)
    return Subject(
        known_at=credential.stored_at,
        expires_at=expiry.at if (expiry := expiry_of(credential, zone)) else None,
        aged_from=aged_from,
        rotate_days=found.registry.rotate_days,
        snooze=reminders.snooze_of(row),
    )


def expiry_of(credential: Credential, zone: ZoneInfo) -> Expiry | None:
    """The stored expiry; what a person typed is a day of their calendar, stored as that of UTC."""
    at, source = credential.expires_at, credential.expires_source
    if not source:
        return None
    if at is not None and at.year not in YEARS:
        return Expiry(None, source)
    if at is not None and source == PERSON:
        at = at.replace(tzinfo=zone).astimezone(UTC)
    return Expiry(at, source)


def _stand(found: Wanting) -> Stand:
    row = found.reminder
    if found.registry.state != LIVE:
        return Stand.DELETED
    if found.credential.state != CURRENT:
        return Stand.REPLACED
    if found.dead or (row is not None and row.state == DIED):
        return Stand.DIED
    if row is not None and row.state == OPEN_MESSAGE:
        return Stand.OPEN
    return Stand.ROTATED if row is not None and row.rotated_at is not None else Stand.SETTLED


async def _alert(session: AsyncSession, registry_id: str) -> tuple[str, str] | None:
    row = await incidents.open_of_registry(session, registry_id)
    return (row.channel, row.ts) if row is not None and row.ts else None
