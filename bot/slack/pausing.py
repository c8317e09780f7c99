"""Planned work: `pause NAME for 2h [reason]` or a form that asks for it, and `resume NAME`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.core.pause import parse_duration
from bot.core.registry import RegistryView
from bot.errors import InvalidInput
from bot.slack import ids
from bot.slack.blocks import actions, button
from bot.slack.call import Call, call_of
from bot.slack.card import Card, say
from bot.slack.desk import Desk, View
from bot.slack.home import refresh_homes
from bot.slack.metadata import ViewMeta
from bot.slack.pause_form import pause_form
from bot.slack.reading import by_name
from bot.slack.state import values_of
from bot.slack.submission import Submission, settle
from bot.slack.text import code, escape
from bot.slack.words import moment
from bot.usecases import pauses, registries
from bot.usecases.permission import require_manager

DURATION_WORDS = 5  # `1 hour and 30 minutes`


async def pause(desk: Desk, call: Call, words: Sequence[str]) -> None:
    """What was typed after `pause`; without a time the form asks for it."""
    name = words[0].lower() if words else ""
    duration, reason = split(words[1:])
    if not duration:
        await by_name(desk, call, "pause", name, open_pause)
        return
    actor = await desk.people.actor(call)
    registry = await pauses.pause(desk.deps, actor, name, duration, reason)
    await desk.answer(call, paused_card(registry))
    await refresh_homes(desk, call.team)


async def open_pause(desk: Desk, call: Call, name: str) -> None:
    async def build() -> View:
        actor = await desk.people.actor(call)
        await require_manager(desk.deps, actor, "pause a registry", name)
        registry = await registries.show(desk.deps, actor, name)
        return pause_form(registry, call.channel)

    await desk.form(call, build)


async def submit_pause(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    name = ViewMeta.of(view).editing
    typed = values_of(view)

    async def work(actor: Actor) -> Card:
        duration, reason = "".join(typed.get("duration", ())), "".join(typed.get("reason", ()))
        return paused_card(await pauses.pause(desk.deps, actor, name, duration, reason))

    async def then(_actor: Actor) -> None:
        await refresh_homes(desk, call.team)

    await settle(desk, ack, Submission(call, view, work, then=then))


async def resume(desk: Desk, call: Call, name: str) -> None:
    actor = await desk.people.actor(call)
    registry = await pauses.resume(desk.deps, actor, name)
    lines = [f"*{code(registry.name)} is not paused any more*", "Alerts of it are told again."]
    show = actions(button("Show", ids.SHOW, registry.name))
    await desk.answer(call, say("Resumed", *lines, buttons=[show]))
    await refresh_homes(desk, call.team)


def split(words: Sequence[str]) -> tuple[str, str]:
    """The time and the reason in `for 2 hours because of …`; no time when it does not begin so."""
    rest = list(words)
    if rest and rest[0].lower() == "for":
        rest = rest[1:]
    for length in range(min(DURATION_WORDS, len(rest)), 0, -1):
        duration = " ".join(rest[:length])
        try:
            parse_duration(duration)
        except InvalidInput:
            continue
        return duration, " ".join(rest[length:])
    return "", " ".join(rest)


def paused_card(registry: RegistryView) -> Card:
    until = f" until {moment(registry.pause.until)}" if registry.pause else ""
    lines = [
        f"*⏸ {code(registry.name)} is paused{until}*",
        "It is checked as always, but nobody is alerted. If it still fails then, they are.",
    ]
    if registry.pause and registry.pause.reason:
        lines.append(f"Reason: {escape(registry.pause.reason)}")
    over = button("Resume", ids.RESUME, registry.name)
    return say("Paused", *lines, buttons=[actions(over)], close="Done")
