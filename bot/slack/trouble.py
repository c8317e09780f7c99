"""What Slack and the way to it answer when something is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aiohttp
from slack_sdk.errors import SlackApiError

NETWORK: Final = (aiohttp.ClientError, OSError)
"""A call that did not get through; a timeout is an OSError."""

AWAY: Final = (SlackApiError, *NETWORK)
"""A call that did not get through, or that Slack refused."""


UNREADABLE_ANSWER: Final = "unreadable_answer"


def code_of(error: Exception) -> str:
    """Slack's error code, such as `not_found`; `network` for a call that did not get through.

    `unreadable_answer` for one that was answered by something else, such as a proxy's error page.
    """
    if not isinstance(error, SlackApiError):
        return "network"
    # The SDK gives its own response, a dictionary, or what its HTTP client gave it.
    told = getattr(error.response, "data", error.response)
    code = told.get("error") if isinstance(told, Mapping) else None
    return str(code) if code else UNREADABLE_ANSWER


def reasons(error: Exception) -> list[str]:
    """Slack's reasons for refusing a payload, for the log."""
    if not isinstance(error, SlackApiError):
        return []
    told = getattr(error.response, "data", error.response)
    metadata = told.get("response_metadata") if isinstance(told, Mapping) else None
    return list((metadata or {}).get("messages") or [])
