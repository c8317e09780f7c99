"""What people press on alerts: each click acts on the state that was on the screen, or on none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from bot.core.incident import Button, Click, Lost
from bot.errors import NotFound
from bot.slack import ids
from bot.slack.access import reader
from bot.slack.call import Call, Place
from bot.slack.card import say
from bot.slack.desk import Desk, View
from bot.slack.reading import show_registry
from bot.slack.render_incident import affected, lost_text
from bot.slack.render_storm import Row, pages_card, rows_of
from bot.slack.saving import open_edit
from bot.slack.snooze_form import snooze_form
from bot.slack.testing import check_one
from bot.slack.words import count, moment
from bot.usecases import incident_view, incidents, workspaces
from bot.usecases.incident_view import IncidentView

Pressed = Callable[[Desk, Call, str], Coroutine[Any, Any, None]]

SNOOZE_FOR: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
DONE: Final = {
    Button.ACKNOWLEDGE: "Acknowledged.",
    Button.UNACKNOWLEDGE: "Given back: it waits for somebody again.",
    Button.WAKE: "Woken.",
    Button.MUTE: "Muted.",
    Button.UNMUTE: "Unmuted.",
}


async def retest(desk: Desk, call: Call, value: str) -> None:
    await check_one(desk, call, await _first(desk, call, value))


async def fix(desk: Desk, call: Call, value: str) -> None:
    await open_edit(desk, call, await _first(desk, call, value))


async def view(desk: Desk, call: Call, value: str) -> None:
    await show_registry(desk, call, await _first(desk, call, value))


async def snooze(desk: Desk, call: Call, value: str) -> None:
    """For an hour, for a day, or until a day that is asked for."""
    how, _, alert = value.partition(":")
    if how in SNOOZE_FOR:
        await change(desk, call, Button.SNOOZE, alert, SNOOZE_FOR[how])
        return

    async def build() -> View:
        # Known now, they need not be asked for within the three seconds of the submission.
        actor = await desk.people.actor(call)
        settings = await workspaces.settings(desk.deps, actor)
        return snooze_form(alert, call.channel, desk.now(), settings.preferences)

    await desk.form(call, build)


async def change(
    desk: Desk, call: Call, button: Button, value: str, length: timedelta | None = None
) -> None:
    """Acknowledge, snooze and the like; who comes too late is told who was faster.

    The message itself shows the change a moment later, so nothing else is said.
    """
    incident_id, version = parse(value)
    until = desk.now() + length if length is not None else None
    pressed = Click(button, version, call.user, until)
    decided = await incidents.click(desk.deps, reader(call), incident_id, pressed)
    if isinstance(decided, Lost):
        await _told(desk, call, lost_text(decided.what, decided.by))
        return
    if call.place is Place.MODAL:
        told = f"Snoozed until {moment(until)}." if until else DONE[button]
        await _told(desk, call, told)


async def show_all(desk: Desk, call: Call, value: str, lead: str = "") -> None:
    """A page of everything that an alert is about; `value` is `storm:ID:page` and the like."""
    of, _, number = value.rpartition(":")

    async def build() -> View:
        rows = await _rows(desk, call, of)
        card = pages_card(of, rows, int(number) if number.isdecimal() else 1, lead)
        return replace(card, meta=replace(card.meta, channel=call.channel)).view()

    await desk.form(call, build)


async def take_all(desk: Desk, call: Call, storm_id: str) -> None:
    taken = await incidents.take_all(desk.deps, reader(call), storm_id)
    told = f"You acknowledged {count(taken, 'alert')}." if taken else "All of them are taken."
    await desk.tell(call, say("Alerts", told))


async def pick(desk: Desk, call: Call, value: str) -> None:
    """A registry's menu in a page of all of them."""
    what, _, rest = value.partition(":")
    if what in _BY_NAME:
        await _BY_NAME[what](desk, call, rest)
    elif what in set(Button):
        hour = timedelta(hours=1) if what == Button.SNOOZE else None
        await change(desk, call, Button(what), rest, hour)


def parse(value: str) -> tuple[str, int]:
    """Incident and version; 0, which is never current, when the version cannot be read."""
    incident_id, _, version = value.partition(":")
    return incident_id, int(version) if version.isdecimal() else 0


async def _first(desk: Desk, call: Call, value: str) -> str:
    """The name of the registry that a click is about: the first that still fails."""
    seen = await _view(desk, call, parse(value)[0])
    those = affected(seen)
    if not those:
        raise NotFound(incidents.UNKNOWN)
    return those[0].name


async def _view(desk: Desk, call: Call, incident_id: str) -> IncidentView:
    seen = await incident_view.load(desk.deps, incident_id)
    if seen is None or seen.team_id != call.team:
        raise NotFound(incidents.UNKNOWN)
    return seen


async def _rows(desk: Desk, call: Call, of: str) -> list[Row]:
    kind, _, name = of.partition(":")
    if kind == "incident":
        return rows_of([await _view(desk, call, name)])
    storm = await incident_view.load_storm(desk.deps, name)
    if storm is None or storm.team_id != call.team:
        raise NotFound(incidents.UNKNOWN)
    return rows_of(storm.incidents)


async def _told(desk: Desk, call: Call, text: str) -> None:
    """Where they clicked: in a page of a list on that page, otherwise for them alone."""
    if call.place is not Place.MODAL:
        await desk.tell(call, say("Alert", text))
        return
    await show_all(desk, call, call.listing, text)


def _changing(button: Button) -> Pressed:
    async def pressed(desk: Desk, call: Call, value: str) -> None:
        await change(desk, call, button, value)

    return pressed


_BY_NAME: Final[dict[str, Callable[[Desk, Call, str], Awaitable[None]]]] = {
    "show": show_registry,
    "test": check_one,
    "edit": open_edit,
}
BUTTONS: Final[dict[str, Pressed]] = {
    ids.alert(Button.RETEST): retest,
    ids.alert(Button.FIX): fix,
    ids.alert(Button.VIEW): view,
    ids.alert(Button.SNOOZE): snooze,
    **{ids.alert(button): _changing(button) for button in DONE},
    ids.ALERT_LIST: show_all,
    ids.ALERT_PREVIOUS: show_all,
    ids.ALERT_NEXT: show_all,
    ids.ALERT_TAKE_ALL: take_all,
    ids.ALERT_MENU: pick,
}
"""By action id; the value is what the button carries, or the chosen option of a menu."""
