"""The slash command: a verb, then an object."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.slack.asking import check_image, open_exempt, show_exemptions
from bot.slack.auto_rotating import freeze, open_policy, thaw
from bot.slack.browsing import show_images
from bot.slack.call import Call, call_of
from bot.slack.clusters import cluster
from bot.slack.command_line import Typed, filter_meant, kind_meant, parse
from bot.slack.deleting import open_delete, restore
from bot.slack.desk import Desk
from bot.slack.forms import kind_labels
from bot.slack.metadata import ListState
from bot.slack.pausing import open_pause, pause, resume
from bot.slack.reading import ByName, by_name, show_help, show_history, show_list, show_registry
from bot.slack.reminding import months_meant, show_plan
from bot.slack.reporting import show_report
from bot.slack.rotating import open_rotate
from bot.slack.saving import open_add, open_edit
from bot.slack.setting_up import open_settings
from bot.slack.testing import check_all, check_one
from bot.slack.text import code
from bot.slack.using import show_uncovered, show_unused, show_uses

BY_NAME: Final[dict[str, ByName]] = {
    "show": show_registry,
    "edit": open_edit,
    "delete": open_delete,
    "test": check_one,
    "history": show_history,
    "images": show_images,
    "uses": show_uses,
    "pause": open_pause,
    "resume": resume,
    "rotate": open_rotate,
}


async def run_command(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    await ack()
    call = call_of(body)
    desk.start(call, carry_out(desk, call, parse(body.get("text") or "")), "command")


async def carry_out(desk: Desk, call: Call, typed: Typed) -> None:
    """What was typed, done; not understood, it is answered with what may have been meant."""
    if typed.verb in OTHERS:
        await OTHERS[typed.verb](desk, call, typed)
    elif typed.verb in BY_NAME:
        await by_name(desk, call, typed.verb, typed.name, BY_NAME[typed.verb])
    else:
        await show_help(desk, call, _not_understood(desk, typed))


async def _test(desk: Desk, call: Call, typed: Typed) -> None:
    if typed.name == "all":
        await check_all(desk, call)
    else:
        await by_name(desk, call, "test", typed.name, check_one)


async def _pause(desk: Desk, call: Call, typed: Typed) -> None:
    await pause(desk, call, typed.words)


async def _rotate(desk: Desk, call: Call, typed: Typed) -> None:
    """`rotate NAME`, or `rotate NAME auto` for the form that lets Registrar do it."""
    if len(typed.words) > 1 and typed.words[-1].lower() in {"auto", "automatic", "automatically"}:
        await open_policy(desk, call, "-".join(typed.words[:-1]).lower())
    else:
        await by_name(desk, call, "rotate", typed.name, open_rotate)


async def _freeze(desk: Desk, call: Call, typed: Typed) -> None:
    await freeze(desk, call, typed.words)


async def _thaw(desk: Desk, call: Call, _typed: Typed) -> None:
    await thaw(desk, call)


async def _list(desk: Desk, call: Call, typed: Typed) -> None:
    wanted = filter_meant(typed.words, call.user, kind_labels())
    await show_list(desk, call, ListState(1, wanted))


async def _restore(desk: Desk, call: Call, typed: Typed) -> None:
    await restore(desk, call, typed.name)


async def _report(desk: Desk, call: Call, typed: Typed) -> None:
    await show_report(desk, call, " ".join(typed.words))


async def _reminders(desk: Desk, call: Call, typed: Typed) -> None:
    await show_plan(desk, call, months_meant(typed.words))


async def _settings(desk: Desk, call: Call, _typed: Typed) -> None:
    await open_settings(desk, call)


async def _check(desk: Desk, call: Call, typed: Typed) -> None:
    await check_image(desk, call, typed.words)


async def _exempt(desk: Desk, call: Call, typed: Typed) -> None:
    await open_exempt(desk, call, typed.words)


async def _exemptions(desk: Desk, call: Call, _typed: Typed) -> None:
    await show_exemptions(desk, call)


async def _images(desk: Desk, call: Call, typed: Typed) -> None:
    name, text = typed.words[0].lower() if typed.words else "", " ".join(typed.words[1:])

    async def go_on(desk: Desk, call: Call, name: str) -> None:
        await show_images(desk, call, name, text)

    await by_name(desk, call, "images", name, go_on)


async def _cluster(desk: Desk, call: Call, typed: Typed) -> None:
    await cluster(desk, call, typed.words)


async def _unused(desk: Desk, call: Call, _typed: Typed) -> None:
    await show_unused(desk, call)


async def _uncovered(desk: Desk, call: Call, _typed: Typed) -> None:
    await show_uncovered(desk, call)


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


Other = Callable[[Desk, Call, Typed], Coroutine[Any, Any, None]]
OTHERS: Final[dict[str, Other]] = {
    "test": _test,
    "pause": _pause,
    "list": _list,
    "add": _add,
    "restore": _restore,
    "report": _report,
    "reminders": _reminders,
    "settings": _settings,
    "check": _check,
    "exempt": _exempt,
    "exemptions": _exemptions,
    "rotate": _rotate,
    "freeze": _freeze,
    "thaw": _thaw,
    "unused": _unused,
    "uncovered": _uncovered,
    "images": _images,
    "cluster": _cluster,
}
"""The verbs that take something else than the name of a registry."""
