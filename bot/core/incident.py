"""The life of one incident, which is one message: failing, acknowledged or snoozed, then closed.

Pure: `decide(incident, event, now, rules)` answers with the next state and what to say. A click
carries the version of the state that was on the screen; when somebody was faster, it is `Lost`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.core.check import Cause
from bot.core.health import CALM, Open, Trouble
from bot.core.timestamp import Json, read, written
from bot.core.worktime import QuietHours

REOPENS: Final = timedelta(hours=1)
SNOOZE_SHORTEST: Final = timedelta(minutes=1)
SNOOZE_LONGEST: Final = timedelta(days=90)


class Phase(StrEnum):
    """Where the incident stands; the last three are closed for good."""

    FAILING = "failing"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RECOVERED = "recovered"
    REPLACED = "replaced"  # another credential was stored and proven
    DELETED = "deleted"  # the registry is gone


OPEN_PHASES: Final = frozenset({Phase.FAILING, Phase.ACKNOWLEDGED, Phase.SNOOZED})


class Button(StrEnum):
    """What people may press; `retest` and `fix` change nothing here themselves."""

    RETEST = "retest"
    FIX = "fix"
    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    SNOOZE = "snooze"
    WAKE = "wake"
    MUTE = "mute"
    UNMUTE = "unmute"
    VIEW = "view"


class Entry(StrEnum):
    """A transition, as the thread tells it."""

    OPENED = "opened"
    REOPENED = "reopened"
    CHANGED = "changed"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    SNOOZED = "snoozed"
    WOKEN = "woken"  # by a person, or because the time was over
    MUTED = "muted"
    UNMUTED = "unmuted"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    RECOVERED = "recovered"
    REPLACED = "replaced"
    DELETED = "deleted"


class Act(StrEnum):
    """How it is said."""

    POST = "post"  # the one message; mentions the owner
    EDIT = "edit"  # the same message, as the incident is now
    THREAD = "thread"  # one reply under it
    ESCALATE = "escalate"  # to the workspace's escalation channel or group


@dataclass(frozen=True, slots=True)
class Say:
    """One thing to say; `by` is a Slack user id, empty when nobody did it."""

    act: Act
    entry: Entry
    at: datetime
    by: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a workspace settled on; None switches off. Quiet hours hold back both reminders."""

    remind_after: timedelta | None = timedelta(hours=4)
    escalate_after: timedelta | None = timedelta(hours=24)
    quiet: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident; stored as JSON in its row.

    `version` grows with every change of what can be pressed; `last` and `by` tell of that change.
    `announce_at` is when the message may be posted, `announced` whether it was. `waiting_since` is
    the start of the time nobody took it.
    """

    trouble: Trouble
    since: datetime
    opened_at: datetime
    sentence: str
    waiting_since: datetime
    announce_at: datetime
    remedy: str = ""
    cause: Cause | None = None
    production: bool = False
    phase: Phase = Phase.FAILING
    version: int = 1
    last: Entry = Entry.OPENED
    by: str = ""
    until: datetime | None = None
    muted: bool = False
    announced: bool = False
    reminded: bool = False
    escalated: bool = False
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.phase in OPEN_PHASES

    @property
    def buttons(self) -> tuple[Button, ...]:
        if not self.is_open:
            return (Button.VIEW,)
        mute = Button.UNMUTE if self.muted else Button.MUTE
        return (Button.RETEST, Button.FIX, *_TAKEN[self.phase], mute)

    def to_json(self) -> Json:
        stored = {name: getattr(self, name) for name in _PLAIN}
        return {**stored, **{name: written(getattr(self, name)) for name in _TIMES}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Incident:
        plain = {name: stored[name] for name in _PLAIN if name in stored}
        times: dict[str, Any] = {name: read(stored, name) for name in _TIMES}
        values: dict[str, Any] = {**plain, **times}
        cause = values.get("cause")
        values |= {
            "trouble": Trouble(values["trouble"]),
            "cause": Cause(cause) if cause else None,
            "phase": Phase(values["phase"]),
            "last": Entry(values["last"]),
        }
        return cls(**values)


_TAKEN: Final = {
    Phase.FAILING: (Button.ACKNOWLEDGE, Button.SNOOZE),
    Phase.ACKNOWLEDGED: (Button.UNACKNOWLEDGE, Button.SNOOZE),
    Phase.SNOOZED: (Button.WAKE, Button.ACKNOWLEDGE),
}
_HARMLESS: Final = frozenset({Button.RETEST, Button.FIX, Button.VIEW})
_TIMES: Final = ("since", "opened_at", "waiting_since", "announce_at", "until", "closed_at")
_PLAIN: Final = (
    "trouble", "sentence", "remedy", "cause", "production", "phase", "version", "last", "by",
    "muted", "announced", "reminded", "escalated",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Click:
    """A button pressed on the message that showed `version`; `until` belongs to a snooze."""

    button: Button
    version: int
    by: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """The checks found another trouble behind it."""

    found: Open


@dataclass(frozen=True, slots=True)
class Closed:
    """It is over: `how` is one of the closed phases; `by` who replaced or deleted."""

    how: Phase
    by: str = ""


@dataclass(frozen=True, slots=True)
class Reopened:
    """The same trouble came back within the hour (see `reopens`): the same message turns red."""

    found: Open


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed; `paused_until` is the end of a maintenance window that holds now."""

    paused_until: datetime | None = None


