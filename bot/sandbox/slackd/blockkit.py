"""Block Kit as data: every block and element, what it may hold, and where it may go.

Source: docs.slack.dev, Block Kit reference; composition objects.
"""

from __future__ import annotations

from typing import Final

from bot.sandbox.slackd.limits import OPTIONS
from bot.sandbox.slackd.schema import Anything, ByType, Flag, Int, Many, Obj, Spec, Str, Text

ID: Final = Str(255, least=1)
URL: Final = Str(3000, least=1)
DATE: Final = Str(pattern=r"\d{4}-\d{2}-\d{2}")
TIME: Final = Str(pattern=r"([01]\d|2[0-3]):[0-5]\d")
DECIMAL: Final = Str(pattern=r"-?\d+(\.\d+)?")
SOME_ID: Final = Str(least=1)
SLACK_FILE: Final = Obj({}, {"id": SOME_ID, "url": URL})

CONFIRM: Final = Obj(
    {
        "title": Text(100, plain=True),
        "text": Text(300),
        "confirm": Text(30, plain=True),
        "deny": Text(30, plain=True),
    },
    {"style": Str(choices=("primary", "danger"))},
)


def _option(text: Spec, *, url: bool = False) -> Obj:
    optional: dict[str, Spec] = {"description": Text(75)}
    if url:
        optional["url"] = URL
    return Obj({"text": text, "value": Str(150, least=1)}, optional)


OPTION: Final = _option(Text(75, plain=True))
RICH_OPTION: Final = _option(Text(75))  # radio buttons and checkboxes take mrkdwn
LINK_OPTION: Final = _option(Text(75, plain=True), url=True)  # overflow menus take links
OPTION_GROUP: Final = Obj({"label": Text(75, plain=True), "options": Many(OPTION, OPTIONS)})
SUGGESTIONS: Final = Obj(
    {}, {"options": Many(OPTION, OPTIONS, least=0), "option_groups": Many(OPTION_GROUP, OPTIONS)}
)
"""What a `block_suggestion` may be answered with."""

CONVERSATION_FILTER: Final = Obj(
    {},
    {
        "include": Many(Str(choices=("im", "mpim", "private", "public"))),
        "exclude_external_shared_channels": Flag(),
        "exclude_bot_users": Flag(),
    },
)
DISPATCH: Final = Obj(
    {},
    {"trigger_actions_on": Many(Str(choices=("on_enter_pressed", "on_character_entered")), most=2)},
)

_BASE: Final[dict[str, Spec]] = {"action_id": ID}
_PICKER: Final[dict[str, Spec]] = {
    **_BASE,
    "placeholder": Text(150, plain=True),
    "focus_on_load": Flag(),
    "confirm": CONFIRM,
}
_STATIC: Final[dict[str, Spec]] = {
    **_PICKER,
    "options": Many(OPTION, OPTIONS),
    "option_groups": Many(OPTION_GROUP, OPTIONS),
}
_TYPED: Final[dict[str, Spec]] = {
    **_BASE,
    "placeholder": Text(150, plain=True),
    "focus_on_load": Flag(),
    "dispatch_action_config": DISPATCH,
}
_CONVERSATIONS: Final[dict[str, Spec]] = {
    **_PICKER,
    "default_to_current_conversation": Flag(),
    "filter": CONVERSATION_FILTER,
}
_AT_MOST: Final[dict[str, Spec]] = {"max_selected_items": Int(least=1)}
_IDS: Final = Many(SOME_ID)

IMAGE_ELEMENT: Final = Obj(
    {"alt_text": Str(2000, least=1)}, {"image_url": URL, "slack_file": SLACK_FILE}
)

