"""Response URLs: five uses in thirty minutes, answering where somebody acted."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.sandbox.slackd import limits
from bot.sandbox.slackd.messages import check_content, named_content, replace_content
from bot.sandbox.slackd.refusal import JSON, Refusal
from bot.sandbox.slackd.world import World

_KEYS: Final = frozenset(
    {
        "text",
        "blocks",
        "attachments",
        "response_type",
        "replace_original",
        "delete_original",
        "thread_ts",
        "unfurl_links",
        "unfurl_media",
        "metadata",
        "mrkdwn",
    }
)


@dataclass(slots=True)
class Ticket:
    """Where a response goes; `original` is the ts of the message acted on, None for a command."""

    channel: str
    user_id: str
    original: str | None
    issued: datetime
    uses: int = 0


class Responses:
    """Issues response URLs and takes what is sent to them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tickets: dict[str, Ticket] = {}

    def issue(self, channel: str, user_id: str, original: str | None = None) -> str:
        """The secret last part of a new response URL."""
        token = secrets.token_urlsafe(24)
        self._tickets[token] = Ticket(channel, user_id, original, self._world.clock.now())
        return token

    def take(self, token: str, body: JSON) -> None:
        """Do what was sent; raises Refusal (`expired_url`, `used_url`, `invalid_blocks`, …)."""
        ticket = self._tickets.get(token)
        if ticket is None:
            raise Refusal("expired_url")
        age = self._world.clock.now() - ticket.issued
        if age > timedelta(seconds=limits.RESPONSE_SECONDS):
            raise Refusal("expired_url")
        if ticket.uses >= limits.RESPONSE_USES:
            raise Refusal("used_url")
        unknown = sorted(set(body) - _KEYS)
        if unknown:
            raise Refusal("invalid_payload", f"unknown keys: {', '.join(unknown)}")
        self._answer(ticket, body)
        ticket.uses += 1

    def _answer(self, ticket: Ticket, body: JSON) -> None:
        channel = self._world.channels[ticket.channel]
        original = channel.find(ticket.original) if ticket.original else None
        if _yes(body.get("delete_original")):
            if original is not None:
                self._world.remove(original)
            return
        check_content(body)
        # A command has no message of its own: Slack ignores replace_original there and posts anew.
        if _yes(body.get("replace_original")) and original is not None:
            replace_content(self._world, original, body)
            return
        visible = body.get("response_type") == "in_channel"
        content = named_content(body)
        self._world.from_app(ticket.channel, content, None if visible else ticket.user_id)


def _yes(value: object) -> bool:
    return value is True or str(value).lower() == "true"
