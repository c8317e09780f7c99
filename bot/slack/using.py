"""`uses NAME`, `unused` and `uncovered`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from bot.slack import ids
from bot.slack.access import reader
from bot.slack.call import Call
from bot.slack.desk import Desk
from bot.slack.render_uses import uncovered_card, unused_card, uses_card
from bot.slack.text import code
from bot.slack.trouble import AWAY, code_of
from bot.slack.upload import SharedFile, share
from bot.usecases import drafts, registries, uses
from bot.usecases.guard import Guard

log = structlog.get_logger(__name__)

NO_FILE: Final = (
    "The file could not be sent ({why}). Whoever runs Registrar may have to install the app again, "
    "so that it may write files."
)

Pressed = Callable[[Desk, Call, str], Coroutine[Any, Any, None]]


async def show_uses(desk: Desk, call: Call, value: str) -> None:
    """A page of what uses a registry; `value` is its name, or `name:page`."""
    name, _, page = value.partition(":")
    found = await uses.of_registry(desk.deps, reader(call), name)
    number = int(page) if page.isdecimal() and len(page) < 9 else 1
    await desk.answer(call, uses_card(found, desk.now(), number))


async def show_unused(desk: Desk, call: Call) -> None:
    await desk.answer(call, unused_card(await uses.unused(desk.deps, reader(call)), desk.now()))


async def show_uncovered(desk: Desk, call: Call) -> None:
    found = await uses.not_covered(desk.deps, reader(call))
    await desk.answer(call, uncovered_card(found, desk.now()))


async def send_file(desk: Desk, call: Call, value: str) -> None:
    """Everything that a deletion or an edit concerns, to the person who asks."""
    what, _, of = value.partition(":")
    actor = await desk.people.actor(call)
    if what == "delete":
        found: Guard | None = await registries.weigh_deletion(desk.deps, actor, of)
    else:
        found = await drafts.weigh(desk.deps, actor, of)
    if found is None:
        return
    lead = f"What uses {code(found.name)}, and what becomes of it:"
    posted = await desk.client.chat_postMessage(channel=call.user, text=lead)
    name = f"uses-of-{found.name}.csv"
    table = SharedFile(name, f"Uses of {found.name}", "", found.as_csv())
    try:
        await share(desk.client, str(posted["channel"]), table)
    except AWAY as error:
        log.warning("list of uses not sent", error=code_of(error))
        await desk.client.chat_postMessage(
            channel=call.user, text=NO_FILE.format(why=code_of(error))
        )


BUTTONS: Final[dict[str, Pressed]] = {
    ids.USES: show_uses,
    ids.USES_FILE: send_file,
    ids.USES_PREVIOUS: show_uses,
    ids.USES_NEXT: show_uses,
}
"""By action id; the value is a registry's name, or `name:page`; of a file see `ids`."""