SELECTS: Final[dict[str, Obj]] = {
    "static_select": Obj({}, {**_STATIC, "initial_option": OPTION}),
    "external_select": Obj(
        {}, {**_PICKER, "initial_option": OPTION, "min_query_length": Int(least=0)}
    ),
    "users_select": Obj({}, {**_PICKER, "initial_user": SOME_ID}),
    "conversations_select": Obj(
        {},
        {**_CONVERSATIONS, "initial_conversation": SOME_ID, "response_url_enabled": Flag()},
    ),
    "channels_select": Obj(
        {}, {**_PICKER, "initial_channel": SOME_ID, "response_url_enabled": Flag()}
    ),
}
MULTI_SELECTS: Final[dict[str, Obj]] = {
    "multi_static_select": Obj(
        {}, {**_STATIC, **_AT_MOST, "initial_options": Many(OPTION, OPTIONS)}
    ),
    "multi_external_select": Obj(
        {},
        {
            **_PICKER,
            **_AT_MOST,
            "initial_options": Many(OPTION, OPTIONS),
            "min_query_length": Int(least=0),
        },
    ),
    "multi_users_select": Obj({}, {**_PICKER, **_AT_MOST, "initial_users": _IDS}),
    "multi_conversations_select": Obj(
        {}, {**_CONVERSATIONS, **_AT_MOST, "initial_conversations": _IDS}
    ),
    "multi_channels_select": Obj({}, {**_PICKER, **_AT_MOST, "initial_channels": _IDS}),
}
CHOICES: Final[dict[str, Obj]] = {
    "radio_buttons": Obj(
        {"options": Many(RICH_OPTION, 10)},
        {**_BASE, "initial_option": RICH_OPTION, "confirm": CONFIRM, "focus_on_load": Flag()},
    ),
    "checkboxes": Obj(
        {"options": Many(RICH_OPTION, 10)},
        {
            **_BASE,
            "initial_options": Many(RICH_OPTION, 10),
            "confirm": CONFIRM,
            "focus_on_load": Flag(),
        },
    ),
}
PICKERS: Final[dict[str, Obj]] = {
    "datepicker": Obj({}, {**_PICKER, "initial_date": DATE}),
    "timepicker": Obj({}, {**_PICKER, "initial_time": TIME, "timezone": SOME_ID}),
}
DATETIME: Final[dict[str, Obj]] = {
    "datetimepicker": Obj(
        {},
        {
            **_BASE,
            "initial_date_time": Int(9_999_999_999, 1_000_000_000),
            "confirm": CONFIRM,
            "focus_on_load": Flag(),
        },
    ),
}
TYPED: Final[dict[str, Obj]] = {
    "plain_text_input": Obj(
        {},
        {
            **_TYPED,
            "initial_value": Str(3000),
            "multiline": Flag(),
            "min_length": Int(3000, 0),
            "max_length": Int(3000, 1),
        },
    ),
    "email_text_input": Obj({}, {**_TYPED, "initial_value": Str()}),
    "url_text_input": Obj({}, {**_TYPED, "initial_value": Str()}),
    "number_input": Obj(
        {"is_decimal_allowed": Flag()},
        {**_TYPED, "initial_value": DECIMAL, "min_value": DECIMAL, "max_value": DECIMAL},
    ),
    "rich_text_input": Obj({}, {**_TYPED, "initial_value": Anything()}),
    "file_input": Obj({}, {**_BASE, "filetypes": Many(Str(least=1)), "max_files": Int(10, 1)}),
}
BUTTONS: Final[dict[str, Obj]] = {
    "button": Obj(
        {"text": Text(75, plain=True)},
        {
            **_BASE,
            "url": URL,
            "value": Str(2000),
            "style": Str(choices=("primary", "danger")),
            "confirm": CONFIRM,
            "accessibility_label": Str(75),
        },
    ),
    "overflow": Obj({"options": Many(LINK_OPTION, 5)}, {**_BASE, "confirm": CONFIRM}),
    "workflow_button": Obj(
        {"text": Text(75, plain=True), "workflow": Anything()},
        {
            **_BASE,
            "style": Str(choices=("primary", "danger")),
            "accessibility_label": Str(75),
        },
    ),
}
CONTEXT_BUTTONS: Final[dict[str, Obj]] = {
    "feedback_buttons": Obj({"positive_button": Anything(), "negative_button": Anything()}, _BASE),
    "icon_button": Obj(
        {"icon": Str(least=1), "text": Text(75, plain=True)},
        {
            **_BASE,
            "value": Str(2000),
            "confirm": CONFIRM,
            "accessibility_label": Str(75),
            "visible_to_user_ids": _IDS,
        },
    ),
}

