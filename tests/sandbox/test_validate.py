"""Block Kit as Slack judges it: what is right passes, each broken rule is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from bot.sandbox.slackd.refusal import Refusal
from bot.sandbox.slackd.validate import refuse_message, refuse_suggestions, refuse_view
from tests.sandbox.kit import (
    JSON,
    actions,
    button,
    field,
    home,
    modal,
    mrkdwn,
    option,
    plain,
    section,
    select,
    typed,
)

RICH: JSON = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "hello ", "style": {"bold": True}},
                {"type": "user", "user_id": "U0ADMIN001"},
                {"type": "date", "timestamp": 1_700_000_000, "format": "{date}"},
            ],
        }
    ],
}
TABLE: JSON = {
    "type": "table",
    "rows": [[{"type": "raw_text", "text": "a"}, {"type": "raw_text", "text": "b"}]],
}
IMAGE: JSON = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}
CONFIRM: JSON = {
    "title": plain("Sure?"),
    "text": mrkdwn("It is *gone* then."),
    "confirm": plain("Delete"),
    "deny": plain("Keep"),
    "style": "danger",
}


def confirmed(**change: Any) -> JSON:
    return section(accessory=button(confirm={**CONFIRM, **change}))


GOOD_MESSAGES: dict[str, list[JSON]] = {
    "section": [section("x" * 3000)],
    "fields": [{"type": "section", "fields": [mrkdwn("a")] * 10}],
    "header and divider": [{"type": "header", "text": plain("h" * 150)}, {"type": "divider"}],
    "buttons": [actions(*(button("b", f"b{n}") for n in range(25)))],
    "confirm": [confirmed()],
    "context": [{"type": "context", "elements": [mrkdwn("a"), plain("b"), IMAGE]}],
    "select": [section(accessory=select("a", "b", initial_option=option("a")))],
    "overflow": [
        section(accessory={"type": "overflow", "action_id": "o", "options": [option("a")]})
    ],
    "rich text": [RICH],
    "table": [TABLE],
    "image": [IMAGE],
    "markdown": [{"type": "markdown", "text": "m" * 12_000}],
    "input": [field("Name", typed())],
    "card": [{"type": "card", "title": plain("t"), "actions": [button()]}],
    "container": [{"type": "container", "title": plain("t"), "child_blocks": [section()]}],
}

BAD_MESSAGES: dict[str, tuple[list[JSON], str]] = {
    "too many blocks": ([section()] * 51, "no more than 50 items"),
    "unknown block": ([{"type": "password"}], "unsupported type: password"),
    "no type": ([{"text": plain("a")}], "unsupported type"),
    "not an object": (["section"], "must provide an object"),  # type: ignore[list-item]
    "unknown key": ([section(colour="red")], "invalid additional property: colour"),
    "empty text": ([section("")], "must be more than 0"),
    "long text": ([section("x" * 3001)], "less than 3001"),
    "nothing in a section": ([{"type": "section"}], "text or fields"),
    "eleven fields": ([{"type": "section", "fields": [mrkdwn("a")] * 11}], "no more than 10"),
    "long field": ([{"type": "section", "fields": [mrkdwn("a" * 2001)]}], "less than 2001"),
    "mrkdwn header": ([{"type": "header", "text": mrkdwn("h")}], "unsupported type: mrkdwn"),
    "long header": ([{"type": "header", "text": plain("h" * 151)}], "less than 151"),
    "emoji in mrkdwn": ([{"type": "section", "text": {**mrkdwn("a"), "emoji": True}}], "property: emoji"),
    "26 buttons": ([actions(*(button("b", f"b{n}") for n in range(26)))], "no more than 25"),
    "no button": ([actions()], "no fewer than 1"),
    "long button": ([actions(button("b" * 76))], "less than 76"),
    "long value": ([actions(button(value="v" * 2001))], "less than 2001"),
    "wrong style": ([actions(button(style="warning"))], "valid enum value"),
    "long action_id": ([actions(button(action_id="a" * 256))], "less than 256"),
    "long block_id": ([{**section(), "block_id": "b" * 256}], "less than 256"),
    "long confirm": ([confirmed(text=plain("x" * 301))], "less than 301"),
    "no deny": ([confirmed(deny=None)], "missing required field: deny"),
    "eleven in context": ([{"type": "context", "elements": [mrkdwn("a")] * 11}], "than 10"),
    "button in context": ([{"type": "context", "elements": [button()]}], "unsupported type"),
    "input as accessory": ([section(accessory=typed())], "unsupported type: plain_text_input"),
    "101 options": ([section(accessory=select(*map(str, range(101))))], "no more than 100"),
    "long option": ([section(accessory=select("o" * 76))], "less than 76"),
    "long option value": (
        [section(accessory=select(options=[option("a", "v" * 151)]))],
        "less than 151",
    ),
    "options and groups": (
        [section(accessory=select("a", option_groups=[{"label": plain("g"), "options": [option("b")]}]))],
        "either options or option_groups",
    ),
    "no options": ([section(accessory={"type": "static_select", "action_id": "a"})], "either"),
    "same option twice": ([section(accessory=select("a", "a"))], "duplicate option value: a"),
    "strange initial option": (
        [section(accessory=select("a", initial_option=option("b")))],
        "initial option must be one of",
    ),
    "initial option with another text": (
        [section(accessory=select("a", initial_option=option("b", "a")))],
        "initial option must be one of",
    ),
    "six in overflow": (
        [section(accessory={"type": "overflow", "options": [option(n) for n in "abcdef"]})],
        "no more than 5",
    ),
    "eleven radio buttons": (
        [section(accessory={"type": "radio_buttons", "options": [option(n) for n in "abcdefghijk"]})],
        "no more than 10",
    ),
    "same block_id": ([{**section(), "block_id": "b"}] * 2, "`block_id` b already exists"),
    "same action_id": ([actions(button(), button())], "`action_id` press already exists"),
    "two tables": ([TABLE, TABLE], "no more than 1 table"),
    "21 columns": ([{"type": "table", "rows": [TABLE["rows"][0] * 11]}], "no more than 20"),
    "101 rows": ([{"type": "table", "rows": TABLE["rows"] * 101}], "no more than 100"),
    "alert in a message": ([{"type": "alert", "text": plain("a")}], "not allowed in a message"),
    "file_input in a message": (
        [field("F", {"type": "file_input", "action_id": "f"})],
        "only allowed in a modal",
    ),
    "two in focus": (
        [field("A", typed(focus_on_load=True)), field("B", typed(focus_on_load=True))],
        "focus_on_load",
    ),
    "markdown in all": (
        [{"type": "markdown", "text": "m" * 7000}, {"type": "markdown", "text": "m" * 7000}],
        "less than 12001",
    ),
    "local image": ([{**IMAGE, "image_url": "http://127.0.0.1/a.png"}], "downloading image failed"),
    "image of a bare host": ([{**IMAGE, "image_url": "http://intranet/a"}], "downloading image"),
    "image without source": ([{"type": "image", "alt_text": "a"}], "either image_url"),
    "image without alt text": (
        [{"type": "image", "image_url": "https://example.com/a.png"}],
        "missing required field: alt_text",
    ),
    "number as text": ([field("N", {"type": "number_input", "action_id": "n", "min_value": 1, "is_decimal_allowed": False})], "must provide a string"),
    "number without decimals": ([field("N", {"type": "number_input", "action_id": "n"})], "is_decimal_allowed"),
    "long initial value": ([field("N", typed(initial_value="v" * 3001))], "less than 3001"),
    "min above max": ([field("N", typed(min_length=5, max_length=4))], "min_length"),
    "bad date": (
        [section(accessory={"type": "datepicker", "action_id": "d", "initial_date": "1 May"})],
        "failed to match pattern",
    ),
    "nested containers": (
        [{"type": "container", "title": plain("t"), "child_blocks": [GOOD_MESSAGES["container"][0]]}],
        "cannot be nested",
    ),
    "modal block in a container": (
        [{"type": "container", "title": plain("t"), "child_blocks": [{"type": "alert", "text": plain("a")}]}],
        "not allowed",
    ),
}  # fmt: skip

LONG = "x" * 25
BAD_MODALS: dict[str, tuple[JSON, str]] = {
    "101 blocks": (modal(*[section()] * 101), "no more than 100"),
    "no blocks": ({**modal(), "blocks": []}, "no fewer than 1"),
    "long title": (modal(title=plain(LONG)), "less than 25"),
    "long submit": (modal(submit=plain(LONG)), "less than 25"),
    "long close": (modal(close=plain(LONG)), "less than 25"),
    "mrkdwn title": (modal(title=mrkdwn("a")), "unsupported type: mrkdwn"),
    "long metadata": (modal(private_metadata="m" * 3001), "less than 3001"),
    "long callback_id": (modal(callback_id="c" * 256), "less than 256"),
    "table in a modal": (modal(TABLE), "not allowed in a modal"),
    "container in a modal": (modal(*GOOD_MESSAGES["container"]), "not allowed in a modal"),
    "input without submit": ({**modal(field("N", typed())), "submit": None}, "submit"),
    "unknown key": (modal(channel="C1"), "invalid additional property: channel"),
    "a Home tab": (home(), "must be `modal`"),
    "state of its own": (modal(state={}), "invalid additional property: state"),
    "password field": (modal(field("P", {"type": "password_input"})), "unsupported type"),
}


@pytest.mark.parametrize("name", GOOD_MESSAGES)
def test_what_slack_takes_in_a_message_passes(name: str) -> None:
    """Right blocks at their largest are not refused."""
    refuse_message({"blocks": GOOD_MESSAGES[name]})


@pytest.mark.parametrize("name", BAD_MESSAGES)
def test_a_broken_rule_in_a_message_is_refused_with_its_reason(name: str) -> None:
    """Each payload breaks one rule; the reason names it and points at the place."""
    blocks, reason = BAD_MESSAGES[name]

    with pytest.raises(Refusal) as refused:
        refuse_message({"blocks": blocks})

    assert refused.value.code == "invalid_blocks"
    assert reason in "\n".join(refused.value.messages)
    assert "[json-pointer:/blocks" in refused.value.messages[0]


@pytest.mark.parametrize("name", BAD_MODALS)
def test_a_broken_rule_in_a_modal_is_refused_with_its_reason(name: str) -> None:
    """A view's own limits, and blocks that do not go into modals."""
    view, reason = BAD_MODALS[name]

    with pytest.raises(Refusal) as refused:
        refuse_view(view, home=False)

    assert refused.value.code == "invalid_arguments"
    assert reason in "\n".join(refused.value.messages)


