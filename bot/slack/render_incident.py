"""One incident, one message, through its life; and what its thread and its escalation say.

Names of people who did something are plain: a mention would call them to what they just did. Only
the owners are mentioned, when the message is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from bot.core.health import CALM, Trouble
from bot.core.incident import Button, Entry, Incident, Phase
from bot.core.registry import Environment
from bot.slack import ids
from bot.slack.blocks import Block, Element, actions, button, option, sections
from bot.slack.card import Card
from bot.slack.people import NAMED, names, people
from bot.slack.text import code, escape
from bot.slack.words import ENVIRONMENTS, count, moment, span
from bot.usecases.incident_view import AffectedView, IncidentView

RED: Final = "#a30200"
YELLOW: Final = "#daa038"
GREY: Final = "#dddddd"
GREEN: Final = "#2eb886"

LISTED: Final = 10

PHASES: Final = {
    Phase.FAILING: ("🔴 Failing", RED),
    Phase.ACKNOWLEDGED: ("🟡 Acknowledged", YELLOW),
    Phase.SNOOZED: ("💤 Snoozed", GREY),
    Phase.RECOVERED: ("✅ Recovered", GREEN),
    Phase.REPLACED: ("✅ Replaced", GREEN),
    Phase.DELETED: ("🗑 Deleted", GREEN),
}
CALM_PHASES: Final = {
    Phase.FAILING: ("⏳ Not proven", GREY),
    Phase.RECOVERED: ("✅ Judged again", GREEN),
}
SINGULAR: Final = {
    Trouble.REFUSED: "is refused",
    Trouble.UNREACHABLE: "is unreachable",
    Trouble.OPEN: "accepts anyone",
    Trouble.BLOCKED: "is blocked",
    Trouble.SEALED: "cannot be tested",
    Trouble.UNJUDGED: "has not been proven",
    Trouble.UNRESOLVED: "has no secret to be tested with",
}
PLURAL: Final = {
    Trouble.REFUSED: "are refused",
    Trouble.UNREACHABLE: "are unreachable",
    Trouble.OPEN: "accept anyone",
    Trouble.BLOCKED: "are blocked",
    Trouble.SEALED: "cannot be tested",
    Trouble.UNJUDGED: "have not been proven",
    Trouble.UNRESOLVED: "have no secret to be tested with",
}
STOPS: Final = {
    Trouble.REFUSED: "Deploys and new pods that pull from {places} will fail; running ones go on.",
    Trouble.UNREACHABLE: (
        "Deploys and new pods that pull from {places} fail while it does not answer; "
        "running ones go on."
    ),
    Trouble.OPEN: "Anyone can pull from {places} without signing in, which was not so before.",
    Trouble.BLOCKED: (
        "Registrar does not connect to {places}, so it cannot tell whether the credential works."
    ),
    Trouble.SEALED: (
        "Pulling from {places} goes on as it is, but Registrar would not notice when it stops."
    ),
    Trouble.UNJUDGED: (
        "Pulling from {places} goes on as it is, but what Registrar says of it is as old as that."
    ),
    Trouble.UNRESOLVED: (
        "Clusters that get their login for {places} from Registrar are left without it when they "
        "next ask; whether the credential works is not known."
    ),
}
FIXED_HERE: Final = {Trouble.REFUSED, Trouble.SEALED, Trouble.UNRESOLVED}
LABELS: Final = {
    Button.FIX: "Fix credential",
    Button.RETEST: "Retest",
    Button.ACKNOWLEDGE: "Acknowledge",
    Button.UNACKNOWLEDGE: "Unacknowledge",
    Button.WAKE: "Wake now",
    Button.MUTE: "Mute",
    Button.UNMUTE: "Unmute",
    Button.VIEW: "View",
}
SNOOZES: Final = (("1 hour", "hour"), ("1 day", "day"), ("Until a date …", "date"))
DONE: Final = {
    Entry.OPENED: "opened it",
    Entry.REOPENED: "opened it again",
    Entry.CHANGED: "changed it",
    Entry.ACKNOWLEDGED: "acknowledged it",
    Entry.UNACKNOWLEDGED: "gave it back",
    Entry.SNOOZED: "snoozed it",
    Entry.WOKEN: "woke it",
    Entry.MUTED: "muted it",
    Entry.UNMUTED: "unmuted it",
    Entry.REMINDED: "reminded of it",
    Entry.ESCALATED: "escalated it",
    Entry.RECOVERED: "saw it recover",
    Entry.REPLACED: "put in another credential",
    Entry.DELETED: "deleted the registry",
}


def incident_card(
    view: IncidentView,
    *,
    by: str = "",
    called: Mapping[str, str] | None = None,
    parent: str = "",
) -> Card:
    """The message as the incident is now.

    `by` is the name of who changed it last, `parent` a link to the list it is part of. `called` has
    the owners' names by user id; without it they are mentioned, which calls on them: when it is
    posted.
    """
    incident = view.incident
    word, color = phase_words(incident.trouble, incident.phase)
    head = f"*{word}* · {headline(view, by)}"
    lines = [head, *_details(view, by, called)]
    if view.storm_id:
        where = f"<{parent}|one message>" if parent else "the message that follows"
        lines.append(f"One of many: {where} lists all of them.")
    blocks: list[Block] = [*sections(lines[:1]), *sections(lines[1:])]
    blocks += _controls(view)
    return Card("Alert", "\n".join(lines), tuple(blocks), color=color)


def phase_words(trouble: Trouble, phase: Phase) -> tuple[str, str]:
    """What a phase is called, and its color; what is no failure is not called one."""
    calm = CALM_PHASES.get(phase) if trouble in CALM else None
    return calm or PHASES[phase]


def headline(view: IncidentView, by: str = "") -> str:
    """What is wrong with what since when; or that it is over, and how long it lasted."""
    incident = view.incident
    names = _names(affected(view))
    several = len(affected(view)) > 1
    since = moment(incident.since)
    if incident.is_open:
        verb = (PLURAL if several else SINGULAR)[incident.trouble]
        return f"*{names}* {verb} since {since}"
    lasted = span((incident.closed_at or incident.since) - incident.since)
    if incident.phase is Phase.DELETED:
        return f"*{names}* {'were' if several else 'was'} deleted{_by(by)}, after {lasted}"
    verb = "work again" if several else "works again"
    if incident.trouble in CALM and incident.phase is Phase.RECOVERED:
        verb = "are judged again" if several else "is judged again"
    how = f", new credential{_by(by)}" if incident.phase is Phase.REPLACED else ""
    return f"*{names}* {verb} after {lasted}{how}"


def affected(view: IncidentView) -> tuple[AffectedView, ...]:
    """The registries it is about: those that still fail; once it is over, all of them."""
    left = tuple(one for one in view.registries if one.left_at is None)
    return left if view.incident.is_open and left else view.registries


def entry_text(view: IncidentView, values: Mapping[str, str], by: str = "") -> str:
    """One thread entry, from the letter's values; an entry that is not known is told plainly."""
    entry, incident = values.get("entry", ""), view.incident
    at, until = _read(values.get("at", "")), _read(values.get("until", ""))
    when = f"{moment(at)} · " if at else ""
    return f"{when}{_entry(entry, incident, until, by)}"


