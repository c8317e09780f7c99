"""Refuses what Slack would refuse: shapes, limits, surfaces, and the rules no schema can say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.sandbox.slackd import limits
from bot.sandbox.slackd.blockkit import BLOCKS, SUGGESTIONS, SURFACES
from bot.sandbox.slackd.refusal import JSON, Refusal
from bot.sandbox.slackd.schema import ByType, Flag, Many, Obj, Report, Str, Text

_VIEW: Final = {
    "modal": Obj(
        {"title": Text(24, plain=True), "blocks": Many(ByType(BLOCKS), limits.VIEW_BLOCKS)},
        {
            "submit": Text(24, plain=True),
            "close": Text(24, plain=True),
            "private_metadata": Str(3000),
            "callback_id": Str(255),
            "external_id": Str(255),
            "clear_on_close": Flag(),
            "notify_on_close": Flag(),
            "submit_disabled": Flag(),
        },
    ),
    "home": Obj(
        {"blocks": Many(ByType(BLOCKS), limits.VIEW_BLOCKS)},
        {"private_metadata": Str(3000), "callback_id": Str(255), "external_id": Str(255)},
    ),
}
_MODELLED: Final = frozenset(BLOCKS) - {"data_table", "data_visualization"}


class Findings:
    """Collects reasons; the same reason at the same place counts once."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def __call__(self, reason: str, at: str) -> None:
        if (reason, at) not in self.found:
            self.found.append((reason, at))

    @property
    def messages(self) -> list[str]:
        return [f"{reason} [json-pointer:{at or '/'}]" for reason, at in self.found]


def refuse_message(message: JSON) -> None:
    """Raises `invalid_blocks` or `invalid_attachments` for a message Slack would not take."""
    report = Findings()
    blocks = message.get("blocks")
    if blocks:
        check_blocks(blocks, "message", "/blocks", report)
    if report.messages:
        raise Refusal("invalid_blocks", *report.messages)
    _refuse_attachments(message.get("attachments") or [])


def _refuse_attachments(attachments: Any) -> None:
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise Refusal("invalid_attachments", "must provide an array of objects")
    if len(attachments) > limits.ATTACHMENTS:
        raise Refusal("too_many_attachments")
    report = Findings()
    for index, attachment in enumerate(attachments):
        if attachment.get("blocks"):
            at = f"/attachments/{index}/blocks"
            check_blocks(attachment["blocks"], "message", at, report)
    if report.messages:
        raise Refusal("invalid_attachments", *report.messages)


def refuse_view(view: Any, *, home: bool) -> None:
    """Raises `view_too_large` or `invalid_arguments` for a view Slack would not take."""
    if not isinstance(view, dict):
        raise Refusal("invalid_arguments", "must provide an object [json-pointer:/view]")
    # Slack sends compact JSON and counts bytes, not characters.
    if len(json.dumps(view, ensure_ascii=False).encode()) > limits.VIEW_BYTES:
        raise Refusal("view_too_large")
    report = Findings()
    wanted = "home" if home else "modal"
    if view.get("type") != wanted:
        report(f"must be `{wanted}`", "/view/type")
    else:
        ByType(_VIEW).check(view, "/view", report)
    if not report.messages:
        check_blocks(view["blocks"], wanted, "/view/blocks", report)
        _submit_rule(view, report)
        _models_agree(View, view, "/view", report)
    if report.messages:
        raise Refusal("invalid_arguments", *report.messages)


def refuse_suggestions(answer: Any) -> None:
    """Raises `invalid_options` for an answer to `block_suggestion` that Slack would not show."""
    report = Findings()
    SUGGESTIONS.check(answer, "", report)
    if isinstance(answer, dict) and ("options" in answer) == ("option_groups" in answer):
        report("must provide either options or option_groups", "")
    if report.messages:
        raise Refusal("invalid_options", *report.messages)


def check_blocks(blocks: Any, surface: str, at: str, report: Report) -> None:
    """Reports what is wrong with the blocks of a message, modal or Home tab.

    The rules of the second half read the blocks, so they are asked only when the shape is right.
    """
    most = limits.MESSAGE_BLOCKS if surface == "message" else limits.VIEW_BLOCKS
    shape = Findings()
    Many(ByType(BLOCKS), most).check(blocks, at, shape)
    for reason, where in shape.found:
        report(reason, where)
    if shape.found:
        return
    for index, block in enumerate(blocks):
        _check_block(block, surface, f"{at}/{index}", report)
    _whole_rules(blocks, at, report)


def _check_block(block: JSON, surface: str, at: str, report: Report) -> None:
    kind = block["type"]
    if surface not in SURFACES[kind]:
        report(f"block type `{kind}` is not allowed in a {surface}", f"{at}/type")
    if kind == "section" and not (block.get("text") or block.get("fields")):
        report("missing required field: text or fields", at)
    if kind == "container":
        _check_container(block, at, report)
    if kind in {"image", "video"}:
        _image_source(block, at, report, needs_one=kind == "image")
    for element, where in elements_of(block, at):
        _check_element(element, where, surface, report)
    if kind in _MODELLED:
        _models_agree(Block, block, at, report)


