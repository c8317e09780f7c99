"""What people ask of reminders: what will be said when, and not now, and done, and whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import reminders as rules
from bot.core.access import Actor, WorkspaceSettings
from bot.core.check import Expiry
from bot.core.reminders import Kind, Subject
from bot.core.worktime import DAY, WorkHours
from bot.errors import Conflict, NotFound
from bot.kinds.registry_kinds import label_of
from bot.store import audit, credentials, registries, reminders, workspaces
from bot.store.reminders import OPEN_MESSAGE, QUIET, Wanting
from bot.store.schema import Reminder
from bot.usecases.deps import Deps
from bot.usecases.permission import require_manager
from bot.usecases.reminder_view import Left, ReminderView, load
from bot.usecases.reminding import edit_message
from bot.usecases.shared_credential import PERSON, Story, grouped, lead_of, living, story_of

MONTHS_MAX: Final = 24


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """One reminder to come. `days` is the number its text will say, see `bot.core.reminders`.

    `names` are the registries that share the credential. Of an age that is reminded of every week
    only the first time is listed: `weekly` says so.
    """

    at: datetime
    names: tuple[str, ...]
    kind_label: str
    owner: str
    says: Kind
    days: int
    expiry: Expiry | None
    weekly: bool
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class _Held:
    """A credential in force whose reminder nobody else changes until we commit.

    `group` are the registries that have it, `row` is the one that speaks for all of them.
    """

    group: tuple[Wanting, ...]
    row: Reminder
    settings: WorkspaceSettings
    now: datetime

    @property
    def subject(self) -> Subject:
        zone = self.settings.preferences.work_hours.zone
        return story_of(living(self.group) or self.group, self.row, zone).subject


async def plan(deps: Deps, actor: Actor, months: int = 12) -> list[PlannedReminder]:
    """What will be said in the next months, in order; at most two years. Anyone may look."""
    async with deps.store.reading() as session:
        settings = await workspaces.settings(session, actor.team_id)
        kept = await reminders.all_kept(session, actor.team_id)
    now = deps.clock.now()
    hours = settings.preferences.work_hours
    end = _months_later(now, hours, max(1, min(months, MONTHS_MAX)))
    # Half a second for a thousand credentials, which nobody else should have to wait for.
    return await asyncio.to_thread(_all_planned, kept, hours, now, end)


async def snooze(deps: Deps, actor: Actor, credential_id: str, days: int) -> ReminderView:
    """Say nothing for so many days, but never beyond the last two steps before the expiry.

    Owner and managers; of a credential that registries share, who owns all of them. Raises
    NotAllowed, NotFound, or Conflict when it was replaced meanwhile.
    """
    await _require(deps, actor, credential_id, "put off reminders")
    async with _held(deps, actor, credential_id) as (session, held):
        hours = held.settings.preferences.work_hours
        until = held.now + timedelta(days=max(1, min(days, 3650)))
        reminders.snoozed(
            held.row, rules.snooze(held.subject, hours, until, held.now), actor.user_id
        )
        await _changed(session, actor, held, "reminder_snoozed")
    return await view(deps, actor, credential_id)


async def rotated_elsewhere(deps: Deps, actor: Actor, credential_id: str) -> ReminderView:
    """Take it as rotated now: its age begins anew, and a date that a person typed is forgotten.

    A date of the provider stays true of the secret that is stored here, so its last two steps are
    said all the same. It holds for every registry that has it. Owner and managers; raises as
    `snooze` does.
    """
    await _require(deps, actor, credential_id, "mark a credential as rotated")
    async with _held(deps, actor, credential_id) as (session, held):
        row, hours = held.row, held.settings.preferences.work_hours
        reminders.snoozed(row, None)
        typed = [one for one in held.group if one.credential.expires_source == PERSON]
        told = [one for one in held.group if one.credential.expires_source != PERSON]
        forgotten = {"expires_typed": None, "expires_at": None, "expires_source": ""}
        await credentials.change_all(session, [one.credential.id for one in typed], forgotten)
        untyped = {"expires_typed": None}
        await credentials.change_all(session, [one.credential.id for one in told], untyped)
        for one in held.group:
            (one.reminder or row).rotated_at = held.now
        ends = story_of(told, row, hours.zone).subject.expires_at if told else None
        if ends is not None:
            asleep = rules.snooze(held.subject, hours, ends, held.now)
            reminders.snoozed(row, asleep, actor.user_id)
        await _changed(session, actor, held, "reminder_rotated_elsewhere", ends=True)
    return await view(deps, actor, credential_id)


async def assign_owner(deps: Deps, actor: Actor, credential_id: str, user_id: str) -> ReminderView:
    """Make somebody the owner of the registry, or of all that share the credential.

    Owner and managers; raises as `snooze` does.
    """
    await _require(deps, actor, credential_id, "assign an owner")
    async with _held(deps, actor, credential_id) as (session, held):
        those = [one.registry for one in held.group]
        ids = [registry.id for registry in those]
        await registries.assign(session, ids, user_id, actor.user_id, held.now)
        for registry in those:
            deed = audit.Deed(
                team_id=actor.team_id,
                user_id=actor.user_id,
                action="registry_edited",
                registry_id=registry.id,
                registry_name=registry.name,
                version=registry.version + 1,
                details={"changed": "owner"},
            )
            await audit.note(session, deed, held.now)
        if held.row.state == OPEN_MESSAGE:
            await edit_message(session, held.row, held.now)
    return await view(deps, actor, credential_id)


async def view(deps: Deps, actor: Actor, credential_id: str) -> ReminderView:
    """The reminder that tells of a credential of the actor's workspace; raises NotFound."""
    found = await load(deps, credential_id)
    if found is not None and found.speaker:
        found = await load(deps, found.speaker)
    if found is None or found.team_id != actor.team_id:
        raise NotFound("Registrar does not keep this credential any more.")
    return found


