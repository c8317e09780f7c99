"""The clock's part of reminders: what is due is said, what has changed is planned anew.

A workspace is looked at in one transaction, so what was said and the letter that says it commit
together, and two workers never say the same. Letters hold ids, never words:

what               op      subject                 values
reminder           post    reminder:CREDENTIAL     credential
reminder           edit    reminder:CREDENTIAL     credential
reminder_step      thread  reminder:CREDENTIAL     credential, kind, days
reminder_summary   post                            credentials (ids, joined by commas)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import WorkspaceSettings
from bot.core.check import Verdict
from bot.core.reminders import LADDER, Step, Subject, due, next_due, plan
from bot.core.worktime import DAY, WorkHours
from bot.store import outbox, reminders, workspaces
from bot.store.outbox import EDIT, POST, THREAD, Letter
from bot.store.reminders import DIED, ENDED, OPEN_MESSAGE, QUIET, Wanting
from bot.store.schema import Reminder
from bot.usecases.deps import Deps
from bot.usecases.reminder_view import subject_of

TEAMS: Final = 100
BATCH: Final = 1000
NEW: Final = 200  # credentials planned for the first time in one transaction
ROUNDS: Final = 10
IN_DOUBT: Final = timedelta(minutes=5)
LATE: Final = timedelta(minutes=15)  # later than this, it was missed while nothing ran
AT_ONCE: Final = 3  # more missed ones than this are told in one message


@dataclass(frozen=True, slots=True)
class _Due:
    """A reminder to say now, and where."""

    found: Wanting
    row: Reminder
    step: Step
    channel: str


@dataclass(frozen=True, slots=True)
class _Turn:
    """One workspace, looked at once; `version` is that of its settings."""

    session: AsyncSession
    team_id: str
    settings: WorkspaceSettings
    version: int
    now: datetime

    @property
    def hours(self) -> WorkHours:
        return self.settings.preferences.work_hours

    def subject(self, found: Wanting, row: Reminder) -> Subject:
        with_row = Wanting(found.credential, found.registry, row, found.dead)
        return subject_of(with_row, self.hours.zone)


async def tick_reminders(deps: Deps) -> int:
    """Say what is due in every workspace; answers how many letters were put into the outbox."""
    async with deps.store.reading() as session:
        teams = await reminders.teams(session, await deps.store.now(session), TEAMS)
    return sum([await _look_at(deps, team_id) for team_id in teams])


async def _look_at(deps: Deps, team_id: str) -> int:
    """One workspace, in transactions that are short even when everything in it is new."""
    said = 0
    for _ in range(ROUNDS):
        async with deps.store.transaction() as session:
            version = await reminders.hold_team(session, team_id)
            if version is None:
                return said
            settings = await workspaces.settings(session, team_id)
            turn = _Turn(session, team_id, settings, version, await deps.store.now(session))
            some = await reminders.wanting(session, team_id, turn.now, BATCH)
            fresh = await reminders.wanting(session, team_id, turn.now, NEW, new=True)
            said += await _look(turn, [*some, *fresh])
        if len(some) < BATCH and len(fresh) < NEW:
            break
    return said


async def _look(turn: _Turn, some: Sequence[Wanting]) -> int:
    said = 0
    wanted: list[_Due] = []
    for found in some:
        found_due, letters = await _consider(turn, found)
        wanted += found_due
        said += letters
    late = [one for one in wanted if turn.now - one.step.at > LATE]
    listed: set[str] = set()
    for channel, group in _by_channel(late):
        if len(group) > AT_ONCE:
            said += await _summarise(turn, channel, group)
            listed |= {one.row.credential_id for one in group}
    for one in wanted:
        if one.row.credential_id not in listed:
            said += await _say(turn, one)
        reminders.said(one.row, one.step)
        _wait(turn, one.found, one.row)
    return said


async def _consider(turn: _Turn, found: Wanting) -> tuple[list[_Due], int]:
    """What is to be said of one credential now, if anything, and how many letters were written."""
    if not found.kept and await reminders.has_heir(turn.session, found.credential):
        return [], 0  # the same secret, which takes over what was said
    row = await _row(turn.session, found)
    if row is None:
        return [], 0
    if not found.kept or found.dead:
        return [], await _end(turn, found, row)
    fits = _note_basis(found, row, turn.version)
    subject = turn.subject(found, row)
    step = due(subject, turn.hours, reminders.said_of(row), turn.now)
    if step is not None and found.registry.verdict == Verdict.REFUSED:
        # It was just refused: either that is confirmed and the alert speaks, or it is over soon.
        row.next_at = turn.now + IN_DOUBT
        reminders.put(turn.session, row)
        return [], 0
    if step is not None:
        return [_Due(found, row, step, _hearer(found, turn.settings))], 0
    letters = 0
    if row.state == OPEN_MESSAGE:
        until = turn.now + timedelta(microseconds=1)
        if not fits and not plan(subject, turn.hours, subject.known_at, until):
            row.state = QUIET  # another date or rule: nothing is near any more
        letters = await edit_message(turn.session, row, turn.now)
    _wait(turn, found, row)
    return [], letters


async def _row(session: AsyncSession, found: Wanting) -> Reminder | None:
    """The row of a credential; None when it is to be looked at later.

    An edit that leaves the secret as it is makes a new credential, and what was said of the old
    one, with its message, goes over to it.
    """
    if found.reminder is not None:
        return found.reminder
    credential = found.credential
    row = Reminder(
        credential_id=credential.id,
        team_id=credential.team_id,
        registry_id=credential.registry_id,
        state=QUIET,
    )
    edited = found.registry.version > 1
    before = await reminders.of_same_secret(session, credential) if edited else None
    if before is None:
        return row
    if await reminders.is_being_posted(session, before.credential_id):
        return None  # where its message stands will be known in a moment
    await session.refresh(before)  # or its place may have become known just now
    row.state = OPEN_MESSAGE if before.state == OPEN_MESSAGE and before.ts else QUIET
    row.said_json, row.snooze_json = before.said_json, before.snooze_json
    row.rotated_at, row.channel, row.ts = before.rotated_at, before.channel, before.ts
    before.state, before.next_at, before.channel, before.ts = ENDED, None, "", ""
    reminders.put(session, before)
    return row


async def _end(turn: _Turn, found: Wanting, row: Reminder) -> int:
    """The credential is refused, replaced or deleted: its message says so for the last time."""
    stood = row.state == OPEN_MESSAGE
    row.state = DIED if found.kept else ENDED
    row.next_at = None
    reminders.put(turn.session, row)
    return await edit_message(turn.session, row, turn.now) if stood else 0


async def _say(turn: _Turn, one: _Due) -> int:
    """One step: the first is a message, those after it edit that message and reply below it."""
    row, step = one.row, one.step
    values = {"credential": row.credential_id}
    if row.state != OPEN_MESSAGE:
        row.state, row.channel = OPEN_MESSAGE, one.channel
        letter = _letter(row, "reminder", POST, values, step.key)
        await outbox.put(turn.session, letter, turn.now)
        return 1
    told = values | {"kind": str(step.kind), "days": str(step.days)}
    await edit_message(turn.session, row, turn.now)
    letter = _letter(row, "reminder_step", THREAD, told, step.key)
    await outbox.put(turn.session, letter, turn.now)
    return 2


async def edit_message(session: AsyncSession, row: Reminder, now: datetime) -> int:
    """Have a reminder's message show what is so now; answers how many letters that takes."""
    values = {"credential": row.credential_id}
    await outbox.put(session, _letter(row, "reminder", EDIT, values, uuid4().hex), now)
    return 1