def escalation_card(view: IncidentView, values: Mapping[str, str], link: str = "") -> Card:
    """Where a workspace wants to hear of what nobody took."""
    incident = view.incident
    to = values.get("to", "")
    call = f"<!subteam^{escape(to, 30)}> " if to.startswith("S") else ""
    at = _read(values.get("at", "")) or incident.since
    waited = span(at - incident.waiting_since)
    lines = [
        f"{call}*🚨 Escalated* · {headline(view)}",
        f"Nobody has taken it for {waited}. {escape(incident.sentence, 600)}",
    ]
    if incident.remedy:
        lines.append(escape(incident.remedy, 600))
    lines.append(f"{_link(link, 'The alert')} has everything that is known.")
    pressed = [
        _button(view, Button.FIX, "primary"),
        _button(view, Button.ACKNOWLEDGE),
    ]
    blocks = [*sections(lines[:1]), *sections(lines[1:])]
    if incident.is_open:
        blocks.append(actions(*pressed))
    return Card(
        "Escalation",
        "\n".join(lines),
        tuple(blocks),
        color=phase_words(incident.trouble, incident.phase)[1],
    )


def lost_text(what: Entry, by: str) -> str:
    """For whoever clicked too late; only they see it, so a mention calls nobody."""
    who = f"<@{escape(by, 30)}>" if by else "Registrar"
    if not by and what in {Entry.RECOVERED, Entry.CHANGED, Entry.WOKEN, Entry.REOPENED}:
        told = {
            Entry.RECOVERED: "It has recovered",
            Entry.CHANGED: "The trouble has changed",
            Entry.WOKEN: "Its snooze is over",
            Entry.REOPENED: "It has come back",
        }[what]
        return f"{told} since you saw it, so your click changed nothing."
    return f"{who} {DONE[what]} since you saw it, so your click changed nothing."


