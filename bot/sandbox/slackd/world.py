"""The workspace: people, groups, channels and everything posted, kept in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from bot.core.clock import Clock
from bot.sandbox.slackd.changes import Changes
from bot.sandbox.slackd.refusal import JSON, Refusal

KEPT: Final = 500
"""Lines of log and of problems that are kept."""


@dataclass(slots=True)
class User:
    """A person, or the app's bot user. `role` is a word for the page."""

    id: str
    name: str
    real_name: str
    role: str = "member"
    color: str = "#5b7083"
    is_admin: bool = False
    is_bot: bool = False


@dataclass(slots=True)
class Group:
    """A user group."""

    id: str
    handle: str
    name: str
    users: list[str]


@dataclass(slots=True)
class Message:
    """Something posted. `user` is the id of the author; `ephemeral_to` the only one who sees it."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[JSON] | None = None
    attachments: list[JSON] = field(default_factory=list)
    thread_ts: str | None = None
    broadcast: bool = False
    edited: bool = False
    ephemeral_to: str | None = None
    files: list[str] = field(default_factory=list)
    metadata: JSON | None = None
    is_bot: bool = False
    state: dict[str, dict[str, dict[str, JSON]]] = field(default_factory=dict, repr=False)
    """Per user id: what that person picked in the message's selects."""
    offered: dict[str, dict[tuple[str, str], list[JSON]]] = field(default_factory=dict, repr=False)
    """Per user id: what the app last offered in its external selects."""


@dataclass(slots=True)
class Channel:
    """A conversation; `kind` is `channel` or `dm` (then `owner` is the person)."""

    id: str
    name: str
    kind: str = "channel"
    members: set[str] = field(default_factory=set)
    is_archived: bool = False
    owner: str = ""
    messages: list[Message] = field(default_factory=list)
    read: dict[str, str] = field(default_factory=dict)

    def find(self, ts: str) -> Message | None:
        return next((m for m in self.messages if m.ts == ts), None)


@dataclass(frozen=True, slots=True)
class App:
    """The app that is installed in this workspace."""

    command: str
    id: str = "A0REGAPP01"
    name: str = "Registrar"
    user_id: str = "U0REGBOT01"
    bot_id: str = "B0REGBOT01"


