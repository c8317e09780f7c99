"""The form that asks twice before a registry is deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bot.core.registry import RegistryView
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    actions,
    button,
    context,
    input_block,
    modal,
    sections,
    text_input,
)
from bot.slack.card import Card, say
from bot.slack.metadata import ViewMeta
from bot.slack.render_guard import guard_lines
from bot.slack.render_list import place
from bot.slack.text import code
from bot.slack.words import state_of
from bot.usecases.guard import Guard

NOTHING_KNOWN: Final = "⚠ Deployments may stop: whatever pulls with this credential cannot."


def delete_form(
    registry: RegistryView, channel: str, guard: Guard, now: datetime
) -> dict[str, Any]:
    """Warns, asks for the name, and for a reason that the others will read."""
    what = f"{state_of(registry)} {code(registry.name)} · {place(registry)}"
    lines = guard_lines(guard, now) if guard.in_use else [NOTHING_KNOWN]
    blocks: list[Block] = [
        *sections([what, *lines]),
        *all_of_them(guard, f"delete:{registry.name}"),
        input_block(
            ids.field_block("typed_name"),
            f"Type its name to delete it: {registry.name}",
            text_input(placeholder=registry.name, limit=100),
        ),
        input_block(
            ids.field_block("reason"),
            "Reason",
            text_input(limit=300),
            hint="Told in the alert channel, with who it concerns.",
            optional=not guard.in_use,
        ),
        context("It can be restored for 7 days; then its secret is destroyed."),
    ]
    return modal(
        "Delete a registry",
        blocks,
        callback_id=ids.DELETE_FORM,
        metadata=ViewMeta(channel, editing=registry.name, version=registry.version).dump(),
        submit="Move and delete" if guard.change.heir else "Delete",
        close="Cancel",
    )


def all_of_them(guard: Guard, value: str) -> list[Block]:
    """The button to have the whole list sent."""
    if not guard.change.used and not guard.change.refused:
        return []
    return [actions(button("Send me all of them as a file", ids.USES_FILE, value))]


def deleted_card(name: str, command: str) -> Card:
    lines = [
        f"*{code(name)} is deleted*",
        f"It can be restored for 7 days, here or with `{command} restore {name}`.",
        "Then its secret is destroyed.",
    ]
    return say(
        "Deleted", *lines, buttons=[actions(button("Restore", ids.RESTORE, name))], close="Done"
    )