ACCESSORIES: Final = ByType(
    {**BUTTONS, **SELECTS, **MULTI_SELECTS, **CHOICES, **PICKERS, "image": IMAGE_ELEMENT}
)
ACTIONS: Final = ByType({**BUTTONS, **SELECTS, **MULTI_SELECTS, **CHOICES, **PICKERS, **DATETIME})
INPUTS: Final = ByType({**SELECTS, **MULTI_SELECTS, **CHOICES, **PICKERS, **DATETIME, **TYPED})
CONTEXT: Final = ByType(
    {
        "image": IMAGE_ELEMENT,
        "plain_text": Obj({"text": Str(2000, least=1)}, {"emoji": Flag()}),
        "mrkdwn": Obj({"text": Str(2000, least=1)}, {"verbatim": Flag()}),
    }
)

_STYLE: Final = Obj(
    {},
    {name: Flag() for name in ("bold", "italic", "strike", "code", "underline", "highlight")},
)
_INLINE: Final = ByType(
    {
        "text": Obj({"text": Str(least=1)}, {"style": _STYLE}),
        "link": Obj({"url": URL}, {"text": Str(), "style": _STYLE, "unsafe": Flag()}),
        "emoji": Obj({"name": SOME_ID}, {"unicode": Str(), "skin_tone": Int(), "style": _STYLE}),
        "user": Obj({"user_id": SOME_ID}, {"style": _STYLE}),
        "usergroup": Obj({"usergroup_id": SOME_ID}, {"style": _STYLE}),
        "channel": Obj({"channel_id": SOME_ID}, {"style": _STYLE}),
        "broadcast": Obj({"range": Str(choices=("here", "channel", "everyone"))}),
        "color": Obj({"value": SOME_ID}),
        "date": Obj(
            {"timestamp": Int(), "format": SOME_ID},
            {"url": URL, "fallback": Str(), "style": _STYLE},
        ),
    }
)
_LINES: Final = Many(_INLINE, least=0)
_SECTION: Final = Obj({"elements": _LINES})
RICH_TEXT: Final = ByType(
    {
        "rich_text_section": _SECTION,
        "rich_text_list": Obj(
            {
                "style": Str(choices=("bullet", "ordered")),
                "elements": Many(ByType({"rich_text_section": _SECTION})),
            },
            {"indent": Int(8, 0), "offset": Int(least=0), "border": Int(1, 0)},
        ),
        "rich_text_preformatted": Obj(
            {"elements": _LINES}, {"border": Int(1, 0), "language": Str()}
        ),
        "rich_text_quote": Obj({"elements": _LINES}, {"border": Int(1, 0)}),
    }
)
_RICH_BLOCK: Final = Obj({"elements": Many(RICH_TEXT)}, {"block_id": ID})
_CELL: Final = ByType(
    {
        "raw_text": Obj({"text": Str(least=1)}),
        "raw_number": Obj({"value": Anything()}, {"text": Str()}),
        "rich_text": _RICH_BLOCK,
    }
)

_OWN_ID: Final[dict[str, Spec]] = {"block_id": ID}
_IMAGE_SOURCE: Final[dict[str, Spec]] = {"image_url": URL, "slack_file": SLACK_FILE}
_CARD: Final = Obj(
    {},
    {
        **_OWN_ID,
        "hero_image": ByType({"image": IMAGE_ELEMENT}),
        "icon": ByType({"image": IMAGE_ELEMENT}),
        "title": Text(150),
        "subtitle": Text(150),
        "body": Text(200),
        "actions": Many(ByType(BUTTONS), 3),
    },
)
_TASK: Final = Obj(
    {
        "task_id": SOME_ID,
        "title": Str(least=1),
        "status": Str(choices=("pending", "in_progress", "complete", "error")),
    },
    {**_OWN_ID, "details": Anything(), "output": Anything(), "sources": Many(Anything())},
)

