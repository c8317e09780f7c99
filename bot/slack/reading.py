"""Answers that change nothing: help, list, show, history, and the pickers that lead to them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from bot.errors import NotFound
from bot.slack.access import reader
from bot.slack.blocks import Block
from bot.slack.call import Call, Place
from bot.slack.card import Card
from bot.slack.desk import Desk
from bot.slack.forms import kind_labels
from bot.slack.home import publish
from bot.slack.metadata import ListState
from bot.slack.render_help import help_card, picker_card, set_up_block
from bot.slack.render_history import history_card
from bot.slack.render_list import empty_card, list_card
from bot.slack.render_show import show_card
from bot.slack.text import sentence
from bot.usecases import registries, uses, workspaces
from bot.usecases.looking_back import look_back

ByName = Callable[[Desk, Call, str], Coroutine[Any, Any, None]]


async def show_help(desk: Desk, call: Call, lead: str = "") -> None:
    actor = reader(call)
    counters = await registries.counters(desk.deps, actor)
    settings = await workspaces.settings(desk.deps, actor)
    await desk.answer(call, help_card(counters, settings, desk.command, lead))


async def show_list(desk: Desk, call: Call, state: ListState) -> None:
    """A page of the list; on the Home tab the tab itself turns the page."""
    if call.place is Place.HOME:
        await publish(desk, call, state)
        return
    actor = reader(call)
    page = await registries.list_registries(desk.deps, actor, state.filter, state.page)
    used = await uses.counts(desk.deps, actor)
    card = list_card(page, desk.now(), kind_labels(), used)
    if not (await workspaces.settings(desk.deps, actor)).configured:
        blocks: tuple[Block, ...] = (set_up_block(), *card.blocks)
        card = replace(card, blocks=blocks)
    await desk.answer(call, card)


async def show_registry(desk: Desk, call: Call, name: str) -> None:
    registry = await registries.show(desk.deps, reader(call), name)
    used = await uses.of_registry(desk.deps, reader(call), name)
    await desk.answer(call, show_card(registry, desk.now(), used))


async def show_history(desk: Desk, call: Call, name: str) -> None:
    look = await look_back(desk.deps, reader(call), name)
    await desk.answer(call, history_card(name, look, desk.now()))


async def by_name(desk: Desk, call: Call, verb: str, name: str, go_on: ByName) -> None:
    """Go on with a typed name; without one, or with one that does not exist, offer a search."""
    if not name:
        await desk.answer(call, await _search(desk, call, verb))
        return
    try:
        await go_on(desk, call, name)
    except NotFound as error:
        await desk.tell(call, await _search(desk, call, verb, sentence(str(error))))


async def _search(desk: Desk, call: Call, verb: str, lead: str = "") -> Card:
    """The picker; where there is nothing to pick from, the first steps."""
    counters = await registries.counters(desk.deps, reader(call))
    return picker_card(verb, lead) if counters.total else empty_card(lead)