async def _require(deps: Deps, actor: Actor, credential_id: str, what: str) -> None:
    found = await view(deps, actor, credential_id)
    theirs = {one.owner for one in found.sharers if one.left in {None, Left.DIED}}
    if (theirs or {found.owner}) != {actor.user_id}:
        await require_manager(deps, actor, what, found.name)


@asynccontextmanager
async def _held(
    deps: Deps, actor: Actor, credential_id: str
) -> AsyncIterator[tuple[AsyncSession, _Held]]:
    """A transaction in which the credential's reminder is ours; Conflict when it is not in force.

    The clock looks at the row again afterwards.
    """
    async with deps.store.transaction() as session:
        await reminders.hold_team(session, actor.team_id, wait=True)
        now = await deps.store.now(session)
        found = await reminders.find(session, credential_id)
        if found is not None and found.reminder is not None and found.reminder.lead:
            found = await reminders.find(session, found.reminder.lead)
        if found is None or not found.kept or found.reminder is None:
            name = found.registry.name if found else "This credential"
            raise Conflict(f"{name} was replaced or deleted meanwhile. Nothing was changed.")
        settings = await workspaces.settings(session, actor.team_id)
        others = await reminders.following(session, [found.credential.id])
        group = (found, *(one for one in others if one.kept))
        yield session, _Held(group, found.reminder, settings, now)


async def _changed(
    session: AsyncSession, actor: Actor, held: _Held, action: str, *, ends: bool = False
) -> None:
    """Write the row and its message down, with who asked for it; `ends` closes the message."""
    row = held.row
    stood = row.state == OPEN_MESSAGE
    if ends and stood:
        row.state = QUIET
    row.next_at = held.now
    reminders.put(session, row)
    if stood:
        await edit_message(session, row, held.now)
    for registry in (one.registry for one in held.group):
        deed = audit.Deed(
            team_id=actor.team_id,
            user_id=actor.user_id,
            action=action,
            registry_id=registry.id,
            registry_name=registry.name,
        )
        await audit.note(session, deed, held.now)


def _all_planned(
    kept: Sequence[Wanting], hours: WorkHours, now: datetime, end: datetime
) -> list[PlannedReminder]:
    planned = [one for group in grouped(kept) for one in _planned(group, hours, now, end)]
    return sorted(planned, key=lambda one: (one.at, one.names))


def _planned(
    group: Sequence[Wanting], hours: WorkHours, now: datetime, end: datetime
) -> Iterator[PlannedReminder]:
    about = living(group)
    if not about:
        return  # its alert speaks
    row = lead_of(group).reminder
    story = story_of(about, row, hours.zone)
    said = reminders.said_of(row)
    steps = rules.plan(story.subject, hours, story.subject.known_at, end)
    passed = [step for step in steps if step.at <= now]
    if passed and not said.covers(passed[-1], now):
        # Missed while nothing ran: it is said when work begins, the last two before an end at once.
        missed = passed[-1]
        soon = now if missed.urgent or hours.at_work(now) else hours.opening(now)
        yield _told(about, story, missed, soon, hours.zone)
    coming = [step for step in steps[len(passed) :] if not said.covers(step, step.at)]
    aged = next((step for step in coming if step.kind is Kind.AGED), None)
    for step in coming:
        if step.kind is not Kind.AGED or step is aged:
            yield _told(about, story, step, step.at, hours.zone)


def _told(
    about: Sequence[Wanting], story: Story, step: rules.Step, at: datetime, zone: ZoneInfo
) -> PlannedReminder:
    registry = about[0].registry
    return PlannedReminder(
        at=at,
        names=tuple(one.registry.name for one in about),
        kind_label=label_of(registry.kind),
        owner=next((one.registry.owner for one in about if one.registry.owner), ""),
        says=step.kind,
        days=step.days,
        expiry=story.expiry,
        weekly=step.kind is Kind.AGED,
        zone=zone,
    )


def _months_later(now: datetime, hours: WorkHours, months: int) -> datetime:
    """The end of the day so many calendar months on, in the workspace's zone."""
    local = now.astimezone(hours.zone).date()
    months += local.month - 1
    year, month = local.year + months // 12, months % 12 + 1
    day = local.replace(year=year, month=month, day=1) + (local.day - 1) * DAY
    return hours.start_of(day + DAY)
