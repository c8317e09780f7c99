"""The form that asks twice before a registry is deleted."""

from __future__ import annotations

from typing import Any

from bot.core.registry import RegistryView
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    actions,
    button,
    context,
    input_block,
    modal,
    section,
    text_input,
)
from bot.slack.card import Card, say
from bot.slack.metadata import ViewMeta
from bot.slack.render_list import place
from bot.slack.text import code
from bot.slack.words import state_of


def delete_form(registry: RegistryView, channel: str) -> dict[str, Any]:
    """Warns, asks for the name, and for a reason that the others will read."""
    what = f"{state_of(registry)} {code(registry.name)} · {place(registry)}"
    blocks: list[Block] = [
        section(f"{what}\n⚠ Deployments may stop: whatever pulls with this credential cannot."),
        input_block(
            ids.field_block("typed_name"),
            f"Type its name to delete it: {registry.name}",
            text_input(placeholder=registry.name, limit=100),
        ),
        input_block(
            ids.field_block("reason"),
            "Reason",
            text_input(limit=300),
            hint="Told in the alert channel.",
            optional=True,
        ),
        context("It can be restored for 7 days; then its secret is destroyed."),
    ]
    return modal(
        "Delete a registry",
        blocks,
        callback_id=ids.DELETE_FORM,
        metadata=ViewMeta(channel, editing=registry.name, version=registry.version).dump(),
        submit="Delete",
        close="Cancel",
    )


def deleted_card(name: str, command: str) -> Card:
    lines = [
        f"*{code(name)} is deleted*",
        f"It can be restored for 7 days, here or with `{command} restore {name}`.",
        "Then its secret is destroyed.",
    ]
    return say(
        "Deleted", *lines, buttons=[actions(button("Restore", ids.RESTORE, name))], close="Done"
    )