def _check_container(block: JSON, at: str, report: Report) -> None:
    children, at = block["child_blocks"], f"{at}/child_blocks"
    if any(isinstance(child, dict) and child.get("type") == "container" for child in children):
        report("containers cannot be nested", at)
    else:
        check_blocks(children, "message", at, report)


def elements_of(block: JSON, at: str = "") -> Iterator[tuple[JSON, str]]:
    """The elements of a block with their JSON pointers: accessory, input element, actions."""
    for key in ("accessory", "element"):
        if block.get(key):
            yield block[key], f"{at}/{key}"
    if block["type"] in {"actions", "context", "context_actions"}:
        for index, element in enumerate(block["elements"]):
            yield element, f"{at}/elements/{index}"
    for index, element in enumerate(block.get("actions") or []):
        yield element, f"{at}/actions/{index}"


def _check_element(element: JSON, at: str, surface: str, report: Report) -> None:
    kind = element["type"]
    if kind == "file_input" and surface != "modal":
        report("file_input is only allowed in a modal", f"{at}/type")
    if kind == "image":
        _image_source(element, at, report, needs_one=True)
    if kind.endswith("static_select"):
        if bool(element.get("options")) == bool(element.get("option_groups")):
            report("must provide either options or option_groups", at)
        _initial_known(element, at, report)
    if kind in {"radio_buttons", "checkboxes"}:
        _initial_known(element, at, report)
    if (element.get("min_length") or 0) > (element.get("max_length") or 3000):
        report("min_length must be less than or equal to max_length", f"{at}/min_length")
    _unique_values(element, at, report)


def options_in(element: JSON) -> list[JSON]:
    """All options of a select, grouped or not."""
    groups = element.get("option_groups") or []
    grouped = [option for group in groups for option in group["options"]]
    return [*(element.get("options") or []), *grouped]


def _unique_values(element: JSON, at: str, report: Report) -> None:
    counts = Counter(option["value"] for option in options_in(element))
    for value, count in counts.items():
        if count > 1:
            report(f"duplicate option value: {value}", f"{at}/options")


def _initial_known(element: JSON, at: str, report: Report) -> None:
    initial = element.get("initial_options") or []
    if element.get("initial_option"):
        initial = [element["initial_option"]]
    for option in initial:
        # Slack compares the whole option, description included.
        if option not in options_in(element):
            report("initial option must be one of the options", at)


def _image_source(holder: JSON, at: str, report: Report, *, needs_one: bool) -> None:
    url = holder.get("image_url")
    if needs_one and bool(url) == bool(holder.get("slack_file")):
        report("must provide either image_url or slack_file", at)
    if url and not _public(url):
        # Slack fetches the picture itself, so it never sees what only this machine can reach.
        report("downloading image failed", f"{at}/image_url")


def _public(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or "." not in host or host.endswith(".local"):
        return False
    try:
        return ip_address(host).is_global
    except ValueError:
        return True


def _whole_rules(blocks: list[JSON], at: str, report: Report) -> None:
    _unique([b.get("block_id") for b in blocks], "block_id", at, report)
    for index, block in enumerate(blocks):
        ids = [element.get("action_id") for element, _ in elements_of(block)]
        _unique(ids, "action_id", f"{at}/{index}", report)
    focused = [e for b in blocks for e, _ in elements_of(b) if e.get("focus_on_load") is True]
    if len(focused) > 1:
        report("focus_on_load can only be used on one element", at)
    for kind, most in (("table", 1), ("data_visualization", 2)):
        if sum(block["type"] == kind for block in blocks) > most:
            report(f"no more than {most} {kind} block allowed", at)
    markdown = sum(len(b["text"]) for b in blocks if b["type"] == "markdown")
    if markdown > limits.MARKDOWN_TOTAL:
        report(f"markdown blocks must be less than {limits.MARKDOWN_TOTAL + 1} characters", at)
    for index, block in enumerate(blocks):
        if block["type"] == "data_table" and _cell_text(block) > limits.DATA_TABLE_TEXT:
            report(f"must be less than {limits.DATA_TABLE_TEXT + 1} characters", f"{at}/{index}")


def _cell_text(table: JSON) -> int:
    cells = [cell for row in table["rows"] for cell in row]
    return sum(len(cell.get("text") or "") for cell in cells)


def _unique(names: list[Any], what: str, at: str, report: Report) -> None:
    counts = Counter(name for name in names if isinstance(name, str))
    for name, count in counts.items():
        if count > 1:
            report(f"`{what}` {name} already exists", at)


def _submit_rule(view: JSON, report: Report) -> None:
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    if view.get("type") == "modal" and inputs and not view.get("submit"):
        report("missing required field: submit (a modal with input blocks needs it)", "/view")


def _models_agree(model: type[Block | View], payload: JSON, at: str, report: Report) -> None:
    """A second opinion from slack_sdk's own models, for rules this table may have missed."""
    try:
        parsed = View(**payload) if model is View else Block.parse(payload)
        if parsed is not None:
            parsed.to_dict()
    except SlackObjectFormationError as error:
        report(str(error), at)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        report(f"malformed ({type(error).__name__})", at)
