"""The slash command: a verb, then an object."""

from __future__ import annotations

from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.slack.call import Call, call_of
from bot.slack.command_line import Typed, filter_meant, kind_meant, parse
from bot.slack.deleting import open_delete, restore
from bot.slack.desk import Desk
from bot.slack.forms import kind_labels
from bot.slack.metadata import ListState
from bot.slack.pausing import open_pause, pause, resume
from bot.slack.reading import ByName, by_name, show_help, show_history, show_list, show_registry
from bot.slack.reminding import months_meant, show_plan
from bot.slack.reporting import show_report
from bot.slack.saving import open_add, open_edit
from bot.slack.setting_up import open_settings
from bot.slack.testing import check_all, check_one
from bot.slack.text import code

BY_NAME: Final[dict[str, ByName]] = {
    "show": show_registry,
    "edit": open_edit,
    "delete": open_delete,
    "test": check_one,
    "history": show_history,
    "pause": open_pause,
    "resume": resume,
}


async def run_command(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    await ack()
    call = call_of(body)
    desk.start(call, carry_out(desk, call, parse(body.get("text") or "")), "command")


async def carry_out(desk: Desk, call: Call, typed: Typed) -> None:
    """What was typed, done; not understood, it is answered with what may have been meant."""
    if typed.verb == "test" and typed.name == "all":
        await check_all(desk, call)
    elif typed.verb == "pause":
        await pause(desk, call, typed.words)
    elif typed.verb in BY_NAME:
        await by_name(desk, call, typed.verb, typed.name, BY_NAME[typed.verb])
    elif typed.verb == "list":
        await show_list(
            desk, call, ListState(1, filter_meant(typed.words, call.user, kind_labels()))
        )
    elif typed.verb == "add":
        await _add(desk, call, typed)
    elif typed.verb == "restore":
        await restore(desk, call, typed.name)
    elif typed.verb == "report":
        await show_report(desk, call, " ".join(typed.words))
    elif typed.verb == "reminders":
        await show_plan(desk, call, months_meant(typed.words))
    elif typed.verb == "settings":
        await open_settings(desk, call)
    else:
        await show_help(desk, call, _not_understood(desk, typed))


async def _add(desk: Desk, call: Call, typed: Typed) -> None:
    kind = kind_meant(typed.words, kind_labels()) if typed.words else ""
    if kind is None:
        known = ", ".join(code(slug) for slug, _ in kind_labels())
        lead = f"There is no type {code(' '.join(typed.words), 60)}. The types are {known}."
        await show_help(desk, call, lead)
        return
    await open_add(desk, call, kind)


def _not_understood(desk: Desk, typed: Typed) -> str:
    if not typed.unknown:
        return ""
    lead = f"Registrar does not know {code(typed.unknown, 60)}."
    if typed.nearest:
        meant = " ".join((desk.command, typed.nearest, *typed.words))
        lead += f" Did you mean {code(meant, 150)}?"
    return lead
