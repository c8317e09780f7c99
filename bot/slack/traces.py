"""Was it sent before? A message carries its delivery key, so that a repeat can find it.

Between Slack taking a message and us noting it down a process can die. Whoever takes the letter up
again looks for the key in the conversation first, and edits what is there instead of posting twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.trouble import code_of
from bot.slack.verdict import UNCERTAIN

log = structlog.get_logger(__name__)

EVENT: Final = "registrar_delivery"
PAGE: Final = 200
PAGES: Final = 5
# Our clock and Slack's may differ by this much.
AWRY: Final = timedelta(hours=1)
_TRY_LATER: Final = UNCERTAIN | {"ratelimited"}


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a message stands."""

    channel: str
    ts: str


def mark(key: str) -> dict[str, Any]:
    """The metadata that a message carries."""
    return {"event_type": EVENT, "event_payload": {"key": key}}


class Traces:
    """Looks into conversations; without the scopes for it, a repeat may be seen twice."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._blind: set[str] = set()

    async def find(self, channel: str, key: str, since: datetime, thread: str = "") -> Sent | None:
        """The message with this key that was sent at or after `since`; in `thread`, if given.

        Raises SlackApiError when Slack may tell later, and network errors.
        """
        if channel[:1] in self._blind:
            return None
        try:
            place = await self._conversation(channel)
            return await self._search(place, key, since, thread)
        except SlackApiError as error:
            code = code_of(error)
            if code in _TRY_LATER:
                raise
            if code == "missing_scope":
                self._blind.add(channel[:1])
                needed = error.response.get("needed")
                log.warning("cannot look for what was sent; a repeat may show", needed=needed)
            else:
                log.info("nothing to look into", channel=channel, error=code)
            return None

    async def _conversation(self, channel: str) -> str:
        """Messages are sent to people by their id, but read in the conversation with them."""
        if not channel.startswith(("U", "W")):
            return channel
        answer = await self._client.conversations_open(users=channel)
        return str((answer.get("channel") or {}).get("id") or channel)

    async def _search(self, place: str, key: str, since: datetime, thread: str) -> Sent | None:
        cursor = ""
        for _ in range(PAGES):
            asked: dict[str, Any] = {
                "channel": place,
                "limit": PAGE,
                "include_all_metadata": True,
                "oldest": f"{(since - AWRY).timestamp():.6f}",
                **({"cursor": cursor} if cursor else {}),
            }
            if thread:
                answer = await self._client.conversations_replies(ts=thread, **asked)
            else:
                answer = await self._client.conversations_history(**asked)
            for message in answer.get("messages") or ():
                if _key_of(message) == key:
                    return Sent(place, str(message.get("ts") or ""))
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return None
        return None


def _key_of(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT:
        return ""
    return str((metadata.get("event_payload") or {}).get("key") or "")