BLOCKS: Final[dict[str, Obj]] = {
    "section": Obj(
        {},
        {
            **_OWN_ID,
            "text": Text(3000),
            "fields": Many(Text(2000), 10),
            "accessory": ACCESSORIES,
            "expand": Flag(),
        },
    ),
    "divider": Obj({}, _OWN_ID),
    "header": Obj({"text": Text(150, plain=True)}, {**_OWN_ID, "level": Int(4, 1)}),
    "image": Obj(
        {"alt_text": Str(2000, least=1)},
        {**_OWN_ID, **_IMAGE_SOURCE, "title": Text(2000, plain=True)},
    ),
    "context": Obj({"elements": Many(CONTEXT, 10)}, _OWN_ID),
    "actions": Obj({"elements": Many(ACTIONS, 25)}, _OWN_ID),
    "context_actions": Obj({"elements": Many(ByType(CONTEXT_BUTTONS), 5)}, _OWN_ID),
    "input": Obj(
        {"label": Text(2000, plain=True), "element": INPUTS},
        {
            **_OWN_ID,
            "dispatch_action": Flag(),
            "hint": Text(2000, plain=True),
            "optional": Flag(),
        },
    ),
    "rich_text": _RICH_BLOCK,
    "markdown": Obj({"text": Str(12_000, least=1)}, _OWN_ID),
    "table": Obj(
        {"rows": Many(Many(_CELL, 20), 100)},
        {
            **_OWN_ID,
            "column_settings": Many(
                Obj(
                    {},
                    {
                        "align": Str(choices=("left", "center", "right")),
                        "is_wrapped": Flag(),
                    },
                ),
                20,
            ),
        },
    ),
    "data_table": Obj(
        {"caption": Str(least=1), "rows": Many(Many(_CELL, 20), 201, least=2)},
        {**_OWN_ID, "page_size": Int(100, 1), "row_header_column_index": Int(19, 0)},
    ),
    "data_visualization": Obj({"title": Str(50, least=1), "chart": Anything()}, _OWN_ID),
    "alert": Obj(
        {"text": Text(200)},
        {**_OWN_ID, "level": Str(choices=("default", "info", "warning", "error", "success"))},
    ),
    "card": _CARD,
    "carousel": Obj({"elements": Many(ByType({"card": _CARD}), 10)}, _OWN_ID),
    "container": Obj(
        {"child_blocks": Many(Anything(), 10)},
        {
            **_OWN_ID,
            "title": Text(150, plain=True),
            "rich_text_title": Anything(),
            "subtitle": Text(150),
            "width": Str(choices=("narrow", "standard", "wide", "full")),
            "icon": ByType({"image": IMAGE_ELEMENT}),
            "is_collapsible": Flag(),
            "default_collapsed": Flag(),
            "has_header_divider": Flag(),
        },
    ),
    "plan": Obj(
        {"title": Str(least=1)}, {**_OWN_ID, "tasks": Many(ByType({"task_card": _TASK}), 50)}
    ),
    "task_card": _TASK,
    "video": Obj(
        {
            "alt_text": Str(least=1),
            "title": Text(199, plain=True),
            "thumbnail_url": URL,
            "video_url": URL,
        },
        {
            **_OWN_ID,
            "author_name": Str(49),
            "description": Text(200, plain=True),
            "provider_icon_url": URL,
            "provider_name": Str(),
            "title_url": URL,
        },
    ),
}

_EVERYWHERE: Final = frozenset({"message", "modal", "home"})
SURFACES: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(BLOCKS, _EVERYWHERE),
    **dict.fromkeys(
        ("markdown", "plan", "task_card", "context_actions", "container"), frozenset({"message"})
    ),
    **dict.fromkeys(
        ("table", "data_table", "data_visualization", "carousel"), frozenset({"message", "home"})
    ),
    "alert": frozenset({"modal"}),
}
"""Where a block may go. Sources disagree on containers in a Home tab; Slack says messages only."""
