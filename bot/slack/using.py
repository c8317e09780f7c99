"""`uses NAME`, `unused` and `uncovered`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from bot.slack import ids
from bot.slack.access import reader
from bot.slack.call import Call
from bot.slack.desk import Desk
from bot.slack.render_uses import uncovered_card, unused_card, uses_card
from bot.usecases import uses

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


BUTTONS: Final[dict[str, Pressed]] = {
    ids.USES: show_uses,
    ids.USES_PREVIOUS: show_uses,
    ids.USES_NEXT: show_uses,
}
"""By action id; the value is a registry's name, or `name:page`."""
