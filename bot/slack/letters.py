"""From letters of the outbox to messages: one table, a line for each thing that can be told.

Letters hold ids, so a message tells how things are when it is sent, not when it was put in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.errors import NotFound
from bot.slack.blocks import sections
from bot.slack.card import Card
from bot.slack.names import Links, Names
from bot.slack.people import MENTIONED
from bot.slack.render_gate import answer_card, request_card
from bot.slack.render_incident import entry_text, escalation_card, incident_card
from bot.slack.render_news import news_card
from bot.slack.render_notice import NOTICES, notice_card
from bot.slack.render_reminder import reminder_card, step_text, summary_card
from bot.slack.render_rotation import entry_text as rotation_entry_text
from bot.slack.render_rotation import rotation_card
from bot.slack.render_storm import (
    storm_card,
    storm_entry_text,
    storm_escalation_card,
    storm_owners,
)
from bot.usecases import image_requests, incident_view, reminder_view, rotations
from bot.usecases.deps import Deps
from bot.usecases.image_requests import RequestView
from bot.usecases.incident_view import IncidentView, StormView
from bot.usecases.outbox import POST, OutboxMessage
from bot.usecases.reminder_view import ReminderView, Stand
from bot.usecases.rotations import RotationView


@dataclass(frozen=True, slots=True)
class Worded:
    """A message, and who hears of it when its channel is closed to us: user ids, in this order."""

    card: Card
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scribe:
    """What words a letter: the use cases, people's names, links to messages."""

    deps: Deps
    names: Names
    links: Links


Wording = Callable[[Scribe, OutboxMessage], Awaitable[Worded | None]]
"""None: there is nothing to tell any more."""


