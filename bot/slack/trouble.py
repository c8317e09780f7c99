"""What Slack and the way to it answer when something is wrong."""

from __future__ import annotations

from typing import Final

import aiohttp
from slack_sdk.errors import SlackApiError

NETWORK: Final = (aiohttp.ClientError, OSError)
"""A call that did not get through; a timeout is an OSError."""

AWAY: Final = (SlackApiError, *NETWORK)
"""A call that did not get through, or that Slack refused."""


def code_of(error: Exception) -> str:
    """Slack's error code, such as `not_found`; `network` for a call that did not get through."""
    return str(error.response.get("error")) if isinstance(error, SlackApiError) else "network"
