"""For how long a registry is paused, and why."""

from __future__ import annotations

from typing import Any, Final

from bot.core.registry import RegistryView
from bot.slack import ids
from bot.slack.blocks import choice, input_block, modal, option, section, text_input
from bot.slack.metadata import ViewMeta
from bot.slack.render_list import place
from bot.slack.text import code
from bot.slack.words import state_of

LENGTHS: Final = (
    ("30 minutes", "30m"),
    ("1 hour", "1h"),
    ("2 hours", "2h"),
    ("4 hours", "4h"),
    ("8 hours", "8h"),
    ("1 day", "1d"),
    ("3 days", "3d"),
    ("1 week", "1w"),
)
USUAL: Final = "2h"


def pause_form(registry: RegistryView, channel: str) -> dict[str, Any]:
    what = f"{state_of(registry)} {code(registry.name)} · {place(registry)}"
    options = [option(label, value) for label, value in LENGTHS]
    blocks = [
        section(f"{what}\nIt is checked as always, but nobody is alerted."),
        input_block(
            ids.field_block("duration"),
            "For how long",
            choice("static_select", ids.TYPED, options, USUAL),
        ),
        input_block(ids.field_block("reason"), "Reason", text_input(limit=300), optional=True),
    ]
    return modal(
        "Pause alerts",
        blocks,
        callback_id=ids.PAUSE_FORM,
        metadata=ViewMeta(channel, editing=registry.name).dump(),
        submit="Pause",
        close="Cancel",
    )