def test_a_large_modal_with_everything_in_it_passes() -> None:
    """A hundred blocks, an alert and every kind of input are fine in a modal."""
    people = {"type": "multi_users_select", "action_id": "u", "placeholder": plain("who")}
    blocks = [
        {"type": "alert", "text": mrkdwn("*careful*"), "level": "warning"},
        field("Kind", select("a", "b"), dispatch_action=True),
        field("Name", typed(min_length=1, max_length=3000, initial_value="x")),
        field("Who", people, optional=True, hint=plain("h")),
        field("Many", {"type": "number_input", "action_id": "n", "is_decimal_allowed": False}),
        field("Link", {"type": "url_text_input", "action_id": "l"}),
        field("File", {"type": "file_input", "action_id": "f", "max_files": 1}),
    ]

    refuse_view(modal(*blocks, *[section()] * 93), home=False)


def test_a_view_is_measured_in_bytes() -> None:
    """Slack refuses a view above 250 kB whatever its characters are."""
    blocks = [section("ü" * 3000) for _ in range(50)]

    with pytest.raises(Refusal, match="view_too_large"):
        refuse_view(home(*blocks), home=True)


def test_a_home_tab_has_no_submit_button() -> None:
    """A Home tab takes blocks and ids only."""
    with pytest.raises(Refusal) as refused:
        refuse_view(home(submit=plain("Save")), home=True)

    assert "invalid additional property: submit" in refused.value.messages[0]