async def _summarise(turn: _Turn, channel: str, group: Sequence[_Due]) -> int:
    """Many were missed: one message lists them all."""
    steps = "\n".join(sorted(f"{one.row.credential_id} {one.step.key}" for one in group))
    letter = Letter(
        team_id=turn.team_id,
        delivery_key=f"reminder_summary:{sha256(steps.encode()).hexdigest()}",
        channel=channel,
        what="reminder_summary",
        values={"credentials": ",".join(one.row.credential_id for one in group)},
    )
    await outbox.put(turn.session, letter, turn.now)
    standing = [one.row for one in group if one.row.state == OPEN_MESSAGE]
    for row in standing:
        await edit_message(turn.session, row, turn.now)
    return 1 + len(standing)


def _wait(turn: _Turn, found: Wanting, row: Reminder) -> None:
    """Sleep until the next step; an open message that counts days is redrawn every day."""
    now, hours = turn.now, turn.hours
    subject = turn.subject(found, row)
    row.next_at = next_due(subject, hours, reminders.said_of(row), now)
    if row.state == OPEN_MESSAGE and _counts_days(subject, now):
        tomorrow = hours.start_of(now.astimezone(hours.zone).date() + DAY)
        row.next_at = min(row.next_at or tomorrow, tomorrow)
    reminders.put(turn.session, row)


def _counts_days(subject: Subject, now: datetime) -> bool:
    at = subject.expires_at
    return at is not None and now - DAY < at < now + (LADDER[0] + 3) * DAY


def _note_basis(found: Wanting, row: Reminder, version: int) -> bool:
    """Write down what it is planned with; answers whether that is as it was.

    Who comes back, restored or working again, takes its message up where it stands.
    """
    credential, registry = found.credential, found.registry
    before = (row.expires_at, row.issued_at, row.rotate_days, row.settings_version)
    row.expires_at, row.issued_at = credential.expires_at, credential.issued_at
    row.rotate_days, row.settings_version = registry.rotate_days, version
    back = row.state in {ENDED, DIED}
    if back:
        row.state = OPEN_MESSAGE if row.ts else QUIET
    after = (row.expires_at, row.issued_at, row.rotate_days, row.settings_version)
    return before == after and not back


def _letter(row: Reminder, what: str, op: str, values: dict[str, str], key: str) -> Letter:
    subject = reminders.letters_of(row.credential_id)
    return Letter(
        team_id=row.team_id,
        delivery_key=f"{subject}:{op}:{key}",
        channel=row.channel,
        what=what,
        values=values,
        op=op,
        subject=subject,
    )


def _hearer(found: Wanting, settings: WorkspaceSettings) -> str:
    """The alert channel; without one the owner, the installer, or who added the registry."""
    registry = found.registry
    people = (registry.owner, settings.preferences.installer, registry.created_by)
    return next((one for one in (settings.alert_channel, *people) if one), "")


def _by_channel(some: Iterable[_Due]) -> list[tuple[str, list[_Due]]]:
    groups: dict[str, list[_Due]] = {}
    for one in some:
        groups.setdefault(one.channel, []).append(one)
    return list(groups.items())
