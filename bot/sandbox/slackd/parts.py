"""What the local Slack is made of, wired once by the server and passed to whoever needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bot.sandbox.slackd.limits import EVENT_RETRY_SECONDS
from bot.sandbox.slackd.link import Delivery, Link
from bot.sandbox.slackd.ratelimit import RateLimit
from bot.sandbox.slackd.responses import Responses
from bot.sandbox.slackd.triggers import Triggers
from bot.sandbox.slackd.uploads import Uploads
from bot.sandbox.slackd.views import Views
from bot.sandbox.slackd.world import World

SCOPES: Final = frozenset(
    {
        "channels:history",
        "chat:write",
        "commands",
        "files:write",
        "groups:history",
        "im:history",
        "im:write",
        "usergroups:read",
        "users:read",
    }
)
"""What the app was granted, unless the server is told otherwise: what its manifest asks for."""

EVENTS: Final = frozenset({"app_home_opened"})


@dataclass(frozen=True, slots=True)
class Install:
    """How the app is installed: its tokens, scopes and events, and what its command escapes."""

    bot_token: str = field(repr=False)
    app_token: str = field(repr=False)
    scopes: frozenset[str] = SCOPES
    events: frozenset[str] = EVENTS
    escape: bool = True
    retry_seconds: tuple[float, ...] = EVENT_RETRY_SECONDS


@dataclass(slots=True)
class Parts:
    """The pieces; `base_url` is known once the server listens."""

    install: Install
    world: World
    views: Views
    triggers: Triggers
    responses: Responses
    uploads: Uploads
    limit: RateLimit
    link: Link
    delivery: Delivery
    base_url: str = field(default="")
