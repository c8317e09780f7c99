"""Our limits against an independent list: the constants slackblocks made from a published spec."""

from __future__ import annotations

from typing import Any

import pytest
from slackblocks import _limits as published

from bot.sandbox.slackd import limits
from bot.sandbox.slackd.blockkit import (
    ACCESSORIES,
    ACTIONS,
    BLOCKS,
    CONFIRM,
    CONTEXT_BUTTONS,
    INPUTS,
    OPTION_GROUP,
    RICH_OPTION,
)
from bot.sandbox.slackd.schema import Many, Obj

BUTTON = ACTIONS.specs["button"]
SELECT = ACCESSORIES.specs["static_select"]
TEXT_INPUT = INPUTS.specs["plain_text_input"]

SAME: dict[str, tuple[Obj, str]] = {
    "ACTION_ID_MAX_LENGTH": (BUTTON, "action_id"),
    "BLOCK_ID_MAX_LENGTH": (BLOCKS["divider"], "block_id"),
    "BUTTON_TEXT_MAX_LENGTH": (BUTTON, "text"),
    "BUTTON_URL_MAX_LENGTH": (BUTTON, "url"),
    "BUTTON_VALUE_MAX_LENGTH": (BUTTON, "value"),
    "BUTTON_ACCESSIBILITY_LABEL_MAX_LENGTH": (BUTTON, "accessibility_label"),
    "CONFIRMATION_TITLE_MAX_LENGTH": (CONFIRM, "title"),
    "CONFIRMATION_TEXT_MAX_LENGTH": (CONFIRM, "text"),
    "CONFIRMATION_CONFIRM_MAX_LENGTH": (CONFIRM, "confirm"),
    "CONFIRMATION_DENY_MAX_LENGTH": (CONFIRM, "deny"),
    "OPTION_TEXT_MAX_LENGTH": (RICH_OPTION, "text"),
    "OPTION_VALUE_MAX_LENGTH": (RICH_OPTION, "value"),
    "OPTION_DESCRIPTION_MAX_LENGTH": (RICH_OPTION, "description"),
    "OPTION_GROUP_LABEL_MAX_LENGTH": (OPTION_GROUP, "label"),
    "OPTION_GROUP_OPTIONS_MAX_ITEMS": (OPTION_GROUP, "options"),
    "SELECT_PLACEHOLDER_MAX_LENGTH": (SELECT, "placeholder"),
    "SELECT_OPTIONS_MAX_ITEMS": (SELECT, "options"),
    "SELECT_OPTION_GROUPS_MAX_ITEMS": (SELECT, "option_groups"),
    "OVERFLOW_OPTIONS_MAX_ITEMS": (ACTIONS.specs["overflow"], "options"),
    "CHECKBOXES_OPTIONS_MAX_ITEMS": (ACTIONS.specs["checkboxes"], "options"),
    "RADIO_BUTTONS_OPTIONS_MAX_ITEMS": (ACTIONS.specs["radio_buttons"], "options"),
    "FILE_INPUT_MAX_FILES_MAX": (INPUTS.specs["file_input"], "max_files"),
    "PLAIN_TEXT_INPUT_MIN_LENGTH_MAX": (TEXT_INPUT, "min_length"),
    "PLAIN_TEXT_INPUT_MAX_LENGTH_MAX": (TEXT_INPUT, "max_length"),
    "PLAIN_TEXT_INPUT_PLACEHOLDER_MAX_LENGTH": (TEXT_INPUT, "placeholder"),
    "ACTIONS_ELEMENTS_MAX_ITEMS": (BLOCKS["actions"], "elements"),
    "ALERT_TEXT_MAX_LENGTH": (BLOCKS["alert"], "text"),
    "CARD_TITLE_MAX_LENGTH": (BLOCKS["card"], "title"),
    "CARD_BODY_MAX_LENGTH": (BLOCKS["card"], "body"),
    "CARD_ACTIONS_MAX_ITEMS": (BLOCKS["card"], "actions"),
    "CAROUSEL_ELEMENTS_MAX_ITEMS": (BLOCKS["carousel"], "elements"),
    "CONTAINER_TITLE_MAX_LENGTH": (BLOCKS["container"], "title"),
    "CONTAINER_CHILD_BLOCKS_MAX_ITEMS": (BLOCKS["container"], "child_blocks"),
    "CONTEXT_ELEMENTS_MAX_ITEMS": (BLOCKS["context"], "elements"),
    "CONTEXT_ACTIONS_ELEMENTS_MAX_ITEMS": (BLOCKS["context_actions"], "elements"),
    "ICON_BUTTON_VALUE_MAX_LENGTH": (CONTEXT_BUTTONS["icon_button"], "value"),
    "TABLE_ROWS_MAX_ITEMS": (BLOCKS["table"], "rows"),
    "TABLE_COLUMN_SETTINGS_MAX_ITEMS": (BLOCKS["table"], "column_settings"),
    "DATA_TABLE_ROWS_MAX_ITEMS": (BLOCKS["data_table"], "rows"),
    "DATA_TABLE_PAGE_SIZE_MAX": (BLOCKS["data_table"], "page_size"),
    "DATA_VISUALIZATION_TITLE_MAX_LENGTH": (BLOCKS["data_visualization"], "title"),
    "HEADER_TEXT_MAX_LENGTH": (BLOCKS["header"], "text"),
    "IMAGE_IMAGE_URL_MAX_LENGTH": (BLOCKS["image"], "image_url"),
    "IMAGE_ALT_TEXT_MAX_LENGTH": (BLOCKS["image"], "alt_text"),
    "IMAGE_TITLE_MAX_LENGTH": (BLOCKS["image"], "title"),
    "INPUT_LABEL_MAX_LENGTH": (BLOCKS["input"], "label"),
    "INPUT_HINT_MAX_LENGTH": (BLOCKS["input"], "hint"),
    "MARKDOWN_TEXT_MAX_LENGTH": (BLOCKS["markdown"], "text"),
    "PLAN_TASKS_MAX_ITEMS": (BLOCKS["plan"], "tasks"),
    "SECTION_TEXT_MAX_LENGTH": (BLOCKS["section"], "text"),
    "SECTION_FIELDS_MAX_ITEMS": (BLOCKS["section"], "fields"),
}