Event = Click | Changed | Closed | Reopened | Tick


@dataclass(frozen=True, slots=True)
class Step:
    """The next state and what to say, in this order."""

    incident: Incident
    say: tuple[Say, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """The click came too late: `by` did `what` since the state it was meant for."""

    by: str
    what: Entry


def open_incident(
    found: Open,
    now: datetime,
    rules: Rules,
    *,
    production: bool,
    paused_until: datetime | None = None,
) -> Step:
    """A new incident, announced at once unless planned work or quiet hours hold it back.

    Quiet hours never hold back a production registry. If it recovers before it was announced,
    nobody hears of it.
    """
    announce_at = _announce_at(now, rules, production=production, paused_until=paused_until)
    incident = Incident(
        trouble=found.trouble, cause=found.cause, sentence=found.sentence, remedy=found.remedy,
        since=found.since, opened_at=now, production=production,
        waiting_since=announce_at, announce_at=announce_at,
    )  # fmt: skip
    return _tick(incident, Tick(paused_until), now, rules)


def reopens(incident: Incident, found: Open, now: datetime) -> bool:
    """Whether a new finding belongs to this incident, which recovered less than an hour ago."""
    return (
        incident.phase is Phase.RECOVERED
        and incident.announced
        and incident.trouble is found.trouble
        and incident.closed_at is not None
        and now < incident.closed_at + REOPENS
    )


def decide(incident: Incident, event: Event, now: datetime, rules: Rules) -> Step | Lost:
    """The next state and what to say; `Lost` only for a click."""
    match event:
        case Click():
            return _click(incident, event, now)
        case Tick():
            return _tick(incident, event, now, rules)
        case Changed():
            return _changed(incident, event.found, now)
        case Closed():
            return _closed(incident, event, now)
        case Reopened():
            return _reopened(incident, event.found, now)


def next_tick(
    incident: Incident, rules: Rules, *, paused_until: datetime | None = None
) -> datetime | None:
    """When `Tick` is due next; None when only an event can change the incident."""
    if not incident.is_open:
        return None
    if not incident.announced:
        return _later(incident.announce_at, paused_until)
    if incident.phase is Phase.SNOOZED:
        return incident.until
    if incident.phase is not Phase.FAILING or incident.muted:
        return None
    times = [after for _, after in _pending(incident, rules)]
    if not times:
        return None
    at = _later(min(times), paused_until)
    return at if rules.quiet is None else rules.quiet.release(at)


def _later(at: datetime, other: datetime | None) -> datetime:
    return at if other is None else max(at, other)


def _announce_at(
    now: datetime, rules: Rules, *, production: bool, paused_until: datetime | None
) -> datetime:
    at = _later(now, paused_until)
    return at if production or rules.quiet is None else rules.quiet.release(at)


def _pending(incident: Incident, rules: Rules) -> list[tuple[Entry, datetime]]:
    """The reminders still to come, with their times before quiet hours; none of what is calm."""
    pending: list[tuple[Entry, datetime]] = []
    if incident.trouble in CALM:
        return pending
    if rules.remind_after is not None and not incident.reminded:
        pending.append((Entry.REMINDED, incident.waiting_since + rules.remind_after))
    if rules.escalate_after is not None and not incident.escalated:
        pending.append((Entry.ESCALATED, incident.waiting_since + rules.escalate_after))
    return pending


def _tick(incident: Incident, tick: Tick, now: datetime, rules: Rules) -> Step:
    due = next_tick(incident, rules, paused_until=tick.paused_until)
    if due is None or now < due:
        return Step(incident)
    if not incident.announced:
        announced = replace(incident, announced=True, waiting_since=now)
        return Step(announced, (Say(Act.POST, Entry.OPENED, now),))
    if incident.phase is Phase.SNOOZED:
        return _told(_moved(incident, Phase.FAILING, Entry.WOKEN, now), now)
    return _remind(incident, now, rules)


def _remind(incident: Incident, now: datetime, rules: Rules) -> Step:
    """What is due; after a long silence of our own both at once, the reminder as the escalation."""
    due = {entry for entry, at in _pending(incident, rules) if at <= now}
    if Entry.ESCALATED in due:
        told = replace(incident, reminded=True, escalated=True)
        say = (Say(Act.ESCALATE, Entry.ESCALATED, now), Say(Act.THREAD, Entry.ESCALATED, now))
        return Step(told, say)
    return Step(replace(incident, reminded=True), (Say(Act.THREAD, Entry.REMINDED, now),))


def _click(incident: Incident, click: Click, now: datetime) -> Step | Lost:
    stale = click.version != incident.version and click.button not in _HARMLESS
    if stale or click.button not in incident.buttons:
        return Lost(incident.by, incident.last)
    match click.button:
        case Button.ACKNOWLEDGE:
            step = _moved(incident, Phase.ACKNOWLEDGED, Entry.ACKNOWLEDGED, now, click.by)
        case Button.UNACKNOWLEDGE:
            step = _moved(incident, Phase.FAILING, Entry.UNACKNOWLEDGED, now, click.by)
        case Button.WAKE:
            step = _moved(incident, Phase.FAILING, Entry.WOKEN, now, click.by)
        case Button.SNOOZE:
            until = min(
                max(click.until or now + timedelta(hours=1), now + SNOOZE_SHORTEST),
                now + SNOOZE_LONGEST,
            )
            step = _moved(incident, Phase.SNOOZED, Entry.SNOOZED, now, click.by, until)
        case Button.MUTE:
            step = _marked(incident, Entry.MUTED, click.by, muted=True)
        case Button.UNMUTE:
            step = _marked(incident, Entry.UNMUTED, click.by, muted=False)
        case Button.RETEST | Button.FIX | Button.VIEW:
            return Step(incident)
    return _told(step, now)


def _moved(
    incident: Incident,
    phase: Phase,
    entry: Entry,
    now: datetime,
    by: str = "",
    until: datetime | None = None,
) -> Incident:
    """The incident in another phase; to fail again starts the wait for somebody anew."""
    fails_anew = phase is Phase.FAILING
    return replace(
        incident,
        phase=phase, last=entry, by=by, until=until, version=incident.version + 1,
        waiting_since=now if fails_anew else incident.waiting_since,
        reminded=incident.reminded and not fails_anew,
    )  # fmt: skip


def _marked(incident: Incident, entry: Entry, by: str, *, muted: bool) -> Incident:
    return replace(incident, muted=muted, last=entry, by=by, version=incident.version + 1)


def _told(incident: Incident, now: datetime) -> Step:
    """The message is edited and the thread gets its entry; nothing before it was announced."""
    if not incident.announced:
        return Step(incident)
    edit = Say(Act.EDIT, incident.last, now, incident.by, incident.until)
    spoken = not incident.muted or incident.last is Entry.MUTED
    return Step(incident, (edit, replace(edit, act=Act.THREAD)) if spoken else (edit,))


def _changed(incident: Incident, found: Open, now: datetime) -> Step:
    if not incident.is_open:
        return Step(incident)
    turned = replace(
        incident,
        trouble=found.trouble, cause=found.cause, sentence=found.sentence, remedy=found.remedy,
    )  # fmt: skip
    if incident.phase is Phase.FAILING:
        return _told(replace(turned, last=Entry.CHANGED, by="", version=turned.version + 1), now)
    # Who took it, took another trouble: it is theirs no more.
    return _told(_moved(turned, Phase.FAILING, Entry.CHANGED, now), now)


def _closed(incident: Incident, closed: Closed, now: datetime) -> Step:
    if not incident.is_open:
        return Step(incident)
    entry = {
        Phase.RECOVERED: Entry.RECOVERED,
        Phase.REPLACED: Entry.REPLACED,
        Phase.DELETED: Entry.DELETED,
    }[closed.how]
    over = replace(_moved(incident, closed.how, entry, now, closed.by), closed_at=now)
    return _told(over, now)


def _reopened(incident: Incident, found: Open, now: datetime) -> Step:
    if not reopens(incident, found, now):
        return Step(incident)
    again = replace(
        _moved(incident, Phase.FAILING, Entry.REOPENED, now),
        cause=found.cause, sentence=found.sentence, remedy=found.remedy, closed_at=None,
    )  # fmt: skip
    return _told(again, now)
