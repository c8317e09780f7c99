"""From what an incident says to letters in the outbox, past the guard against floods.

Letters hold ids, never words: the message is made from the incident as it is when it is sent.

what                op      subject        values
incident            post    incident:ID    incident, entry
incident            edit    incident:ID    incident, entry
incident_entry      thread  incident:ID    incident, entry, at, by, until, version
incident_escalated  direct  incident:ID    incident, entry, to, at
storm               post    storm:ID       storm
storm               edit    storm:ID       storm
storm_entry         thread  storm:ID       storm, entry, at      (reminded or escalated, each once)
storm_escalated     direct  storm:ID       storm, entry, to, at
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import storm
from bot.core.incident import Act, Entry, Say
from bot.core.preferences import Preferences
from bot.core.storm import Alone, Channel, Gather, Join, Word
from bot.core.timestamp import written
from bot.store import incidents, outbox, storms, workspaces
from bot.store.outbox import DIRECT, EDIT, POST, THREAD, Letter
from bot.store.schema import IncidentRow, Registry, Storm
from bot.usecases.deps import Deps

BATCH: Final = 100
_OF_ALL: Final = frozenset({Entry.REMINDED, Entry.ESCALATED})


@dataclass(frozen=True, slots=True)
class Hearer:
    """Where a workspace hears of its incidents: its alert channel, or whom to tell without one."""

    channel: str
    preferences: Preferences


async def hearer_of(session: AsyncSession, team_id: str, registries: Sequence[Registry]) -> Hearer:
    """The alert channel; without one the first owner, the installer, or who added the registry."""
    settings = await workspaces.settings(session, team_id)
    people = (
        *(row.owner for row in registries),
        settings.preferences.installer,
        *(row.created_by for row in registries),
    )
    channel = settings.alert_channel or next((one for one in people if one), "")
    return Hearer(channel, settings.preferences)


async def hearer(session: AsyncSession, row: IncidentRow) -> Hearer:
    """Where an incident is told of."""
    members = (await incidents.members(session, [row.id])).get(row.id, ())
    return await hearer_of(session, row.team_id, [member.registry for member in members])


async def say(session: AsyncSession, row: IncidentRow, says: Sequence[Say], now: datetime) -> None:
    """Put what an incident says into the outbox; its row is locked and holds the new state."""
    if not says:
        return
    to = await hearer(session, row)
    for one in says:
        if one.act is Act.POST:
            await _announce(session, row, to, now)
        elif one.act is Act.ESCALATE:
            await _escalate(session, row, one, to, now)
        elif row.channel:
            await outbox.put(session, _own_letter(row, one), now)
        if one.act is Act.EDIT and row.closed_at is not None and not row.channel:
            await _withdraw(session, row, to)
        if row.storm_id and one.act is Act.EDIT:
            await _edit_storm(session, row.storm_id, now)
        if row.storm_id and not row.channel and one.act is Act.THREAD and one.entry in _OF_ALL:
            await _storm_entry(session, row.storm_id, one, now)


async def tick_channels(deps: Deps) -> int:
    """Post what waited long enough to know that it is not part of a storm; answers how many."""
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        said = 0
        for row in await storms.ticking(session, now, BATCH):
            channel, words = storm.tick(storms.state_of(row), now)
            await _tell(session, row.team_id, row.channel, words, now)
            await storms.put(session, row, channel)
            said += len(words)
        return said


async def _announce(session: AsyncSession, row: IncidentRow, to: Hearer, now: datetime) -> None:
    if not to.channel:
        return
    state = await storms.locked(session, row.team_id, to.channel)
    incident = incidents.state_of(row)
    channel, words = storm.arrived(storms.state_of(state), row.id, incident.trouble, now)
    await storms.put(session, state, channel)
    await _tell(session, row.team_id, to.channel, words, now)


async def _tell(
    session: AsyncSession, team_id: str, channel: str, words: Sequence[Word], now: datetime
) -> None:
    for word in words:
        match word:
            case Alone(incident_id):
                await _post(session, incident_id, channel, now)
            case Gather(parent, ids):
                await _gather(session, team_id, channel, parent, ids, now)
            case Join(parent, incident_id):
                await incidents.put_in_storm(session, [incident_id], parent)
                await incidents.locked(session, incident_id)  # so that the row we hold knows it
                await _edit_storm(session, parent, now)


async def _post(session: AsyncSession, incident_id: str, channel: str, now: datetime) -> None:
    row = await incidents.locked(session, incident_id)
    if row is None or row.closed_at is not None or row.channel:
        return
    row.channel = channel
    session.add(row)
    await session.flush()
    first = Say(Act.POST, Entry.OPENED, now)
    await outbox.put(session, _own_letter(row, first), now)


async def _gather(
    session: AsyncSession,
    team_id: str,
    channel: str,
    parent: str,
    ids: Sequence[str],
    now: datetime,
) -> None:
    first = await incidents.find(session, parent)
    assert first is not None
    made = Storm(id=parent, team_id=team_id, trouble=first.trouble, channel=channel, opened_at=now)
    await storms.add(session, made)
    await incidents.put_in_storm(session, ids, parent)
    letter = Letter(
        team_id,
        f"storm:{parent}:post",
        channel,
        "storm",
        {"storm": parent},
        POST,
        f"storm:{parent}",
    )
    await outbox.put(session, letter, now)
    for incident_id in ids:
        row = await incidents.locked(session, incident_id)
        if row is not None and row.channel:
            # Its own message stays and points to the parent.
            await outbox.put(session, _own_letter(row, Say(Act.EDIT, Entry.OPENED, now)), now)


async def _edit_storm(session: AsyncSession, storm_id: str, now: datetime) -> None:
    parent = await storms.find(session, storm_id)
    if parent is None:
        return
    letter = Letter(
        parent.team_id,
        f"storm:{storm_id}:edit:{uuid4().hex}",
        parent.channel,
        "storm",
        {"storm": storm_id},
        EDIT,
        f"storm:{storm_id}",
    )
    await outbox.put(session, letter, now)


async def _storm_entry(session: AsyncSession, storm_id: str, one: Say, now: datetime) -> None:
    parent = await storms.find(session, storm_id)
    if parent is None:
        return
    letter = Letter(
        parent.team_id,
        f"storm:{storm_id}:thread:{one.entry}",
        parent.channel,
        "storm_entry",
        {"storm": storm_id, "entry": one.entry, "at": written(one.at) or ""},
        THREAD,
        f"storm:{storm_id}",
    )
    await outbox.put(session, letter, now)


async def _escalate(
    session: AsyncSession, row: IncidentRow, one: Say, to: Hearer, now: datetime
) -> None:
    """To a channel or a person as a message of its own; a group is mentioned in the channel."""
    whom = to.preferences.escalation or to.channel
    channel = to.channel if whom.startswith("S") else whom
    if not channel:
        return
    alone = bool(row.channel) or not row.storm_id
    subject = f"incident:{row.id}" if alone else f"storm:{row.storm_id}"
    kind = "incident" if alone else "storm"
    times = f"{one.at.timestamp():.6f}" if alone else "once"
    letter = Letter(
        row.team_id,
        f"{subject}:escalated:{times}",
        channel,
        f"{kind}_escalated",
        {
            kind: row.id if alone else row.storm_id,
            "entry": one.entry,
            "to": whom,
            "at": written(one.at) or "",
        },
        DIRECT,
        subject,
    )
    await outbox.put(session, letter, now)


async def _withdraw(session: AsyncSession, row: IncidentRow, to: Hearer) -> None:
    """It is over before it was said: nothing waits to be said any more."""
    if row.storm_id or not to.channel:
        return
    state = await storms.locked(session, row.team_id, to.channel)
    channel: Channel = storm.withdrawn(storms.state_of(state), row.id)
    await storms.put(session, state, channel)


def _own_letter(row: IncidentRow, one: Say) -> Letter:
    op = {Act.POST: POST, Act.EDIT: EDIT, Act.THREAD: THREAD}[one.act]
    values = {"incident": row.id, "entry": str(one.entry)}
    key = f"{row.version}:{one.entry}:{one.at.timestamp():.6f}" if op != EDIT else uuid4().hex
    if op == THREAD:
        values |= {
            "at": written(one.at) or "",
            "by": one.by,
            "until": written(one.until) or "",
            "version": str(row.version),
        }
    return Letter(
        team_id=row.team_id,
        delivery_key=f"incident:{row.id}:{op}:{key}",
        channel=row.channel,
        what="incident_entry" if op == THREAD else "incident",
        values=values,
        op=op,
        subject=f"incident:{row.id}",
    )
