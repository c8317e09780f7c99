"""What Slack's refusals of a message mean for the letter."""

from __future__ import annotations

from typing import Final

from slack_sdk.errors import SlackApiError

from bot.slack.trouble import UNREADABLE_ANSWER

CLOSED: Final = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "channel_is_limited_access",
        "user_not_found",
        "user_disabled",
        "user_not_in_channel",
        "cannot_dm_bot",
        "messages_tab_disabled",
        "not_authorized_to_post",
        "no_permission",
    }
)
"""The conversation does not take our messages."""

GONE: Final = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "thread_not_found",
        "invalid_thread_ts",
        "cannot_reply_to_message",
    }
)
"""The message that was to be edited or answered is no more."""

UNREADABLE: Final = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "msg_blocks_too_long",
        "too_many_attachments",
    }
)
"""Slack does not take the blocks; the text alone says everything."""

HOPELESS: Final = UNREADABLE | {"msg_too_long", "no_text", "invalid_metadata_format"}

UNCERTAIN: Final = frozenset(
    {
        "internal_error",
        "fatal_error",
        "request_timeout",
        "service_unavailable",
        UNREADABLE_ANSWER,
    }
)
"""Slack failed on the way, so the message may be there all the same."""


def retry_after(error: SlackApiError) -> float:
    """The seconds that Slack asks to wait, at most an hour."""
    told = getattr(error.response, "headers", None) or {}
    headers = {key.lower(): value for key, value in told.items()}
    header = str(headers.get("retry-after", "1"))
    return float(min(int(header), 3600)) if header.isdecimal() else 1.0