TOTALS: dict[str, int] = {
    "MESSAGE_BLOCKS_MAX_ITEMS": limits.MESSAGE_BLOCKS,
    "MESSAGE_ATTACHMENTS_MAX_ITEMS": limits.ATTACHMENTS,
    "VIEW_BLOCKS_MAX_ITEMS": limits.VIEW_BLOCKS,
    "MARKDOWN_TOTAL_TEXT_MAX_LENGTH": limits.MARKDOWN_TOTAL,
    "DATA_TABLE_CONTENT_MAX_LENGTH": limits.DATA_TABLE_TEXT,
}


@pytest.mark.parametrize("name", SAME)
def test_a_limit_is_the_published_one(name: str) -> None:
    """The most a field of a block or element takes."""
    holder, key = SAME[name]
    spec: Any = {**holder.required, **holder.optional}[key]

    assert spec.most == getattr(published, name)


@pytest.mark.parametrize("name", TOTALS)
def test_a_total_is_the_published_one(name: str) -> None:
    """What a whole message or view takes."""
    assert getattr(published, name) == TOTALS[name]


def test_the_items_of_lists_are_limited_too() -> None:
    """A field of a section and a row of a table."""
    fields, rows = BLOCKS["section"].optional["fields"], BLOCKS["table"].required["rows"]
    assert isinstance(fields, Many)
    assert isinstance(rows, Many)
    field, row = fields.of, rows.of
    assert isinstance(row, Many)

    assert getattr(field, "most", 0) == published.SECTION_FIELDS_ITEM_MAX_LENGTH
    assert row.most == published.TABLE_COLUMNS_MAX_ITEMS
