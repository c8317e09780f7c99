"""What people filled in: `view.state.values`, from every element and as Slack words it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.sandbox.slackd.refusal import JSON, Impossible
from bot.sandbox.slackd.validate import elements_of, options_in

Values = dict[str, dict[str, JSON]]
"""block_id → action_id → Slack's state value."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How one type of element keeps its answer: the key of the answer and of its default."""

    key: str
    initial: str
    many: bool = False


_OPTION: Final = Kept("selected_option", "initial_option")
_OPTIONS: Final = Kept("selected_options", "initial_options", many=True)
_VALUE: Final = Kept("value", "initial_value")

KEPT: Final[Mapping[str, Kept]] = {
    "plain_text_input": _VALUE,
    "email_text_input": _VALUE,
    "url_text_input": _VALUE,
    "number_input": _VALUE,
    "rich_text_input": Kept("rich_text_value", "initial_value"),
    "static_select": _OPTION,
    "external_select": _OPTION,
    "radio_buttons": _OPTION,
    "users_select": Kept("selected_user", "initial_user"),
    "channels_select": Kept("selected_channel", "initial_channel"),
    "conversations_select": Kept("selected_conversation", "initial_conversation"),
    "multi_static_select": _OPTIONS,
    "multi_external_select": _OPTIONS,
    "checkboxes": _OPTIONS,
    "multi_users_select": Kept("selected_users", "initial_users", many=True),
    "multi_channels_select": Kept("selected_channels", "initial_channels", many=True),
    "multi_conversations_select": Kept(
        "selected_conversations", "initial_conversations", many=True
    ),
    "datepicker": Kept("selected_date", "initial_date"),
    "timepicker": Kept("selected_time", "initial_time"),
    "datetimepicker": Kept("selected_date_time", "initial_date_time"),
    "file_input": Kept("files", "", many=True),
}
"""Elements with an answer; buttons and overflow menus only act."""

_OBJECTS: Final = frozenset({"external_select", "multi_external_select", "rich_text_input"})

TYPED: Final = frozenset(
    {"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input"}
)


def walk(blocks: list[JSON]) -> Iterator[tuple[JSON, JSON]]:
    """Every block that has elements, with each of its elements; containers are opened."""
    for block in blocks:
        for element, _ in elements_of(block):
            if element.get("action_id"):
                yield block, element
        yield from walk(block.get("child_blocks") or [])
        if block.get("type") == "carousel":
            yield from walk(block.get("elements") or [])


def find(blocks: list[JSON], block_id: str, action_id: str) -> tuple[JSON, JSON]:
    """The block and the element; raises Impossible when the screen does not show it any more."""
    for block, element in walk(blocks):
        if block.get("block_id") == block_id and element.get("action_id") == action_id:
            return block, element
    raise Impossible("That is not on the screen any more.")


def initial(element: JSON) -> JSON:
    """The state value of an element nobody touched."""
    kept = KEPT[element["type"]]
    value = element.get(kept.initial) if kept.initial else None
    return {"type": element["type"], kept.key: value or ([] if kept.many else None)}


def carried(blocks: list[JSON], before: Values) -> Values:
    """The state of `blocks`, keeping the answers whose block_id, action_id and type stayed.

    A real client does not take a new `initial_value` for an element it already shows, whether or
    not it was touched: only a new block_id or action_id resets an answer.
    """
    values: Values = {}
    for block, element in walk(blocks):
        if element["type"] not in KEPT:
            continue
        old = before.get(block["block_id"], {}).get(element["action_id"])
        fits = old is not None and old["type"] == element["type"] and _still_offered(element, old)
        state = old if fits and old is not None else initial(element)
        values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def _still_offered(element: JSON, state: JSON) -> bool:
    if not (element.get("options") or element.get("option_groups")):
        return True
    picked = state.get("selected_options")
    if picked is None:
        picked = [state["selected_option"]] if state.get("selected_option") else []
    known = {option["value"] for option in options_in(element)}
    return all(option["value"] in known for option in picked)


def entered(element: JSON, value: Any) -> JSON:
    """The state value for what a person typed or picked; raises Impossible for what they cannot."""
    kind = element["type"]
    kept = KEPT[kind]
    if kept.many:
        chosen = value or []
        if not isinstance(chosen, list):
            raise Impossible("Pick a list of values.")
        most = element.get("max_selected_items")
        if most and len(chosen) > most:
            raise Impossible(f"At most {most} can be picked.")
        return {"type": kind, kept.key: [_picked(element, item) for item in chosen]}
    if kind in TYPED and kind != "rich_text_input":
        if value is not None and not isinstance(value, str):
            raise Impossible("Type a text.")
        most = element.get("max_length", 3000) if kind == "plain_text_input" else 3000
        # A client's text field takes no more characters than allowed, pasted or typed.
        return {"type": kind, kept.key: value[:most] if value else None}
    return {"type": kind, kept.key: None if value is None else _picked(element, value)}


def _picked(element: JSON, value: Any) -> Any:
    options = options_in(element)
    kind = element["type"]
    if not options:
        fitting = dict if kind in _OBJECTS else int if kind == "datetimepicker" else str
        if not isinstance(value, fitting):
            raise Impossible("That is not a value of this field.")
        return value
    wanted = value.get("value") if isinstance(value, dict) else value
    for option in options:
        if option["value"] == wanted:
            return option
    raise Impossible("That option is not offered any more.")


def refused_by_client(blocks: list[JSON], values: Values) -> dict[str, str]:
    """What a Slack client itself refuses before it sends a form: block_id → sentence."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block.get("type") != "input":
            continue
        element = block["element"]
        state = values.get(block["block_id"], {}).get(element["action_id"], {})
        answer = state.get(KEPT[element["type"]].key)
        if answer in (None, "", []):
            if not block.get("optional"):
                errors[block["block_id"]] = "Please complete this required field."
        elif isinstance(answer, str) and element["type"] in TYPED:
            sentence = _misshapen(element, answer)
            if sentence:
                errors[block["block_id"]] = sentence
    return errors


def _misshapen(element: JSON, text: str) -> str:
    kind = element["type"]
    if kind == "number_input":
        return _not_a_number(element, text)
    if kind == "email_text_input" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        return "Enter a valid email address."
    if kind == "url_text_input" and not re.match(r"https?://[^\s/]+\S*$", text):
        return "Enter a valid URL."
    if len(text) < element.get("min_length", 0):
        return f"This entry must be at least {element['min_length']} characters."
    return ""


def _not_a_number(element: JSON, text: str) -> str:
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        return "Enter a valid number."
    if "." in text and not element.get("is_decimal_allowed"):
        return "Enter a whole number."
    low, high = element.get("min_value"), element.get("max_value")
    if low is not None and float(text) < float(low):
        return f"Enter a number of at least {low}."
    if high is not None and float(text) > float(high):
        return f"Enter a number of at most {high}."
    return ""
