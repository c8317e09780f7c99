"""The few Block Kit pieces that Registrar uses, each inside Slack's limits whatever it is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from bot.slack.text import clip, fit, length

Block = dict[str, Any]
Element = dict[str, Any]

SECTION_LIMIT: Final = 3000
CONTEXT_LIMIT: Final = 2000
LABEL_LIMIT: Final = 75
TITLE_LIMIT: Final = 24


def plain_text(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": clip(text, limit) or " ", "emoji": True}


def mrkdwn(markup: str, limit: int = SECTION_LIMIT) -> dict[str, Any]:
    # `verbatim` keeps Slack from making links and mentions out of what people wrote.
    return {"type": "mrkdwn", "text": fit(markup, limit) or " ", "verbatim": True}


def header(text: str) -> Block:
    return {"type": "header", "text": plain_text(text, 150)}


def section(markup: str, accessory: Element | None = None, block_id: str = "") -> Block:
    block: Block = {"type": "section", "text": mrkdwn(markup)}
    if accessory is not None:
        block["accessory"] = accessory
    if block_id:
        block["block_id"] = block_id
    return block


def sections(lines: Iterable[str]) -> list[Block]:
    """As few sections as hold all lines; a line is never split over two."""
    blocks: list[Block] = []
    held = ""
    for line in lines:
        joined = f"{held}\n{line}" if held else line
        if held and length(joined) > SECTION_LIMIT:
            blocks.append(section(held))
            joined = line
        held = joined
    return [*blocks, section(held)] if held else blocks


def context(markup: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(markup, CONTEXT_LIMIT)]}


def divider() -> Block:
    return {"type": "divider"}


def actions(*elements: Element) -> Block:
    return {"type": "actions", "elements": list(elements)}


def button(label: str, action_id: str, value: str, *, style: str = "", says: str = "") -> Element:
    """A button; `says` is what a screen reader reads when the label alone is not clear."""
    element: Element = {
        "type": "button",
        "text": plain_text(label, LABEL_LIMIT),
        "action_id": action_id,
        "value": value or "-",
    }
    if style:
        element["style"] = style
    if says:
        element["accessibility_label"] = clip(says, LABEL_LIMIT)
    return element


def link_button(label: str, action_id: str, url: str) -> Element:
    """A button that opens an address in the browser."""
    return {
        "type": "button",
        "text": plain_text(label, LABEL_LIMIT),
        "action_id": action_id,
        "url": url,
        "style": "primary",
    }


def with_confirm(element: Element, title: str, text: str, confirm: str) -> Element:
    """The same, asked about first."""
    return {
        **element,
        "confirm": {
            "title": plain_text(title, 100),
            "text": plain_text(text, 300),
            "confirm": plain_text(confirm, 30),
            "deny": plain_text("Cancel", 30),
        },
    }


def option(label: str, value: str) -> dict[str, Any]:
    return {"text": plain_text(label, LABEL_LIMIT), "value": value}


def option_group(label: str, options: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"label": plain_text(label, LABEL_LIMIT), "options": list(options)}


def overflow(action_id: str, options: Sequence[dict[str, Any]]) -> Element:
    return {"type": "overflow", "action_id": action_id, "options": list(options)}


def text_input(
    action_id: str = "typed",
    *,
    initial: str = "",
    placeholder: str = "",
    multiline: bool = False,
    limit: int = 3000,
) -> Element:
    element: Element = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": multiline,
        "max_length": min(limit, 3000),
    }
    if initial:
        element["initial_value"] = clip(initial, min(limit, 3000))
    if placeholder:
        element["placeholder"] = plain_text(placeholder, 150)
    return element


def number_input(action_id: str, *, least: int, most: int, initial: int | None) -> Element:
    """A field for a whole number; without `initial` it is empty."""
    # Slack wants the numbers as text.
    element: Element = {
        "type": "number_input",
        "action_id": action_id,
        "is_decimal_allowed": False,
        "min_value": str(least),
        "max_value": str(most),
    }
    if initial is not None:
        element["initial_value"] = str(min(max(initial, least), most))
    return element


def choice(
    kind: str, action_id: str, options: Sequence[dict[str, Any]], initial: str = ""
) -> Element:
    """A `static_select` or `radio_buttons` with the option whose value is `initial` chosen."""
    element: Element = {"type": kind, "action_id": action_id, "options": list(options)}
    chosen = [each for each in options if each["value"] == initial]
    if chosen:
        element["initial_option"] = chosen[0]
    return element


def input_block(
    block_id: str,
    label: str,
    element: Element,
    *,
    hint: str = "",
    optional: bool = False,
    dispatch: bool = False,
) -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, 2000),
        "element": element,
        "optional": optional,
    }
    if hint:
        block["hint"] = plain_text(hint, 2000)
    if dispatch:
        block["dispatch_action"] = True
    return block


def modal(
    title: str,
    blocks: Sequence[Block],
    *,
    callback_id: str,
    metadata: str,
    submit: str = "",
    close: str = "Close",
    notify_on_close: bool = False,
) -> dict[str, Any]:
    view: dict[str, Any] = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain_text(title, TITLE_LIMIT),
        "close": plain_text(close, TITLE_LIMIT),
        "blocks": list(blocks)[:100],
        "private_metadata": metadata,
        "notify_on_close": notify_on_close,
    }
    if submit:
        view["submit"] = plain_text(submit, TITLE_LIMIT)
    return view
