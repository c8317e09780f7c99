"""What Slack would refuse: the SDK's own models, Slack's published limits, and five hand rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.sandbox.slackd.refusal import Refusal
from bot.sandbox.slackd.validate import refuse_message, refuse_view

BLOCKS = {"message": 50, "modal": 100, "home": 100}
MODAL_ONLY = {"alert"}
MESSAGE_ONLY = {"markdown", "plan", "task_card", "context_actions", "container"}
# (element or block type, key of a text in it): how long that text may be
TEXTS = {
    ("header", "text"): 150,
    ("section", "text"): 3000,
    ("button", "text"): 75,
    ("input", "label"): 2000,
    ("input", "hint"): 2000,
    ("option", "text"): 75,
    ("option_group", "label"): 75,
    ("modal", "title"): 24,
    ("modal", "submit"): 24,
    ("modal", "close"): 24,
}
PLAIN = {"title", "submit", "close", "label", "hint", "placeholder"}
STRINGS = {
    "action_id": 255,
    "block_id": 255,
    "callback_id": 255,
    "private_metadata": 3000,
    "accessibility_label": 75,
}
ELEMENTS = {"context": 10, "actions": 25}
OPTIONS = {"overflow": 5, "radio_buttons": 10, "checkboxes": 10}


def message_problems(message: Mapping[str, Any]) -> list[str]:
    """Why Slack would refuse or cut a message; empty when it is right."""
    problems = []
    if not message.get("text"):
        problems.append("no top-level text")
    if _length(message.get("text") or "") > 4000:
        problems.append("text over 4,000")
    for attachment in message.get("attachments") or ():
        problems += _blocks_problems(attachment.get("blocks") or [], "message")
    problems += _sandbox_refuses(lambda: refuse_message(dict(message)))
    return problems + _blocks_problems(message.get("blocks") or [], "message")


def view_problems(view: Mapping[str, Any]) -> list[str]:
    """Why Slack would refuse a view; empty when it is right."""
    surface = str(view.get("type"))
    problems = [] if surface in {"modal", "home"} else [f"view type {surface}"]
    problems += _round_trip(dict(view), View(**view).to_dict(), "view")
    if surface == "modal":
        problems += [f"no {key}" for key in ("title", "callback_id") if not view.get(key)]
        has_input = any(block["type"] == "input" for block in view["blocks"])
        if has_input and not view.get("submit"):
            problems.append("inputs without submit")
        problems += _text_problems("modal", view)
    problems += _string_problems(view)
    if _length(str(view)) > 250_000:
        problems.append("view_too_large")
    problems += _sandbox_refuses(lambda: refuse_view(dict(view), home=surface == "home"))
    return problems + _blocks_problems(view["blocks"], surface)


def _sandbox_refuses(check: Callable[[], None]) -> list[str]:
    """The sandbox's own rules were written down by somebody else, from the same reference."""
    try:
        check()
    except Refusal as refusal:
        return [str(refusal), *refusal.messages]
    return []


def _blocks_problems(blocks: list[dict[str, Any]], surface: str) -> list[str]:
    problems = [] if len(blocks) <= BLOCKS[surface] else [f"{len(blocks)} blocks"]
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(ids) != len(set(ids)):
        problems.append("duplicate block_id")
    if sum(block["type"] == "table" for block in blocks) > 1:
        problems.append("two tables")
    focused = 0
    for block in blocks:
        problems += _block_problems(block, surface)
        focused += sum(bool(each.get("focus_on_load")) for each in _elements(block))
    return problems if focused < 2 else [*problems, "two focus_on_load"]