async def worded(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    """The words of a letter; one that the table does not know is told as news."""
    return await WORDS.get(message.what, _news)(scribe, message)


def with_lead(card: Card, lead: str) -> Card:
    """The same with something that is to be known first."""
    blocks = (*sections([lead]), *card.blocks)
    return replace(card, text=f"{lead}\n{card.text}", blocks=blocks)


async def _news(_scribe: Scribe, message: OutboxMessage) -> Worded:
    owner = message.values.get("owner", "")
    return Worded(news_card(message.what, message.values), (owner,) if owner else ())


async def _notice(_scribe: Scribe, message: OutboxMessage) -> Worded:
    owner = message.values.get("owner", "")
    return Worded(notice_card(message.what, message.values), (owner,) if owner else ())


async def _incident(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await _view(scribe, message)
    if view is None:
        return None
    by = await scribe.names.of(view.incident.by)
    parent = await scribe.links.to(*view.parent) if view.parent else ""
    called = None if message.op == POST else await _called(scribe, view.owners)
    card = incident_card(view, by=by, called=called, parent=parent)
    return Worded(card, view.owners)


async def _incident_entry(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await _view(scribe, message)
    if view is None:
        return None
    by = await scribe.names.of(message.values.get("by", ""))
    return Worded(_line(entry_text(view, message.values, by)), view.owners)


async def _incident_escalated(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await _view(scribe, message)
    if view is None or not view.incident.is_open:
        return None
    link = await scribe.links.to(view.channel, view.ts)
    return Worded(escalation_card(view, message.values, link), view.owners)


async def _storm(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await _storm_view(scribe, message)
    if view is None:
        return None
    called = None if message.op == POST else await _called(scribe, storm_owners(view))
    return Worded(storm_card(view, called=called), _owners(view))


async def _storm_entry(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await _storm_view(scribe, message)
    if view is None:
        return None
    return Worded(_line(storm_entry_text(view, message.values)), _owners(view))


async def _storm_escalated(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await _storm_view(scribe, message)
    if view is None or not any(one.incident.is_open for one in view.incidents):
        return None
    link = await scribe.links.to(view.channel, view.ts)
    return Worded(storm_escalation_card(view, message.values, link), _owners(view))


async def _reminder(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await reminder_view.load(scribe.deps, message.values.get("credential", ""))
    if view is None:
        return None
    by = await scribe.names.of(_who(view))
    called = None if message.op == POST else await _called(scribe, view.owners)
    alert = await scribe.links.to(*view.alert) if view.alert else ""
    card = reminder_card(view, scribe.deps.clock.now(), by=by, called=called, alert=alert)
    return Worded(card, view.owners)


async def _reminder_step(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await reminder_view.load(scribe.deps, message.values.get("credential", ""))
    if view is None or view.stand is not Stand.OPEN:
        return None
    text = step_text(view, message.values, scribe.deps.clock.now())
    return Worded(_line(text), view.owners)


async def _reminder_summary(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    names = message.values.get("credentials", "").split(",")
    views = await reminder_view.load_all(scribe.deps, message.team_id, names)
    still = [one for one in views if one.stand not in {Stand.REPLACED, Stand.DELETED}]
    if not still:
        return None
    owners = dict.fromkeys(who for one in still for who in one.owners)
    return Worded(summary_card(still, scribe.deps.clock.now()), tuple(owners))


async def _image_request(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await _request(scribe, message)
    if view is None:
        return None
    return Worded(request_card(view, await scribe.names.of(view.decided_by)))


async def _image_request_answered(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await _request(scribe, message)
    return None if view is None else Worded(answer_card(view))


async def _rotation(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await _rotation_view(scribe, message)
    if view is None:
        return None
    owners = (view.owner,) if view.owner else ()
    return Worded(rotation_card(view, await scribe.names.of(view.state.by)), owners)


async def _rotation_entry(scribe: Scribe, message: OutboxMessage) -> Worded | None:
    view = await _rotation_view(scribe, message)
    if view is None:
        return None
    by = await scribe.names.of(message.values.get("by", ""))
    owners = (view.owner,) if view.owner else ()
    return Worded(_line(rotation_entry_text(view, message.values, by)), owners)


async def _rotation_view(scribe: Scribe, message: OutboxMessage) -> RotationView | None:
    try:
        return await rotations.view(
            scribe.deps, message.team_id, message.values.get("rotation", "")
        )
    except NotFound:
        return None


async def _request(scribe: Scribe, message: OutboxMessage) -> RequestView | None:
    try:
        return await image_requests.view(
            scribe.deps, message.team_id, message.values.get("request", "")
        )
    except NotFound:
        return None


def _who(view: ReminderView) -> str:
    """Who did what the message tells of: the user who replaced, deleted or snoozed it."""
    changed = view.stand in {Stand.REPLACED, Stand.DELETED}
    return view.updated_by if changed else view.snoozed_by


async def _called(scribe: Scribe, users: Sequence[str]) -> dict[str, str]:
    """Names by user id, of as many as a message names."""
    return {user: await scribe.names.of(user) for user in users[:MENTIONED]}


async def _view(scribe: Scribe, message: OutboxMessage) -> IncidentView | None:
    return await incident_view.load(scribe.deps, message.values.get("incident", ""))


async def _storm_view(scribe: Scribe, message: OutboxMessage) -> StormView | None:
    return await incident_view.load_storm(scribe.deps, message.values.get("storm", ""))


def _owners(view: StormView) -> tuple[str, ...]:
    return tuple(dict.fromkeys(owner for one in view.incidents for owner in one.owners))


def _line(text: str) -> Card:
    return Card("Alert", text, tuple(sections([text])))


WORDS: Final[Mapping[str, Wording]] = {
    "image_request": _image_request,
    "image_request_answered": _image_request_answered,
    "incident": _incident,
    "incident_entry": _incident_entry,
    "incident_escalated": _incident_escalated,
    "reminder": _reminder,
    "reminder_step": _reminder_step,
    "reminder_summary": _reminder_summary,
    "rotation": _rotation,
    "rotation_entry": _rotation_entry,
    "storm": _storm,
    "storm_entry": _storm_entry,
    "storm_escalated": _storm_escalated,
    **dict.fromkeys(NOTICES, _notice),
}
