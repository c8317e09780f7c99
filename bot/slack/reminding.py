"""What people ask of reminders: what comes when, not now, done elsewhere, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.errors import InvalidInput
from bot.slack import ids
from bot.slack.access import reader
from bot.slack.blocks import Element, input_block, modal, section
from bot.slack.call import Call, call_of
from bot.slack.card import Card, say
from bot.slack.desk import Desk, View
from bot.slack.home import refresh_homes
from bot.slack.metadata import ViewMeta
from bot.slack.people import names
from bot.slack.render_reminder import UNTIL_LAST, plan_card
from bot.slack.state import values_of
from bot.slack.submission import Submission, settle
from bot.slack.words import day, moment
from bot.usecases import reminders
from bot.usecases.reminder_view import ReminderView

MONTHS: Final = 12
Pressed = Callable[[Desk, Call, str], Coroutine[Any, Any, None]]


async def show_plan(desk: Desk, call: Call, value: str) -> None:
    """A page of what will be said when; `value` is `months:page`."""
    months, _, page = value.partition(":")
    wanted = _number(months, MONTHS)
    planned = await reminders.plan(desk.deps, reader(call), wanted)
    shown = min(max(1, wanted), reminders.MONTHS_MAX)
    await desk.answer(call, plan_card(planned, shown, _number(page, 1)))


def months_meant(words: Sequence[str]) -> str:
    """The value for `show_plan` in `6 months`, `6` or `2 years`; a year when nothing was typed."""
    number = next((_number(word.rstrip("my"), 0) for word in words if word[:1].isdecimal()), 0)
    years = any(word.lower().rstrip("s").endswith(("year", "y")) for word in words)
    return f"{(number or 1) * 12 if years else number or MONTHS}:1"


async def snooze(desk: Desk, call: Call, value: str) -> None:
    """For so many days; `value` is `days:credential`. The message shows it a moment later."""
    days, _, credential_id = value.partition(":")
    actor = await desk.people.actor(call)
    view = await reminders.snooze(desk.deps, actor, credential_id, _number(days, 1))
    assert view.snooze is not None
    are = "are" if len(view.names) > 1 else "is"
    until = moment(view.snooze.until)
    text = f"{names(view.names)} {are} snoozed until {until}. {UNTIL_LAST}"
    await desk.tell(call, say("Reminder", text))


async def rotated(desk: Desk, call: Call, credential_id: str) -> None:
    actor = await desk.people.actor(call)
    view = await reminders.rotated_elsewhere(desk.deps, actor, credential_id)
    await desk.tell(call, say("Reminder", _noted(view)))
    await refresh_homes(desk, call.team)


async def ask_owner(desk: Desk, call: Call, credential_id: str) -> None:
    async def build() -> View:
        view = await reminders.view(desk.deps, reader(call), credential_id)
        return owner_form(view, call.channel)

    await desk.form(call, build)


async def submit_owner(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    credential_id = ViewMeta.of(view).credential
    picked = "".join(values_of(view).get("owner", ()))

    async def work(actor: Actor) -> Card:
        if not picked:
            raise InvalidInput({"owner": "Choose somebody."})
        seen = await reminders.assign_owner(desk.deps, actor, credential_id, picked)
        return say("Owner", f"<@{picked}> owns {names(seen.names)} now.", close="Done")

    async def then(_actor: Actor) -> None:
        await refresh_homes(desk, call.team)

    await settle(desk, ack, Submission(call, view, work, then=then))


def owner_form(view: ReminderView, channel: str) -> View:
    """Whom to ask about a registry from now on."""
    element: Element = {"type": "users_select", "action_id": ids.TYPED}
    if view.owner:
        element["initial_user"] = view.owner
    hint = "Mentioned in alerts and reminders, and may snooze them."
    return modal(
        "Assign an owner",
        [
            section(f"Who looks after {names(view.names)}?"),
            input_block(ids.field_block("owner"), "Owner", element, hint=hint),
        ],
        callback_id=ids.OWNER_FORM,
        metadata=ViewMeta(channel, credential=view.credential_id).dump(),
        submit="Assign",
        close="Cancel",
    )


def _noted(view: ReminderView) -> str:
    several = len(view.names) > 1
    text = f"{names(view.names)} {'count' if several else 'counts'} as rotated today."
    if view.expiry is not None and view.expiry.at is not None:
        return (
            f"{text} The secret that Registrar holds still expires {day(view.expiry.at)}: put the "
            "new one in with Edit, or the last two reminders come all the same."
        )
    following = f" The next reminder comes {day(view.next_at)}." if view.next_at else ""
    return text + following


def _number(text: str, otherwise: int) -> int:
    return int(text[:6]) if text[:6].isdecimal() and text.isascii() else otherwise


BUTTONS: Final[dict[str, Pressed]] = {
    ids.REMINDERS: show_plan,
    ids.REMINDERS_PREVIOUS: show_plan,
    ids.REMINDERS_NEXT: show_plan,
    ids.REMINDER_SNOOZE: snooze,
    ids.REMINDER_ROTATED: rotated,
    ids.REMINDER_OWNER: ask_owner,
}