def place(one: AffectedView) -> str:
    """Host and path scope, as an image reference begins."""
    return escape(f"{one.host}/{one.path_scope}" if one.path_scope else one.host)


def registry_line(one: AffectedView) -> str:
    """A registry of a list: name, kind, place, environment."""
    parts = [code(one.name), escape(one.kind_label, 75), place(one)]
    environment = one.environment
    if environment in set(Environment) and environment != Environment.ANY:
        parts.append(ENVIRONMENTS[Environment(environment)])
    if one.left_at is not None:
        parts.append("fine again")
    return " · ".join(parts)


def _details(view: IncidentView, by: str, called: Mapping[str, str] | None) -> list[str]:
    incident, those = view.incident, affected(view)
    if not incident.is_open:
        return [f"It was: {escape(incident.sentence, 600)}", *_shared(view)]
    places = unique(place(one) for one in those)
    told = ", ".join(places[:NAMED]) + (f" and {len(places) - NAMED} more" * (len(places) > NAMED))
    lines = [escape(incident.sentence, 600)]
    if incident.remedy:
        lines.append(escape(incident.remedy, 600))
    stops = STOPS[incident.trouble].format(places=told)
    used = count(view.workloads, "workload uses", "workloads use")
    lines.append(f"{stops} {used} it." if view.workloads else stops)
    lines += _shared(view)
    owners = unique(one.owner for one in those if one.owner)
    if owners:
        lines.append(f"Owner {people(owners, called)}")
    return lines + _standing(incident, by)


def _shared(view: IncidentView) -> list[str]:
    """Which registries share it, when there are several."""
    those = view.registries
    if len(those) < 2:
        return []
    lines = [f"{len(those):,} registries share this credential:"]
    lines += [f"• {registry_line(one)}" for one in those[:LISTED]]
    if len(those) > LISTED:
        lines.append(f"and {len(those) - LISTED:,} more")
    return lines


def _standing(incident: Incident, by: str) -> list[str]:
    lines = []
    if incident.phase is Phase.ACKNOWLEDGED:
        taken = _by(by) if incident.last is Entry.ACKNOWLEDGED else ""
        lines.append(f"Acknowledged{taken}: nobody is reminded while it is looked after.")
    if incident.phase is Phase.SNOOZED and incident.until is not None:
        taken = _by(by) if incident.last is Entry.SNOOZED else ""
        lines.append(f"Snoozed{taken} until {moment(incident.until)}.")
    if incident.muted:
        taken = _by(by) if incident.last is Entry.MUTED else ""
        lines.append(f"🔕 Muted{taken}: nobody is reminded, and the thread stays quiet.")
    return lines


