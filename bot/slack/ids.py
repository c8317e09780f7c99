"""The names of blocks, elements and views, each written once.

Slack sends them back from messages that are months old, so a name is never given a second meaning.
"""

from __future__ import annotations

from typing import Final

from bot.core.incident import Button

# Views: their callback_id.
REGISTRY_FORM: Final = "registry_form"
DELETE_FORM: Final = "delete_form"
SETTINGS_FORM: Final = "settings_form"
SNOOZE_FORM: Final = "snooze_form"
OWNER_FORM: Final = "owner_form"
PAUSE_FORM: Final = "pause_form"
EXEMPTION_FORM: Final = "exemption_form"
DECLINE_FORM: Final = "decline_form"
ROTATION_FORM: Final = "rotation_form"
CLUSTER_FORM: Final = "cluster_form"
CLUSTER_DELETE_FORM: Final = "cluster_delete_form"
POLICY_FORM: Final = "policy_form"
ROTATION_DECLINE_FORM: Final = "rotation_decline_form"
CHECKING: Final = "checking"
OUTCOME: Final = "outcome"
CARD: Final = "card"

# Buttons: their action_id; the value is a registry's name unless said otherwise.
ADD: Final = "add"  # value: a kind's slug, or `-` for none
SHOW: Final = "show"
CHECK: Final = "check"
CHECK_ALL: Final = "check_all"
EDIT: Final = "edit"
DELETE: Final = "delete"
HISTORY: Final = "history"
RESTORE: Final = "restore"
PAUSE: Final = "pause"
RESUME: Final = "resume"
SETTINGS: Final = "settings"
REPORT: Final = "report"  # value: a period such as `30d`, or `-`
CORRECT: Final = "correct"  # value: a draft's id
REOPEN: Final = "reopen"  # value: an overtaken draft's id
SAVE_ANYWAY: Final = "save_anyway"  # value: a draft's id
DISCARD: Final = "discard"  # value: a draft's id
ROW_MENU: Final = "row_menu"  # an overflow; the option's value is `verb:name`

# Lists; the value is a `ListState`.
LIST: Final = "list"
LIST_ATTENTION: Final = "list_attention"
LIST_PREVIOUS: Final = "list_previous"
LIST_NEXT: Final = "list_next"
LIST_FILTER: Final = "list_filter"  # a select; the option's value is `part:value`
LISTS: Final = (LIST, LIST_ATTENTION, LIST_PREVIOUS, LIST_NEXT)

# Alerts. Of most the value is `incident:version`, see `alert`.
ALERT_LIST: Final = "alert_list"  # value: `storm:ID:page` or `incident:ID:page`
ALERT_PREVIOUS: Final = "alert_previous"  # likewise
ALERT_NEXT: Final = "alert_next"  # likewise
ALERT_TAKE_ALL: Final = "alert_take_all"  # value: a storm's id
ALERT_MENU: Final = "alert_menu"  # an overflow; `verb:name` or `button:incident:version`

# Reminders.
REMINDERS: Final = "reminders"  # value: `months:page`
REMINDERS_PREVIOUS: Final = "reminders_previous"  # likewise
REMINDERS_NEXT: Final = "reminders_next"  # likewise
REMINDER_SNOOZE: Final = "reminder_snooze"  # a select; the option's value is `days:credential`
REMINDER_ROTATED: Final = "reminder_rotated"  # value: a credential's id
REMINDER_OWNER: Final = "reminder_owner"  # likewise

# The deploy gate.
ASK_REGISTER: Final = "ask_register"  # value: an image
REQUEST_APPROVE: Final = "request_approve"  # value: a request's id
REQUEST_EXEMPT: Final = "request_exempt"  # likewise
REQUEST_DECLINE: Final = "request_decline"  # likewise
EXEMPTION_END: Final = "exemption_end"  # value: an exemption's id
USES: Final = "uses"
USES_PREVIOUS: Final = "uses_previous"  # value: `name:page`
USES_FILE: Final = "uses_file"  # value: `delete:name` or `draft:id`
USES_NEXT: Final = "uses_next"  # likewise

# Rotation.
ROTATE: Final = "rotate"
ROTATION_REMOVED: Final = "rotation_removed"  # value: a rotation's id
ROTATION_BACK: Final = "rotation_back"  # likewise
ROTATION_LET_GO: Final = "rotation_let_go"  # likewise
ROTATION_REVOKE: Final = "rotation_revoke"  # likewise
ROTATION_APPROVE: Final = "rotation_approve"  # likewise
ROTATION_DECLINE: Final = "rotation_decline"  # likewise
ROTATION_POLICY: Final = "rotation_policy"
ROTATION_NOW: Final = "rotation_now"
ROTATION_DIAGNOSE: Final = "rotation_diagnose"
THAW: Final = "thaw"  # value: `-`

# The images of a registry; the value is a `BrowseState`.
IMAGES: Final = "images"
IMAGES_UP: Final = "images_up"
IMAGES_FIRST: Final = "images_first"
IMAGES_NEXT: Final = "images_next"
IMAGE_LOOK: Final = "image_look"

# Clusters; the value is a cluster's name.
CLUSTER_ADD: Final = "cluster_add"  # value: `-`
CLUSTER_SHOW: Final = "cluster_show"
CLUSTER_MODE: Final = "cluster_mode"  # a select; the option's value is `mode:name`
CLUSTER_ROTATE: Final = "cluster_rotate"
CLUSTER_REVOKE: Final = "cluster_revoke"
CLUSTER_DELETE: Final = "cluster_delete"
CLUSTER_LINK: Final = "cluster_link"  # a link, which nothing listens to

# Choices that redraw the form they are in.
OUTSIDE: Final = "enter_outside"
OUTSIDE_LINK: Final = "outside_link"  # a link, which nothing listens to
PICK_KIND: Final = "pick_kind"
PICK_VARIANT: Final = "pick_variant"
PICK_ENVIRONMENT: Final = "pick_environment"

# The other inputs of forms.
TYPED: Final = "typed"
PICK_GROUPS: Final = "pick_groups"

# The verbs that have a picker of names.
PICKED_VERBS: Final = (
    "show", "edit", "delete", "test", "history", "images", "uses", "pause", "resume", "rotate",
)  # fmt: skip


def alert(button: Button) -> str:
    """The action id of a button of an alert."""
    return f"alert_{button}"


def picker(verb: str) -> str:
    """The action id of the picker that goes on to `verb`."""
    return f"pick_{verb}"


def field_block(name: str, reset: str = "") -> str:
    """The block id of a form's field. Another `reset` makes Slack forget what was typed in it."""
    return f"field:{name}:{reset}"


def field_of(block_id: str) -> str:
    """The field's name in a block id, empty when the block is no field."""
    head, _, rest = block_id.partition(":")
    return rest.partition(":")[0] if head == "field" else ""
