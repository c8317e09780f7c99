"""One reminder, one message as the date nears; the replies below it; the summary; the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from bot.core.registry import Environment
from bot.core.reminders import LADDER, Kind
from bot.slack import ids
from bot.slack.blocks import Block, Element, actions, button, option, section, sections
from bot.slack.card import Card
from bot.slack.expiry_words import TELLERS, calendar_day, expiry_day, noun, told_by
from bot.slack.metadata import ListState
from bot.slack.people import names, people, sharing
from bot.slack.text import code, escape
from bot.slack.words import ENVIRONMENTS, ago, count, day, moment
from bot.usecases.reminder_view import Left, ReminderView, Sharer, Stand
from bot.usecases.reminders import PlannedReminder

NEAR: Final = LADDER[0] + 3  # the first step may fall on the Friday before
CALLED: Final = 3  # from so many days before the expiry the owner is mentioned at every step
LISTED: Final = 40
PAGE: Final = 20
SNOOZES: Final = (("1 day", 1), ("3 days", 3), ("1 week", 7), ("2 weeks", 14), ("30 days", 30))
SHARERS: Final = 10
LEFT: Final = {
    None: "",
    Left.REPLACED: "replaced",
    Left.DELETED: "deleted",
    Left.DIED: "refused, see its alert",
}
UNTIL_LAST: Final = "A snooze never covers the last two days before the expiry."


def reminder_card(
    view: ReminderView,
    now: datetime,
    *,
    by: str = "",
    called: Mapping[str, str] | None = None,
    alert: str = "",
) -> Card:
    """The message as the matter stands.

    `by` is the name of who snoozed it or replaced the credential. `called` has the owners' names by
    user id; without it they are mentioned, which calls on them: when it is posted. `alert` links to
    the alert it became.
    """
    if view.stand is not Stand.OPEN:
        return _ended(view, by, alert)
    head = f"{_icon(view, now)} *{_about(view)} {matter(view, now)}*"
    lines = [head, *_advice(view, now), *_places(view, called)]
    if view.snooze is not None and view.snooze.until > now:
        who = f" by {escape(by, 60)}" if by else ""
        lines.append(f"💤 Snoozed{who} until {moment(view.snooze.until)}. {UNTIL_LAST}")
    elif view.next_at is not None and view.next_at > now:
        lines.append(f"Next reminder {day(view.next_at)}.")
    blocks = [*sections(lines), _controls(view)]
    return Card("Reminder", "\n".join(lines), tuple(blocks))


def matter(view: ReminderView, now: datetime) -> str:
    """Such as `expires in 14 days (7 Dec, told by Scaleway)` or `is 97 days old (…)`."""
    left = view.days_left(now)
    if left is None or left > NEAR or view.expiry is None or view.expiry.at is None:
        told = f", told by {TELLERS.get(view.kind, 'the provider')}" if view.age_told else ""
        since = "created" if view.age_told else "stored"
        return (
            f"is {count(_age(view, now), 'day')} old ({since} {day(view.aged_from)}{told}; "
            f"to be rotated every {view.rotate_days:,} days)"
        )
    told = told_by(view.expiry.source, view.kind)
    details = ", ".join(part for part in (expiry_day(view.expiry, view.zone), told) if part)
    if view.expiry.at <= now:
        return f"expired {ago(view.expiry.at, now)} ({details})"
    return f"expires {_in_days(left)} ({details})"


def step_text(view: ReminderView, values: Mapping[str, str], now: datetime) -> str:
    """One reply below the message; near the end it calls the owner."""
    left = view.days_left(now)
    near = values.get("kind") != Kind.AGED and left is not None and left <= CALLED
    owner = f"{people(view.owners)} " if near and view.owners else ""
    return f"{owner}{_icon(view, now)} {sharing(*view.names)} {matter(view, now)}"


def summary_card(views: Sequence[ReminderView], now: datetime) -> Card:
    """What came due while nothing ran: one message for all of it."""
    head = (
        f"🗓 *{count(len(views), 'reminder')} came due while Registrar was not running*; "
        "from now on each comes at its time again."
    )
    nearest = sorted(views, key=lambda view: (_urgency(view, now), view.name))
    lines = [
        f"• {sharing(*view.names)} {matter(view, now)}{_owner(view)}" for view in nearest[:LISTED]
    ]
    if len(views) > LISTED:
        lines.append(f"and {len(views) - LISTED:,} more")
    everything = button("List", ids.LIST, ListState().dump())
    look = actions(button("What comes when", ids.REMINDERS, "12:1"), everything)
    blocks = (section(head), *sections(lines), look)
    return Card("Reminders", "\n".join([head, *lines]), blocks)


def plan_card(planned: Sequence[PlannedReminder], months: int, number: int) -> Card:
    """A page of what will be said when; `number` counts from 1."""
    span = count(months, "month")
    if not planned:
        text = f"Nothing will be said in the next {span}: by then nothing expires or grows too old."
        return Card("Reminders", text, (section(text),))
    pages = -(-len(planned) // PAGE)
    number = max(1, min(number, pages))
    shown = planned[(number - 1) * PAGE : number * PAGE]
    head = f"*What Registrar will say in the next {span}* · {count(len(planned), 'reminder')}"
    lines = [head]
    for month, some in groupby(shown, key=lambda one: f"{one.at:%B %Y}"):
        lines += [f"*{month}*", *(_planned_line(one) for one in some)]
    if pages > 1:
        lines.append(f"Page {number} of {pages}")
    blocks: list[Block] = sections(lines)
    turns = _turns(months, number, pages)
    if turns:
        blocks.append(actions(*turns))
    return Card("Reminders", "\n".join(lines), tuple(blocks))


def _planned_line(one: PlannedReminder) -> str:
    owner = f" · owner <@{escape(one.owner, 30)}>" if one.owner else ""
    if one.says is Kind.AGED:
        return f"{moment(one.at)} · {sharing(*one.names)} is to be rotated, then every week{owner}"
    expiry = one.expiry
    until = ""
    if expiry is not None and expiry.at is not None:
        until = f" ({expiry_day(expiry, one.zone)})"
    if one.says is Kind.EXPIRED:
        return f"{moment(one.at)} · {sharing(*one.names)} has expired{until}{owner}"
    return f"{moment(one.at)} · {sharing(*one.names)} expires {_in_days(one.days)}{until}{owner}"


def _turns(months: int, number: int, pages: int) -> list[Element]:
    elements = []
    if number > 1:
        elements.append(button("‹ Previous", ids.REMINDERS_PREVIOUS, f"{months}:{number - 1}"))
    if number < pages:
        elements.append(button("Next ›", ids.REMINDERS_NEXT, f"{months}:{number + 1}"))
    return elements


def _about(view: ReminderView) -> str:
    """Such as `name: the token`, or of several `a, b and 3 more: the token they share`."""
    share = " they share" if len(view.names) > 1 else ""
    return f"{names(view.names)}: the {noun(view.kind)}{share}"


def _ended(view: ReminderView, by: str, alert: str) -> Card:
    """The last look of the message: why there is nothing to do any more."""
    name, who = names(view.names), f" by {escape(by, 60)}" if by else ""
    match view.stand:
        case Stand.REPLACED:
            line = f"✅ *{name}: replaced{who}.* This reminder is done."
        case Stand.DELETED:
            line = f"🗑 *{name}: deleted{who}.* This reminder is done."
        case Stand.DIED:
            where = f"<{alert}|The alert>" if alert else "The alert"
            line = f"🔴 *{_about(view)} is refused now.* {where} tells more."
        case Stand.ROTATED:
            line = f"✅ *{name}: marked as rotated elsewhere{who}.* {_still(view)}"
        case Stand.SHARED:
            line = f"✅ *{name}: shares its credential.* One reminder tells of it for all who do."
        case _:
            line = f"✅ *{name}: nothing is due any more.* {_following(view)}"
    line = line.strip()
    gone = view.stand is Stand.DELETED
    look = button("Show", ids.SHOW, view.name)
    return Card("Reminder", line, (section(line, None if gone else look),))


def _still(view: ReminderView) -> str:
    """What the secret that is kept here is still worth."""
    if view.expiry is None or view.expiry.at is None:
        return _following(view)
    until = expiry_day(view.expiry, view.zone)
    return f"The one kept here still expires {until}: put the new one in before."


def _following(view: ReminderView) -> str:
    return f"Next reminder {day(view.next_at)}." if view.next_at is not None else ""


def _advice(view: ReminderView, now: datetime) -> list[str]:
    at, left = view.expiry.at if view.expiry else None, view.days_left(now)
    create = f"reate a new {noun(view.kind)} and put it in here"
    if at is not None and at <= now:
        worked = "It worked when it was last checked, so look whether this date is right."
        lines = [worked if view.proven else f"C{create}."]
    elif left is not None and left <= NEAR:
        proves = "Registrar proves it before it takes the place of the old one."
        lines = [f"Rotate it before then: c{create}. {proves}"]
    else:
        lines = [f"C{create}, then delete the old one."]
    if view.disputed and view.typed is not None:
        lines.append(f"⚠ Somebody typed {calendar_day(view.typed)} as its expiry.")
    return lines


def _places(view: ReminderView, called: Mapping[str, str] | None) -> list[str]:
    """Where it is used and who looks after it; of several registries a list, and what is left."""
    owner = f"owner {people(view.owners, called)}" if view.owners else "no owner"
    if len(view.sharers) < 2:
        return [_place(view, owner)]
    still = [one for one in view.sharers if one.left is None]
    lines = [f"{len(view.sharers):,} registries share this credential; {owner}."]
    listed = [*still, *(one for one in view.sharers if one.left is not None)][:SHARERS]
    lines += [f"• {code(one.name)} · {_place(one, LEFT[one.left])}" for one in listed]
    if len(view.sharers) > SHARERS:
        lines.append(f"and {len(view.sharers) - SHARERS:,} more")
    if len(still) > 1:
        lines.append(f"The buttons act for all {len(still):,}.")
    return lines


def _place(one: ReminderView | Sharer, more: str) -> str:
    host = f"{one.host}/{one.path_scope}" if one.path_scope else one.host
    parts = [escape(one.kind_label, 75), escape(host)]
    if one.environment in set(Environment) and one.environment != Environment.ANY:
        parts.append(ENVIRONMENTS[Environment(one.environment)])
    return " · ".join([*parts, more] if more else parts)


def _controls(view: ReminderView) -> Block:
    value = view.credential_id
    options = [option(label, f"{days}:{value}") for label, days in SNOOZES]
    snooze: Element = {
        "type": "static_select",
        "action_id": ids.REMINDER_SNOOZE,
        "placeholder": {"type": "plain_text", "text": "Snooze"},
        "options": options,
    }
    rotate = button("Rotate", ids.ROTATE, view.name, style="primary", says=f"Rotate {view.name}")
    block = actions(
        rotate,
        snooze,
        button("Rotated elsewhere", ids.REMINDER_ROTATED, value),
        button("Assign owner", ids.REMINDER_OWNER, value),
    )
    # Another snooze is another block, so that what was picked does not stay picked.
    until = f"{view.snooze.until.timestamp():.0f}" if view.snooze else ""
    return {**block, "block_id": f"reminder:{value}:{until}"}


def _icon(view: ReminderView, now: datetime) -> str:
    left = view.days_left(now)
    return "⏰" if left is not None and left <= CALLED else "🗓"


def _urgency(view: ReminderView, now: datetime) -> int:
    left = view.days_left(now)
    return left if left is not None and left <= NEAR else NEAR + 1


def _owner(view: ReminderView) -> str:
    return f" · owner {people(view.owners)}" if view.owners else ""


def _age(view: ReminderView, now: datetime) -> int:
    zone = view.zone
    return (now.astimezone(zone).date() - view.aged_from.astimezone(zone).date()).days


def _in_days(days: int) -> str:
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days:,} days")