def _block_problems(block: dict[str, Any], surface: str) -> list[str]:
    kind = str(block.get("type"))
    parsed = Block.parse(block)
    if parsed is None:
        return [f"unknown block {kind}"]
    problems = _round_trip(block, parsed.to_dict(), kind)
    if kind in MODAL_ONLY and surface != "modal":
        problems.append(f"{kind} outside a modal")
    if kind in MESSAGE_ONLY and surface != "message":
        problems.append(f"{kind} outside a message")
    if kind == "input" and surface == "message":
        problems.append("input in a message")
    problems += _text_problems(kind, block) + _string_problems(block)
    elements = list(_elements(block))
    if len(elements) > ELEMENTS.get(kind, 25) or (kind in ELEMENTS and not elements):
        problems.append(f"{len(elements)} elements in {kind}")
    actions = [each["action_id"] for each in elements if each.get("action_id")]
    if len(actions) != len(set(actions)):
        problems.append("duplicate action_id")
    for element in elements:
        problems += _element_problems(element, surface)
    return problems


def _element_problems(element: dict[str, Any], surface: str) -> list[str]:
    kind = str(element.get("type"))
    if kind in {"mrkdwn", "plain_text"}:
        return _object_problems(element, 3000, f"{kind} element")
    problems = _text_problems(kind, element) + _string_problems(element)
    if kind == "file_input" and surface != "modal":
        problems.append("file_input outside a modal")
    if kind == "button" and _length(str(element.get("value", ""))) > 2000:
        problems.append("button value over 2,000")
    if "placeholder" in element:
        problems += _object_problems(element["placeholder"], 150, "placeholder")
    if kind == "plain_text_input":
        problems += _input_problems(element)
    if kind == "number_input":
        for key in ("min_value", "max_value", "initial_value"):
            if key in element and not isinstance(element[key], str):
                problems.append(f"{key} is no text")
    return problems + _option_problems(element, kind)


def _input_problems(element: dict[str, Any]) -> list[str]:
    problems = []
    most = element.get("max_length", 3000)
    if not 1 <= most <= 3000:
        problems.append("max_length")
    if _length(element.get("initial_value", "")) > most:
        problems.append("initial_value longer than max_length")
    return problems


def _option_problems(element: dict[str, Any], kind: str) -> list[str]:
    problems: list[str] = []
    groups = element.get("option_groups") or []
    if len(groups) > 100:
        problems.append("option groups")
    for group in groups:
        problems += _text_problems("option_group", group)
    portions = [group["options"] for group in groups]
    portions += [element["options"]] if "options" in element else []
    for options in portions:
        if not 1 <= len(options) <= OPTIONS.get(kind, 100):
            problems.append(f"{len(options)} options in {kind}")
        values = [option["value"] for option in options]
        problems += [f"option value {value}" for value in values if not 1 <= _length(value) <= 150]
        for option in options:
            problems += _text_problems("option", option)
    everything = [option for options in portions for option in options]
    chosen = element.get("initial_options") or [element.get("initial_option")]
    problems += [
        "initial option is no option" for each in chosen if each and each not in everything
    ]
    return problems


def _text_problems(kind: str, holder: Mapping[str, Any]) -> list[str]:
    problems = []
    for (owner, key), most in TEXTS.items():
        if owner == kind and key in holder:
            problems += _object_problems(holder[key], most, f"{kind} {key}")
            plain = key in PLAIN or kind in {"button", "header", "option"}
            if plain and holder[key].get("type") != "plain_text":
                problems.append(f"{kind} {key} must be plain_text")
    return problems


def _object_problems(text: Mapping[str, Any], most: int, where: str) -> list[str]:
    if not 1 <= _length(text["text"]) <= most:
        return [f"{where} has {_length(text['text'])} of {most}"]
    return []


def _string_problems(holder: Mapping[str, Any]) -> list[str]:
    return [
        f"{key} over {most}"
        for key, most in STRINGS.items()
        if key in holder and _length(holder[key]) > most
    ]


def _elements(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from block.get("elements") or ()
    for key in ("element", "accessory"):
        if key in block:
            yield block[key]


def _round_trip(given: dict[str, Any], parsed: dict[str, Any], where: str) -> list[str]:
    """Whatever the SDK's model drops or changes is not a part of Block Kit."""
    return [
        f"{where}: the SDK does not know {key}"
        for key, value in given.items()
        if key not in parsed and value not in (None, "", [], False)
    ]


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
