"""What follows from an answer: incidents open, change and close, and people are told.

An incident is about a credential: registries that sign in to one account with the same secret are
in one incident. A registry without a secret has incidents of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import incident as life
from bot.core import steadiness
from bot.core.health import CALM, Change, Effect, Open, Recover, Trouble
from bot.core.incident import (
    Act,
    Changed,
    Closed,
    Entry,
    Incident,
    Phase,
    Reopened,
    Rules,
    Say,
    Step,
    Tick,
)
from bot.core.registry import Environment
from bot.core.steadiness import Unsteady
from bot.core.strip import percent
from bot.core.timestamp import written
from bot.kinds.registry_kinds import label_of
from bot.store import incidents, outbox, registries, rotations, workspaces
from bot.store.incidents import Member
from bot.store.outbox import Letter
from bot.store.registries import Stored
from bot.store.schema import IncidentRow, Registry
from bot.usecases.saying import hearer_of, say
from bot.usecases.stored_states import pause_of, stored_health

PRODUCTION: Final = str(Environment.PRODUCTION)


async def follow(
    session: AsyncSession, stored: Stored, effects: Iterable[Effect], now: datetime
) -> None:
    """Do what a health decision asks for, in the transaction that stores it."""
    for effect in effects:
        match effect:
            case Open():
                await _open(session, stored, effect, now)
                if effect.trouble is Trouble.REFUSED:
                    await rotations.hasten_waiting(session, stored.registry.id, now)
            case Change():
                await _change(session, stored, effect, now)
            case Recover():
                await close(session, stored.registry, Phase.RECOVERED, now)
            case Unsteady():
                await _unsteady(session, stored.registry, effect, now)


async def close(
    session: AsyncSession, registry: Registry, how: Phase, now: datetime, by: str = ""
) -> None:
    """A registry leaves its open incident, which is over when no other is left in it."""
    row = await incidents.open_of_registry(session, registry.id)
    if row is None:
        return
    await incidents.leave(session, row.id, registry.id, now)
    members = await _members(session, row)
    state = incidents.state_of(row)
    if any(member.stays for member in members):
        # It goes on for the others; the message tells who is left.
        step = Step(state, _edit(state, now))
    else:
        step = _certain(life.decide(state, Closed(how, by), now, Rules()))
    await _put(session, row, step, members, now)


async def retime(session: AsyncSession, registry_id: str, now: datetime) -> None:
    """A pause of this registry began or ended: its incident looks at the time again."""
    row = await incidents.open_of_registry(session, registry_id)
    if row is None:
        return
    state = incidents.state_of(row)
    if not state.announced:
        quiet = None if state.production else (await _rules(session, row.team_id)).quiet
        state = replace(state, announce_at=now if quiet is None else quiet.release(now))
    members = await _members(session, row)
    await _put(session, row, Step(state), members, now)


def paused_until(registries: Sequence[Registry], now: datetime) -> datetime | None:
    """Until when planned work holds for all of them; None when it does not."""
    pauses = [pause_of(row) for row in registries]
    ends = [pause.until for pause in pauses if pause is not None and pause.holds(now)]
    return min(ends) if registries and len(ends) == len(pauses) else None


def key_of(stored: Stored) -> str:
    """What an incident of this registry is about."""
    row, held = stored.registry, stored.credential
    if held is None or not held.fingerprint or not row.login:
        return row.id
    return f"{row.host} {row.login} {held.fingerprint}"


async def tick(session: AsyncSession, row: IncidentRow, now: datetime) -> None:
    """Time passed for an incident whose row is locked."""
    members = await _members(session, row)
    rules = await _rules(session, row.team_id)
    event = Tick(_paused(members, now))
    step = _certain(life.decide(incidents.state_of(row), event, now, rules))
    await _put(session, row, step, members, now)


async def _open(session: AsyncSession, stored: Stored, found: Open, now: datetime) -> None:
    registry, key = stored.registry, key_of(stored)
    if found.trouble is Trouble.SEALED:
        key = registry.id  # the envelope is the registry's own, whoever shares what lies in it
    if found.trouble in CALM:
        key = f"{found.trouble} {key}"  # who of them is refused has an alert beside it
    row = await incidents.open_of_key(session, registry.team_id, key)
    if row is None:
        row = await _reopen(session, stored, key, found, now)
    if row is None and await _opened(session, stored, key, found, now):
        return
    row = row or await incidents.open_of_key(session, registry.team_id, key)
    if row is not None:
        await _join(session, row, registry, now)


async def _opened(
    session: AsyncSession, stored: Stored, key: str, found: Open, now: datetime
) -> bool:
    """Open a new incident; False when another worker opened it at this moment."""
    registry = stored.registry
    rules = await _rules(session, registry.team_id)
    paused = paused_until([registry], now)
    production = registry.environment == PRODUCTION and found.trouble not in CALM
    step = life.open_incident(found, now, rules, production=production, paused_until=paused)
    due = life.next_tick(step.incident, rules, paused_until=paused)
    row = await incidents.add(session, registry.team_id, key, step.incident, due)
    if row is None:
        return False
    await incidents.join(session, row.id, registry.id, now)
    await say(session, row, step.say, now)
    return True


async def _reopen(
    session: AsyncSession, stored: Stored, key: str, found: Open, now: datetime
) -> IncidentRow | None:
    """The incident that recovered less than an hour ago, failing again; None: a new one.

    During planned work it is a new one, which waits for the end of that.
    """
    if paused_until([stored.registry], now) is not None:
        return None
    row = await incidents.last_closed_of_key(session, stored.registry.team_id, key)
    if row is None or not life.reopens(incidents.state_of(row), found, now):
        return None
    await incidents.join(session, row.id, stored.registry.id, now)
    rules = await _rules(session, row.team_id)
    step = _certain(life.decide(incidents.state_of(row), Reopened(found), now, rules))
    await _put(session, row, step, await _members(session, row), now)
    return row


async def _join(session: AsyncSession, row: IncidentRow, registry: Registry, now: datetime) -> None:
    """One more registry fails for the same reason; the message lists it."""
    before = await _members(session, row)
    if any(member.registry.id == registry.id and member.stays for member in before):
        return
    await incidents.join(session, row.id, registry.id, now)
    members = await _members(session, row)
    state = incidents.state_of(row)
    urgent = registry.environment == PRODUCTION and state.trouble not in CALM
    if urgent and not state.production:
        at = state.announce_at if state.announced else now
        state = replace(state, production=True, announce_at=at)
    rules = await _rules(session, row.team_id)
    step = _certain(life.decide(state, Tick(_paused(members, now)), now, rules))
    says = step.say or _edit(step.incident, now)
    await _put(session, row, Step(step.incident, says), members, now)


async def _change(session: AsyncSession, stored: Stored, effect: Change, now: datetime) -> None:
    row = await incidents.open_of_registry(session, stored.registry.id)
    if row is None:
        await _open(session, stored, effect.to, now)
        return
    state = incidents.state_of(row)
    if state.trouble is effect.to.trouble:
        return
    step = _certain(life.decide(state, Changed(effect.to), now, Rules()))
    await _put(session, row, step, await _members(session, row), now)


async def _put(
    session: AsyncSession,
    row: IncidentRow,
    step: Step,
    members: Sequence[Member],
    now: datetime,
) -> None:
    """Store the next state and say what is to be said of it."""
    rules = await _rules(session, row.team_id)
    due = life.next_tick(step.incident, rules, paused_until=_paused(members, now))
    await incidents.put(session, row, step.incident, due)
    await say(session, row, step.say, now)


async def _unsteady(
    session: AsyncSession, registry: Registry, effect: Unsteady, now: datetime
) -> None:
    to = await hearer_of(session, registry.team_id, [registry])
    if not to.channel:
        return
    if paused_until([registry], now) is not None:
        health = stored_health(registry.health_json)
        held = replace(health, record=steadiness.hold(health.record))
        await registries.set_health(session, registry.id, json.dumps(held.to_json()))
        return
    values = about(registry) | {
        "rate": percent(effect.rate),
        "since": written(effect.since) or "",
    }
    key = f"unsteady:{registry.id}:{effect.since.timestamp():.0f}"
    letter = Letter(registry.team_id, key, to.channel, "registry_unsteady", values)
    await outbox.put(session, letter, now)


def about(registry: Registry) -> dict[str, str]:
    """The values of a letter that tell which registry it is about."""
    return {
        "registry": registry.name,
        "host": registry.host,
        "kind_label": label_of(registry.kind),
        "owner": registry.owner,
    }


async def _rules(session: AsyncSession, team_id: str) -> Rules:
    return (await workspaces.settings(session, team_id)).preferences.rules


async def _members(session: AsyncSession, row: IncidentRow) -> tuple[Member, ...]:
    return (await incidents.members(session, [row.id])).get(row.id, ())


def _paused(members: Sequence[Member], now: datetime) -> datetime | None:
    return paused_until([member.registry for member in members if member.stays], now)


def _edit(state: Incident, now: datetime) -> tuple[Say, ...]:
    return (Say(Act.EDIT, Entry.CHANGED, now),) if state.announced else ()


def _certain(step: Step | life.Lost) -> Step:
    assert isinstance(step, Step)  # only a click can be lost
    return step