def _entry(entry: str, incident: Incident, until: datetime | None, by: str) -> str:
    sentence = escape(incident.sentence, 600)
    match entry:
        case Entry.ACKNOWLEDGED:
            return f"🟡 acknowledged{_by(by)}"
        case Entry.UNACKNOWLEDGED:
            return f"🔴 given back{_by(by)}; it waits for somebody again"
        case Entry.SNOOZED:
            return f"💤 snoozed{_by(by)}" + (f" until {moment(until)}" if until else "")
        case Entry.WOKEN:
            return f"🔴 woken{_by(by)}" if by else "🔴 the snooze is over, and it still fails"
        case Entry.MUTED:
            return f"🔕 muted{_by(by)}; this thread stays quiet from now on"
        case Entry.UNMUTED:
            return f"🔔 unmuted{_by(by)}"
        case Entry.REMINDED:
            waited = _hours(incident)
            return f"⏰ nobody has taken this{waited}: fix it, acknowledge it or snooze it"
        case Entry.ESCALATED:
            return f"🚨 escalated, because nobody has taken this{_hours(incident)}"
        case Entry.CHANGED:
            return f"🔴 the trouble has changed: {sentence}"
        case Entry.REOPENED:
            return f"🔴 it fails again: {sentence}"
        case Entry.RECOVERED:
            how = "judged again" if incident.trouble in CALM else "recovered"
            return f"✅ {how}{_after(incident)}"
        case Entry.REPLACED:
            return f"✅ new credential{_by(by)}, proven; recovered{_after(incident)}"
        case Entry.DELETED:
            return f"🗑 deleted{_by(by)}"
    return escape(entry.replace("_", " "), 60)


def _hours(incident: Incident) -> str:
    return f" since {moment(incident.waiting_since)}"


def _after(incident: Incident) -> str:
    if incident.closed_at is None:
        return ""
    return f" after {span(incident.closed_at - incident.since)}"


def _controls(view: IncidentView) -> list[Block]:
    """The buttons of this state; their values name the version that was on the screen."""
    elements: list[Element] = []
    shown = sorted(view.incident.buttons, key=lambda one: one is not Button.FIX)
    for one in shown:
        if one is Button.SNOOZE:
            elements.append(_snooze(view))
        else:
            elements.append(_button(view, one, "primary" if one is Button.FIX else ""))
    if len(view.registries) > LISTED:
        label = f"Show all ({len(view.registries):,})"
        elements.append(button(label, ids.ALERT_LIST, f"incident:{view.id}:1"))
    block = actions(*elements)
    # Another version is another block, so that a picked snooze does not stay picked.
    return [{**block, "block_id": f"alert:{view.id}:{view.incident.version}"}]


def _button(view: IncidentView, one: Button, style: str = "") -> Element:
    label = LABELS[one]
    if one is Button.FIX and view.incident.trouble not in FIXED_HERE:
        label = "Edit"
    names = ", ".join(each.name for each in affected(view)[:NAMED])
    value = f"{view.id}:{view.incident.version}"
    return button(label, ids.alert(one), value, style=style, says=f"{label}: {names}")


def _snooze(view: IncidentView) -> Element:
    value = f"{view.id}:{view.incident.version}"
    return {
        "type": "static_select",
        "action_id": ids.alert(Button.SNOOZE),
        "placeholder": {"type": "plain_text", "text": "Snooze"},
        "options": [option(label, f"{word}:{value}") for label, word in SNOOZES],
    }


def _names(those: tuple[AffectedView, ...]) -> str:
    return names([one.name for one in those])


def unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _by(name: str) -> str:
    return f" by {escape(name, 60)}" if name else ""


def _link(url: str, words: str) -> str:
    return f"<{url}|{words}>" if url else words


def _read(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
