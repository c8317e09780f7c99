"""Block Kit for the tests of the page, in few words."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]
KINDS = ("GitHub Container Registry", "GitLab Container Registry")


def plain(text: str) -> JSON:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> JSON:
    return {"type": "mrkdwn", "text": text}


def section(text: str, **more: Any) -> JSON:
    return {"type": "section", "text": mrkdwn(text), **more}


def option(text: str) -> JSON:
    return {"text": plain(text), "value": text}


def button(text: str, action_id: str, **more: Any) -> JSON:
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def field(label: str, block_id: str, element: JSON, **more: Any) -> JSON:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        **more,
    }


def modal(title: str, *blocks: JSON, **more: Any) -> JSON:
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain(title),
        "blocks": list(blocks),
        **more,
    }


def add_form(kind: str = KINDS[0]) -> JSON:
    """A form that is redrawn when its Type changes, as the real one is."""
    gitlab = "GitLab" in kind
    text = {"type": "plain_text_input", "action_id": "text"}
    types = {
        "type": "static_select",
        "action_id": "kind",
        "options": [option(one) for one in KINDS],
        "initial_option": option(kind),
    }
    secret = field("Token" if gitlab else "Personal access token", f"secret-{gitlab}", text)
    return modal(
        "Add a registry",
        field("Type", "kind", types, dispatch_action=True),
        field("Username", "username", text),
        secret,
        field("Description", "description", {**text, "max_length": 20}, optional=True),
        submit=plain("Test and save"),
        close=plain("Cancel"),
    )