class World:
    """One workspace. Times come from the bot's clock, so that a skipped day shows."""

    def __init__(self, app: App, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        self.changes = Changes()
        self.team: JSON = {"id": "T0SANDBOX1", "name": "Acme", "domain": "acme"}
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.channels: dict[str, Channel] = {}
        self.problems: deque[JSON] = deque(maxlen=KEPT)
        self.log: deque[JSON] = deque(maxlen=KEPT)
        self._last_ts = 0

    # -- who and where

    def user(self, user_id: str) -> User:
        """Raises `user_not_found`."""
        if user_id not in self.users:
            raise Refusal("user_not_found")
        return self.users[user_id]

    def people(self) -> list[User]:
        return [user for user in self.users.values() if not user.is_bot]

    def channel(self, name: str) -> Channel:
        """By id, `#name`, or the id of a person (their direct messages with the app).

        Raises `channel_not_found`.
        """
        found = self.channels.get(name)
        if found is None:
            bare = name.removeprefix("#")
            for channel in self.channels.values():
                if (channel.kind == "channel" and channel.name == bare) or channel.owner == name:
                    found = channel
        if found is None:
            raise Refusal("channel_not_found")
        return found

    def dm(self, user_id: str) -> Channel:
        """The person's direct messages with the app."""
        return next(c for c in self.channels.values() if c.owner == user_id)

    def visible(self, user_id: str) -> list[Channel]:
        """The conversations a person sees, channels first."""
        return [c for c in self.channels.values() if c.kind == "channel" or c.owner == user_id]

    # -- what happens

    def next_ts(self) -> str:
        """A new, ever growing message timestamp: seconds and microseconds."""
        micros = int(self.clock.now().timestamp() * 1_000_000)
        self._last_ts = max(micros, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def post(self, message: Message) -> Message:
        self.channels[message.channel].messages.append(message)
        self.changes.bump()
        return message

    def from_app(self, channel: str, body: JSON, ephemeral_to: str | None = None) -> Message:
        """Post what the app sent: `text`, `blocks`, `attachments`, `thread_ts`, `metadata`."""
        return self.post(
            Message(
                ts=self.next_ts(),
                channel=channel,
                user=self.app.user_id,
                text=str(body.get("text") or ""),
                blocks=body.get("blocks") or None,
                attachments=list(body.get("attachments") or []),
                thread_ts=body.get("thread_ts") or None,
                broadcast=bool(body.get("reply_broadcast")),
                ephemeral_to=ephemeral_to,
                metadata=body.get("metadata"),
                is_bot=True,
            )
        )

    def whisper(self, channel: str, user_id: str, text: str) -> None:
        """Slackbot tells one person something, such as that a command failed."""
        self.post(
            Message(self.next_ts(), channel, "USLACKBOT", text, ephemeral_to=user_id, is_bot=True)
        )

    def remove(self, message: Message) -> None:
        self.channels[message.channel].messages.remove(message)
        self.changes.bump()

    def note(self, who: str, what: str) -> None:
        """One line of the log. `what` holds names and ids, never a value somebody typed."""
        self.log.append({"at": self.clock.now().isoformat(), "who": who, "what": what})
        self.changes.bump()

    def problem(self, where: str, error: str, detail: str | Iterable[str] = "") -> None:
        """Something Slack would have refused, or shown as a failure."""
        text = detail if isinstance(detail, str) else "\n".join(detail)
        self.problems.append(
            {"at": self.clock.now().isoformat(), "where": where, "error": error, "detail": text}
        )
        self.changes.bump()


def example_world(command: str, clock: Clock) -> World:
    """The workspace of the sandbox: an admin, a manager and a member, two channels, one group."""
    world = World(App(command), clock)
    people = (
        User("U0ADMIN001", "ada", "Ada Admin", "admin", "#8a5cf0", is_admin=True),
        User("U0MANAGER1", "mo", "Mo Manager", "manager", "#d9822b"),
        User("U0MEMBER01", "mel", "Mel Member", "member", "#2f9e6e"),
    )
    bot = User(world.app.user_id, "registrar", "Registrar", "app", "#2463eb", is_bot=True)
    slackbot = User("USLACKBOT", "slackbot", "Slackbot", "app", "#888888", is_bot=True)
    everyone = {user.id for user in people}
    world.users = {user.id: user for user in (*people, bot, slackbot)}
    world.groups = {
        "S0PLATFORM": Group("S0PLATFORM", "platform", "Platform team", ["U0MANAGER1"]),
        "S0SECURITY": Group("S0SECURITY", "security", "Security", ["U0ADMIN001"]),
    }
    channels = [
        Channel("C0GENERAL1", "general", members=set(everyone)),
        Channel("C0ALERTS01", "registry-alerts", members={*everyone, bot.id}),
    ]
    channels += [
        Channel(f"D0{user.id[2:]}", "Registrar", "dm", {user.id, bot.id}, owner=user.id)
        for user in people
    ]
    world.channels = {channel.id: channel for channel in channels}
    return world


def public_user(world: World, user: User) -> JSON:
    """The user object of `users.info`."""
    return {
        "id": user.id,
        "team_id": world.team["id"],
        "name": user.name,
        "deleted": False,
        "color": user.color.removeprefix("#"),
        "real_name": user.real_name,
        "tz": "Europe/Amsterdam",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "locale": "en-US",
        "profile": {
            "real_name": user.real_name,
            "display_name": user.name,
            "real_name_normalized": user.real_name,
            "display_name_normalized": user.name,
            "team": world.team["id"],
        },
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 1_700_000_000,
    }


def public_message(world: World, message: Message) -> JSON:
    """The message object as the app gets it back."""
    body: dict[str, Any] = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": world.team["id"],
    }
    if message.is_bot:
        body |= {"bot_id": world.app.bot_id, "app_id": world.app.id}
    if message.blocks:
        body["blocks"] = message.blocks
    if message.attachments:
        body["attachments"] = message.attachments
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    if message.edited:
        body["edited"] = {"user": message.user, "ts": message.ts}
    if message.metadata:
        body["metadata"] = message.metadata
    return body