def test_attachments_are_judged_like_blocks() -> None:
    """Blocks inside a coloured attachment follow the same rules."""
    with pytest.raises(Refusal) as refused:
        refuse_message({"attachments": [{"color": "#a30200", "blocks": [section("")]}]})

    assert refused.value.code == "invalid_attachments"
    assert "/attachments/0/blocks/0" in refused.value.messages[0]


def test_suggestions_are_options_or_groups() -> None:
    """An answer to a search has one of both, at most a hundred."""
    refuse_suggestions({"options": [option("a")]})
    refuse_suggestions({"options": []})

    wrongs: tuple[Any, ...] = (
        {},
        {"options": [option("a")] * 101},
        {"options": [{"text": mrkdwn("a"), "value": "a"}]},
        {"options": [], "option_groups": []},
        {"text": "error"},
        None,
    )
    for wrong in wrongs:
        with pytest.raises(Refusal, match="invalid_options"):
            refuse_suggestions(wrong)


JUNK: tuple[Any, ...] = (None, True, -1, "", "x" * 4000, [], [None], {}, {"type": "section"})
EVERYTHING: list[JSON] = [
    *(block for blocks in GOOD_MESSAGES.values() for block in blocks[:3]),
    {"type": "alert", "text": plain("a")},
    {"type": "carousel", "elements": [{"type": "card", "title": plain("t")}]},
    {"type": "data_table", "caption": "c", "rows": TABLE["rows"] * 2},
    field("Days", {"type": "number_input", "action_id": "n", "is_decimal_allowed": True}),
    field("Code", typed(min_length=1, max_length=5)),
]


def spoiled(value: Any) -> Iterator[Any]:
    """Copies of `value`, each with one part of it replaced by junk."""
    yield from JUNK
    if isinstance(value, dict):
        for key, item in value.items():
            yield {other: part for other, part in value.items() if other != key}
            yield from ({**value, key: junk} for junk in spoiled(item))
    elif isinstance(value, list):
        for index, item in enumerate(value[:2]):
            yield from ([*value[:index], junk, *value[index + 1 :]] for junk in spoiled(item))


@pytest.mark.parametrize("block", EVERYTHING, ids=lambda block: block["type"])
def test_no_payload_breaks_the_validator(block: JSON) -> None:
    """Whatever part of a block is junk, the answer is yes or a refusal, never a crash."""
    for junk in spoiled(block):
        with suppress(Refusal):
            refuse_message({"blocks": [junk]})
        with suppress(Refusal):
            refuse_view(modal(junk), home=False)
