"""Deleting a registry and bringing it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.slack import ids
from bot.slack.access import reader
from bot.slack.blocks import actions, button
from bot.slack.call import Call, call_of
from bot.slack.card import Card, say
from bot.slack.delete_form import delete_form, deleted_card
from bot.slack.desk import Desk, View
from bot.slack.home import refresh_homes
from bot.slack.metadata import ViewMeta
from bot.slack.render_show import show_card
from bot.slack.state import values_of
from bot.slack.submission import Submission, settle
from bot.slack.text import code
from bot.slack.words import moment
from bot.usecases import registries


async def open_delete(desk: Desk, call: Call, name: str) -> None:
    async def build() -> View:
        actor = await desk.people.actor(call)
        guard = await registries.weigh_deletion(desk.deps, actor, name)
        registry = await registries.show(desk.deps, actor, name)
        return delete_form(registry, call.channel, guard, desk.now())

    await desk.form(call, build)


async def submit_delete(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    name = ViewMeta.of(view).editing
    typed = values_of(view)

    async def delete(actor: Actor) -> Card:
        (given,), (reason,) = typed.get("typed_name", ("",)), typed.get("reason", ("",))
        await registries.delete(desk.deps, actor, name, given, reason)
        return deleted_card(name, desk.command)

    async def then(_actor: Actor) -> None:
        await refresh_homes(desk, call.team)

    await settle(desk, ack, Submission(call, view, delete, then=then))


async def restore(desk: Desk, call: Call, name: str) -> None:
    """Bring it back; without a name, offer those that can be."""
    if not name:
        await _offer(desk, call)
        return
    actor = await desk.people.actor(call)
    await registries.restore(desk.deps, actor, name)
    registry = await registries.show(desk.deps, actor, name)
    card = show_card(registry, desk.now())
    lead = f"{code(name)} is back, with the credential it had. It is checked again shortly."
    await desk.answer(call, say("Restored", lead, card.text, buttons=[card.blocks[-1]]))
    await refresh_homes(desk, call.team)


async def _offer(desk: Desk, call: Call) -> None:
    found = (await registries.restorable(desk.deps, reader(call)))[:5]
    if not found:
        await desk.answer(call, say("Restore", "Nothing was deleted in the last 7 days."))
        return
    lines = ["Deleted in the last 7 days:"]
    lines += [f"{code(name)} {moment(at)}" for name, at in found]
    # A name may have been deleted twice; action ids must differ within a block, so one block each.
    names = dict.fromkeys(name for name, _ in found)
    buttons = [actions(button(f"Restore {name}", ids.RESTORE, name)) for name in names]
    await desk.answer(call, say("Restore", *lines, buttons=buttons))
