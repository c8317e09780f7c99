"""Buttons, menus and pickers: each leads where a typed verb would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.slack import (
    alerts,
    asking,
    auto_rotating,
    browsing,
    clusters,
    ids,
    reminding,
    rotating,
    using,
)
from bot.slack.call import Call, call_of
from bot.slack.commands import BY_NAME
from bot.slack.correcting import correct, reopen
from bot.slack.deleting import restore
from bot.slack.desk import Desk
from bot.slack.metadata import NOTHING, ListState
from bot.slack.outside import enter_outside
from bot.slack.reading import show_list
from bot.slack.render_list import filter_of
from bot.slack.reporting import show_report
from bot.slack.saving import discard, open_add, redraw_form, save_anyway
from bot.slack.setting_up import open_settings
from bot.slack.testing import check_all

Pressed = Callable[[Desk, Call, str], Coroutine[Any, Any, None]]
Listener = Callable[[AsyncAck, dict[str, Any], Desk], Awaitable[None]]


def register(app: AsyncApp) -> None:
    """The routing table of everything that can be clicked."""
    others = (alerts, reminding, asking, rotating, auto_rotating, browsing, clusters, using)
    parts = (BUTTONS, *(one.BUTTONS for one in others))
    for action_id, pressed in ((name, one) for part in parts for name, one in part.items()):
        app.action(action_id)(_pressed(pressed, action_id))
    for action_id in ids.LISTS:
        app.action(action_id)(_pressed(_turn_page, action_id))
    app.action(ids.LIST_FILTER)(_pressed(_pick_filter, ids.LIST_FILTER))
    app.action(ids.ROW_MENU)(_pressed(_pick_from_menu, ids.ROW_MENU))
    for verb, go_on in BY_NAME.items():
        app.action(ids.picker(verb))(_pressed(go_on, verb))
    for action_id in (ids.PICK_KIND, ids.PICK_VARIANT, ids.PICK_ENVIRONMENT):
        app.action(action_id)(redraw_form)
    app.action(ids.OUTSIDE)(enter_outside)


def value_of(body: dict[str, Any]) -> str:
    """What the clicked element carries: a button's value, or that of the chosen option."""
    action = body["actions"][0]
    chosen = action.get("selected_option") or action
    value = str(chosen.get("value") or "")
    return "" if value == NOTHING else value


def _pressed(go_on: Pressed, name: str) -> Listener:
    async def listener(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
        await ack()
        call = call_of(body)
        desk.start(call, go_on(desk, call, value_of(body)), name)

    return listener


async def _turn_page(desk: Desk, call: Call, value: str) -> None:
    await show_list(desk, call, ListState.parse(value))


async def _pick_filter(desk: Desk, call: Call, value: str) -> None:
    await show_list(desk, call, ListState(1, filter_of(value, call.user)))


async def _pick_from_menu(desk: Desk, call: Call, value: str) -> None:
    verb, _, name = value.partition(":")
    await BY_NAME[verb](desk, call, name)


async def _check_all(desk: Desk, call: Call, _value: str) -> None:
    await check_all(desk, call)


async def _settings(desk: Desk, call: Call, _value: str) -> None:
    await open_settings(desk, call)


BUTTONS: Final[dict[str, Pressed]] = {
    ids.ADD: open_add,
    ids.SHOW: BY_NAME["show"],
    ids.CHECK: BY_NAME["test"],
    ids.CHECK_ALL: _check_all,
    ids.EDIT: BY_NAME["edit"],
    ids.DELETE: BY_NAME["delete"],
    ids.HISTORY: BY_NAME["history"],
    ids.PAUSE: BY_NAME["pause"],
    ids.RESUME: BY_NAME["resume"],
    ids.RESTORE: restore,
    ids.REPORT: show_report,
    ids.SETTINGS: _settings,
    ids.CORRECT: correct,
    ids.REOPEN: reopen,
    ids.SAVE_ANYWAY: save_anyway,
    ids.DISCARD: discard,
}
