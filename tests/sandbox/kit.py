"""Short ways to write Block Kit in tests."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]


def plain(text: str) -> JSON:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> JSON:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "words", **more: Any) -> JSON:
    return {"type": "section", "text": mrkdwn(text), **more}


def option(text: str, value: str = "") -> JSON:
    return {"text": plain(text), "value": value or text}


def button(text: str = "Press", action_id: str = "press", **more: Any) -> JSON:
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def select(*options: str, action_id: str = "pick", **more: Any) -> JSON:
    return {
        "type": "static_select",
        "action_id": action_id,
        "options": [option(words) for words in options],
        **more,
    }


def typed(action_id: str = "typed", **more: Any) -> JSON:
    return {"type": "plain_text_input", "action_id": action_id, **more}


def field(label: str, element: JSON, block_id: str = "", **more: Any) -> JSON:
    return {
        "type": "input",
        "block_id": block_id or label.lower(),
        "label": plain(label),
        "element": element,
        **more,
    }


def actions(*elements: JSON, block_id: str = "acts") -> JSON:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def modal(*blocks: JSON, callback_id: str = "form", **more: Any) -> JSON:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain("A form"),
        "submit": plain("Save"),
        "close": plain("Cancel"),
        "blocks": list(blocks) or [section()],
        **more,
    }


def home(*blocks: JSON, **more: Any) -> JSON:
    return {"type": "home", "blocks": list(blocks) or [section()], **more}
