"""What people are called, for texts that name somebody without calling them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.clock import Clock
from bot.slack.trouble import AWAY, code_of

log = structlog.get_logger(__name__)

FRESH: Final = timedelta(hours=1)
MOST: Final = 2_000
SOMEBODY: Final = "somebody"


class Names:
    """Asks Slack for a person's name, at most once an hour each."""

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._kept: dict[str, tuple[str, datetime]] = {}

    async def of(self, user: str) -> str:
        """The name of a user id; empty for nobody, `somebody` when Slack does not tell."""
        if not user:
            return ""
        now = self._clock.now()
        name, at = self._kept.get(user, ("", now))
        if name and now - at <= FRESH:
            return name
        try:
            answer = await self._client.users_info(user=user)
        except AWAY as error:
            log.info("no name", error=code_of(error))
            return name or SOMEBODY
        found = answer.get("user") or {}
        profile = found.get("profile") or {}
        called = (profile.get("display_name"), found.get("real_name"), found.get("name"))
        name = next((str(one) for one in called if one), SOMEBODY)
        self._kept.pop(user, None)
        self._kept[user] = (name, now)
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        return name


class Links:
    """Links to messages."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def to(self, channel: str, ts: str) -> str:
        """The link to a message; empty when there is none to be had."""
        if not channel or not ts:
            return ""
        try:
            answer = await self._client.chat_getPermalink(channel=channel, message_ts=ts)
        except AWAY as error:
            log.info("no link", error=code_of(error))
            return ""
        return str(answer.get("permalink") or "")
