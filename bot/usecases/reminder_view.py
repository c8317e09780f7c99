"""What people see of a reminder: read when the message is made, never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import WorkspaceSettings
from bot.core.check import Expiry
from bot.core.reminders import Snooze, next_due
from bot.kinds.registry_kinds import label_of
from bot.store import incidents, reminders, workspaces
from bot.store.reminders import DIED, OPEN_MESSAGE, Wanting
from bot.store.schema import CURRENT, LIVE
from bot.usecases.deps import Deps
from bot.usecases.shared_credential import PERSON, living, story_of


class Stand(StrEnum):
    """How the matter of one reminder stands."""

    OPEN = "open"
    SETTLED = "settled"  # nothing is near any more: the date or the rule changed
    ROTATED = "rotated"  # somebody said that it was rotated elsewhere
    REPLACED = "replaced"
    DELETED = "deleted"
    DIED = "died"  # it is refused now: the alert speaks
    SHARED = "shared"  # the reminder of another registry speaks for this one as well


class Left(StrEnum):
    """Why one of the registries that share a credential needs no new one for this reminder."""

    REPLACED = "replaced"
    DELETED = "deleted"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class Sharer:
    """A registry that has the credential; `left` is None while it is reminded of."""

    name: str
    kind_label: str
    host: str
    path_scope: str
    environment: str
    owner: str
    left: Left | None = None


@dataclass(frozen=True, slots=True)
class ReminderView:
    """One credential that people are reminded of.

    `name` and what follows it are of the first registry that has it; `sharers` are all that have it
    or had it, when they are several. `speaker` is the credential whose reminder speaks for a
    `SHARED` one. `aged_from` is when it was issued (`age_told`: by the provider) or stored, or said
    to be rotated elsewhere. `typed` is the date that a person typed, whoever told the expiry.
    `next_at` is when it is spoken of again. `alert` is where the alert stands (channel, timestamp)
    once it died.
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
    sharers: tuple[Sharer, ...] = ()
    speaker: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The registries that it is about: those that still are; all of them once none is."""
        still = tuple(one.name for one in self.sharers if one.left is None)
        return still or tuple(one.name for one in self.sharers) or (self.name,)

    @property
    def owners(self) -> tuple[str, ...]:
        """Who is called, each once."""
        theirs = [one.owner for one in self.sharers if one.left is None] or [self.owner]
        return tuple(dict.fromkeys(owner for owner in theirs if owner))

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
        others = await reminders.following(session, [credential_id])
        settings = await workspaces.settings(session, found.credential.team_id)
        view = view_of(found, others, settings, deps.clock.now())
        alert = await _alert(session, found.registry.id) if found.dead else None
        return replace(view, alert=alert)


async def load_all(deps: Deps, team_id: str, credential_ids: Sequence[str]) -> list[ReminderView]:
    """Those reminders of a workspace, as they are now; what is gone is left out."""
    async with deps.store.reading() as session:
        found = await reminders.find_all(session, credential_ids)
        followers = await reminders.following(session, credential_ids)
        settings = await workspaces.settings(session, team_id)
    now = deps.clock.now()
    others: dict[str, list[Wanting]] = {}
    for one in followers:
        assert one.reminder is not None
        others.setdefault(one.reminder.lead, []).append(one)
    return [view_of(one, others.get(one.credential.id, ()), settings, now) for one in found]


def view_of(
    found: Wanting, others: Sequence[Wanting], settings: WorkspaceSettings, now: datetime
) -> ReminderView:
    """A row as people see it; `others` are those that it speaks for."""
    group = sorted([found, *others], key=lambda one: one.registry.name)
    about = living(group) or [one for one in group if one.kept] or group
    first = next((one for one in about if one.credential.id == found.credential.id), about[0])
    credential, registry, row = first.credential, first.registry, found.reminder
    hours = settings.preferences.work_hours
    story = story_of(about, row, hours.zone)
    subject = story.subject
    kept = any(one.kept for one in group)
    return ReminderView(
        credential_id=found.credential.id,
        team_id=credential.team_id,
        registry_id=registry.id,
        name=registry.name,
        kind=registry.kind,
        kind_label=label_of(registry.kind),
        host=registry.host,
        path_scope=registry.path_scope,
        environment=registry.environment,
        owner=registry.owner,
        created_by=registry.created_by,
        updated_by=registry.updated_by,
        stand=_stand(found, group),
        zone=hours.zone,
        proven=story.proven,
        aged_from=subject.aged_from or credential.stored_at,
        age_told=story.age_told,
        rotate_days=subject.rotate_days,
        expiry=story.expiry,
        typed=story.typed,
        snooze=subject.snooze,
        snoozed_by=reminders.snoozed_by(row) if row else "",
        next_at=next_due(subject, hours, reminders.said_of(row), now) if kept else None,
        sharers=tuple(_sharer(one) for one in group) if others else (),
        speaker=row.lead if row else "",
    )


def _sharer(found: Wanting) -> Sharer:
    registry = found.registry
    return Sharer(
        name=registry.name,
        kind_label=label_of(registry.kind),
        host=registry.host,
        path_scope=registry.path_scope,
        environment=registry.environment,
        owner=registry.owner,
        left=_left(found),
    )


def _left(found: Wanting) -> Left | None:
    if found.registry.state != LIVE:
        return Left.DELETED
    if found.credential.state != CURRENT:
        return Left.REPLACED
    return Left.DIED if found.dead else None


def _stand(found: Wanting, group: Sequence[Wanting]) -> Stand:
    row = found.reminder
    lefts = {_left(one) for one in group}
    if lefts <= {Left.DELETED, Left.REPLACED}:
        return Stand.REPLACED if Left.REPLACED in lefts else Stand.DELETED
    if row is not None and row.lead:
        return Stand.SHARED
    if None not in lefts or (row is not None and row.state == DIED):
        return Stand.DIED
    if row is not None and row.state == OPEN_MESSAGE:
        return Stand.OPEN
    return Stand.ROTATED if row is not None and row.rotated_at is not None else Stand.SETTLED


async def _alert(session: AsyncSession, registry_id: str) -> tuple[str, str] | None:
    row = await incidents.open_of_registry(session, registry_id)
    return (row.channel, row.ts) if row is not None and row.ts else None
