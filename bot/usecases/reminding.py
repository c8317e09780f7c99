"""The clock's part of reminders: what is due is said, what has changed is planned anew.

A workspace is looked at in one transaction, so what was said and the letter that says it commit
together, and two workers never say the same. Registries that share one credential are looked at
together, and the row of one of them speaks for all. Letters hold ids, never words:

what               op      subject                 values
reminder           post    reminder:CREDENTIAL     credential
reminder           edit    reminder:CREDENTIAL     credential
reminder_step      thread  reminder:CREDENTIAL     credential, kind, days
reminder_summary   post                            credentials (ids, joined by commas)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
from bot.store.reminders import DIED, ENDED, FOLLOWS, OPEN_MESSAGE, QUIET, Wanting
from bot.store.schema import Reminder
from bot.usecases.deps import Deps
from bot.usecases.shared_credential import grouped, lead_of, living, mark_of, story_of

TEAMS: Final = 100
BATCH: Final = 1000
NEW: Final = 200  # credentials planned for the first time in one transaction
ROUNDS: Final = 10
IN_DOUBT: Final = timedelta(minutes=5)
LATE: Final = timedelta(minutes=15)  # later than this, it was missed while nothing ran
AT_ONCE: Final = 3  # more missed ones than this are told in one message


@dataclass(frozen=True, slots=True)
class _Due:
    """A reminder to say now, of those that share a credential, and where."""

    group: Sequence[Wanting]
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

    def subject(self, group: Sequence[Wanting], row: Reminder) -> Subject:
        return story_of(group, row, self.hours.zone).subject


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
    for group in await _groups(turn, some):
        found_due, letters = await _consider(turn, group)
        wanted += found_due
        said += letters
    late = [one for one in wanted if turn.now - one.step.at > LATE]
    listed: set[str] = set()
    for channel, group_of_late in _by_channel(late):
        if len(group_of_late) > AT_ONCE:
            said += await _summarise(turn, channel, group_of_late)
            listed |= {one.row.credential_id for one in group_of_late}
    for one in wanted:
        if one.row.credential_id not in listed:
            said += await _say(turn, one)
        reminders.said(one.row, one.step)
        _wait(turn, one.group, one.row)
    return said


async def _groups(turn: _Turn, some: Sequence[Wanting]) -> list[list[Wanting]]:
    """Each of them with all that share its credential, whether they want a look or not."""
    prints = {one.credential.fingerprint for one in some}
    sharing = await reminders.sharing(turn.session, turn.team_id, prints)
    known = {one.credential.id for one in sharing}
    alone = [one for one in some if one.credential.id not in known]
    wanted = {mark_of(one) for one in some}
    return [group for group in grouped([*sharing, *alone]) if mark_of(group[0]) in wanted]


async def _consider(turn: _Turn, group: Sequence[Wanting]) -> tuple[list[_Due], int]:
    """What is to be said of one credential now, if anything, and how many letters were written."""
    lined_up = await _line_up(turn, group)
    if lined_up is None:
        return [], 0
    kept, lead, letters, changed = lined_up
    if not kept:
        return [], letters
    row = lead.reminder
    assert row is not None
    as_before = [_note_basis(one, turn.version) for one in kept]
    fits = all(as_before) and not changed
    about = living(kept)
    if not about:
        return [], letters + await _die(turn, kept, row)
    subject = turn.subject(about, row)
    step = due(subject, turn.hours, reminders.said_of(row), turn.now)
    if step is not None and any(one.registry.verdict == Verdict.REFUSED for one in about):
        # It was just refused: either that is confirmed and the alert speaks, or it is over soon.
        row.next_at = turn.now + IN_DOUBT
        reminders.put(turn.session, row)
        return [], letters
    if step is not None:
        return [_Due(about, row, step, _hearer(lead, about, turn.settings))], letters
    if row.state == OPEN_MESSAGE:
        until = turn.now + timedelta(microseconds=1)
        if not fits and not plan(subject, turn.hours, subject.known_at, until):
            row.state = QUIET  # another date or rule: nothing is near any more
        letters += await edit_message(turn.session, row, turn.now)
    _wait(turn, about, row)
    return [], letters


async def _line_up(
    turn: _Turn, group: Sequence[Wanting]
) -> tuple[list[Wanting], Wanting, int, bool] | None:
    """Have one row speak for all that share the credential, and end what does not have it any more.

    Answers those in force, the one that speaks, how many letters were written, and whether it is
    about others than before; None when it is to be looked at later.
    """
    kept = []
    for one in group:
        if one.kept:
            row = await _row(turn.session, one)
            if row is None:
                return None
            kept.append(replace(one, reminder=row))
    gone = [one for one in group if not one.kept and _row_of(one).state != ENDED]
    if not kept:
        return [], group[0], await _end(turn, gone), True
    fresh = any(one.reminder is None for one in group if one.kept)
    lead = lead_of([*kept, *gone])
    heir = lead if lead.kept and not lead.dead else lead_of(living(kept) or kept)
    if heir is not lead and not (lead.kept and not living(kept)):
        if not await _hand_over(turn.session, _row_of(lead), _row_of(heir)):
            return None
        lead = heir
    row = _row_of(lead)
    row.lead, row.state = "", QUIET if row.state == FOLLOWS else row.state
    others = [one for one in [*kept, *gone] if one.credential.id != lead.credential.id]
    letters = sum([await _follow(turn, one, row) for one in others])
    changed = fresh or bool(gone)
    if changed:
        here = [one.credential.id for one in group]
        await reminders.let_go(turn.session, lead.credential.id, here)
    return kept, lead, letters, changed


async def _hand_over(session: AsyncSession, lead: Reminder, heir: Reminder) -> bool:
    """What was said, with its message, goes over to another of those that share the credential.

    False while a letter waits: where its message stands will be known in a moment.
    """
    if await reminders.is_being_posted(session, lead.credential_id):
        return False
    await session.refresh(lead)  # or its place may have become known just now
    stood = lead.state in {OPEN_MESSAGE, DIED} and lead.ts
    heir.state = OPEN_MESSAGE if stood else QUIET
    heir.said_json, heir.snooze_json = lead.said_json, lead.snooze_json
    heir.rotated_at, heir.channel, heir.ts = lead.rotated_at, lead.channel, lead.ts
    lead.state, lead.channel, lead.ts = FOLLOWS, "", ""
    return True


async def _follow(turn: _Turn, one: Wanting, lead: Reminder) -> int:
    """Another row speaks for this one; a message of its own says so for the last time."""
    row = _row_of(one)
    own = not row.lead and bool(row.ts)
    before = (row.lead, row.state, row.next_at)
    row.lead, row.next_at = lead.credential_id, None
    row.state = ENDED if not one.kept else DIED if one.dead else FOLLOWS
    if before != (row.lead, row.state, row.next_at):
        reminders.put(turn.session, row)
    return await edit_message(turn.session, row, turn.now) if own else 0


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
        settings_version=-1,  # not planned yet
    )
    edited = found.registry.version > 1
    before = await reminders.of_same_secret(session, credential) if edited else None
    if before is None:
        return row
    if await reminders.is_being_posted(session, before.credential_id):
        return None  # where its message stands will be known in a moment
    await session.refresh(before)  # or its place may have become known just now
    row.state = OPEN_MESSAGE if before.state == OPEN_MESSAGE and before.ts else QUIET
    row.lead = before.lead
    await reminders.pass_on(session, before.credential_id, row.credential_id)
    row.said_json, row.snooze_json = before.said_json, before.snooze_json
    row.rotated_at, row.channel, row.ts = before.rotated_at, before.channel, before.ts
    before.state, before.next_at, before.channel, before.ts = ENDED, None, "", ""
    reminders.put(session, before)
    reminders.put(session, row)
    return row


async def _end(turn: _Turn, gone: Sequence[Wanting]) -> int:
    """It was replaced or deleted everywhere: its message says so for the last time."""
    letters = 0
    for row in map(_row_of, gone):
        stood = row.state == OPEN_MESSAGE
        row.state, row.next_at = ENDED, None
        reminders.put(turn.session, row)
        letters += await edit_message(turn.session, row, turn.now) if stood else 0
    return letters


async def _die(turn: _Turn, kept: Sequence[Wanting], lead: Reminder) -> int:
    """It is refused everywhere: the message becomes the alert."""
    stood = lead.state == OPEN_MESSAGE
    for row in map(_row_of, kept):
        row.state, row.next_at = DIED, None
        reminders.put(turn.session, row)
    return await edit_message(turn.session, lead, turn.now) if stood else 0


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


def _wait(turn: _Turn, group: Sequence[Wanting], row: Reminder) -> None:
    """Sleep until the next step; an open message that counts days is redrawn every day."""
    now, hours = turn.now, turn.hours
    subject = turn.subject(group, row)
    row.next_at = next_due(subject, hours, reminders.said_of(row), now)
    if row.state == OPEN_MESSAGE and _counts_days(subject, now):
        tomorrow = hours.start_of(now.astimezone(hours.zone).date() + DAY)
        row.next_at = min(row.next_at or tomorrow, tomorrow)
    reminders.put(turn.session, row)


def _counts_days(subject: Subject, now: datetime) -> bool:
    at = subject.expires_at
    return at is not None and now - DAY < at < now + (LADDER[0] + 3) * DAY


def _note_basis(found: Wanting, version: int) -> bool:
    """Write down what it is planned with; answers whether that is as it was.

    Who comes back, restored or working again, takes its message up where it stands.
    """
    credential, registry, row = found.credential, found.registry, _row_of(found)
    before = (row.expires_at, row.issued_at, row.rotate_days, row.settings_version)
    row.expires_at, row.issued_at = credential.expires_at, credential.issued_at
    row.rotate_days, row.settings_version = registry.rotate_days, version
    back = not row.lead and row.state in {ENDED, DIED} and not found.dead
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


def _hearer(lead: Wanting, about: Sequence[Wanting], settings: WorkspaceSettings) -> str:
    """The alert channel; without one the first owner, the installer, or who added the registry."""
    those = [lead.registry, *(one.registry for one in about)]
    owners, makers = [one.owner for one in those], [one.created_by for one in those]
    people = (settings.alert_channel, *owners, settings.preferences.installer, *makers)
    return next((one for one in people if one), "")


def _row_of(found: Wanting) -> Reminder:
    assert found.reminder is not None
    return found.reminder


def _by_channel(some: Iterable[_Due]) -> list[tuple[str, list[_Due]]]:
    groups: dict[str, list[_Due]] = {}
    for one in some:
        groups.setdefault(one.channel, []).append(one)
    return list(groups.items())
