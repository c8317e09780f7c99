"""The whole screen of one person as JSON, for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.sandbox.slackd.board import Board, shown_log, shown_registries
from bot.sandbox.slackd.messages import all_blocks
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.refusal import JSON
from bot.sandbox.slackd.state import carried
from bot.sandbox.slackd.views import View
from bot.sandbox.slackd.world import Channel, Message

SHOWN: Final = 200
"""Messages of a channel, without replies; older ones are kept, but not sent to the page."""

NOTE: Final = "Names like ghcr.io are answered by this machine; nothing leaves it."


@dataclass(frozen=True, slots=True)
class Setting:
    """What the page shows beside Slack itself."""

    board: Board | None
    can_skip: bool
    live: bool
    commands: Sequence[tuple[str, str]]
    names: Callable[[], Mapping[str, Sequence[str]]]


def snapshot(parts: Parts, setting: Setting, user_id: str, channel_id: str) -> JSON:
    """See the class `Setting`; `channel_id` may be empty for the first channel.

    Showing a channel marks it as read.
    """
    world = parts.world
    me = world.user(user_id)
    channels = world.visible(user_id)
    shown = next((c for c in channels if c.id == channel_id), channels[0])
    _mark_read(shown, user_id)
    home = parts.views.homes.get(user_id)
    return {
        "version": world.changes.version,
        "team": {"name": world.team["name"], "id": world.team["id"]},
        "me": {
            "id": me.id,
            "name": me.name,
            "real_name": me.real_name,
            "is_admin": me.is_admin,
        },
        "users": [
            {
                "id": user.id,
                "name": user.name,
                "real_name": user.real_name,
                "role": user.role,
                "color": user.color,
            }
            for user in world.users.values()
        ],
        "usergroups": [
            {"id": group.id, "handle": group.handle, "name": group.name}
            for group in world.groups.values()
        ],
        "app": {
            "id": world.app.id,
            "name": world.app.name,
            "user_id": world.app.user_id,
            "command": world.app.command,
        },
        "now": world.clock.now().isoformat(),
        "can_skip": setting.can_skip,
        "live": setting.live,
        "connected": parts.link.connections > 0 or parts.delivery is not parts.link,
        "channels": [_channel(parts, channel, user_id) for channel in channels],
        "channel": shown.id,
        "messages": conversation(parts, shown, user_id),
        "home": _view(home) if home else None,
        "views": [_view(view) for view in parts.views.stack(user_id)],
        "problems": list(world.problems),
        "log": _log(parts, setting.board),
        "practice": _practice(setting.board),
        "commands": [{"text": text, "hint": hint} for text, hint in setting.commands],
        "names": {holder: list(names) for holder, names in setting.names().items()},
    }


def _log(parts: Parts, board: Board | None) -> list[JSON]:
    lines = [*parts.world.log, *shown_log(board)]
    return sorted(lines, key=lambda line: str(line["at"]))[-300:]


def _practice(board: Board | None) -> JSON | None:
    return {"registries": shown_registries(board), "note": NOTE} if board else None


def seen_by(channel: Channel, user_id: str) -> list[Message]:
    """The messages of a channel this person sees; other people's ephemerals are not among them."""
    return [m for m in channel.messages if m.ephemeral_to in {None, user_id}]


def _mark_read(channel: Channel, user_id: str) -> None:
    if channel.messages:
        channel.read[user_id] = channel.messages[-1].ts


def _channel(parts: Parts, channel: Channel, user_id: str) -> JSON:
    read = channel.read.get(user_id, "")
    unread = [m for m in seen_by(channel, user_id) if m.ts > read and m.user != user_id]
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "unread": len(unread),
        "is_member_bot": parts.world.app.user_id in channel.members,
        "is_archived": channel.is_archived,
    }


def conversation(parts: Parts, channel: Channel, user_id: str) -> list[JSON]:
    """The last messages of a channel as the page shows them: replies inside their parents."""
    seen = seen_by(channel, user_id)
    roots = {m.ts for m in seen if not m.thread_ts}
    shown: list[JSON] = []
    for message in seen:
        if message.thread_ts in roots and not message.broadcast:
            continue
        body = _message(parts, message, user_id)
        replies = [m for m in seen if m.thread_ts == message.ts]
        body["replies"] = [_message(parts, reply, user_id) for reply in replies]
        body["reply_count"] = len(replies)
        shown.append(body)
    return shown[-SHOWN:]


def _message(parts: Parts, message: Message, user_id: str) -> JSON:
    author = parts.world.users[message.user]
    values = carried(all_blocks(message), message.state.get(user_id, {}))
    return {
        "ts": message.ts,
        "channel": message.channel,
        "user": message.user,
        "bot": message.is_bot,
        "name": author.real_name,
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "edited": message.edited,
        "ephemeral": message.ephemeral_to is not None,
        "thread_ts": message.thread_ts,
        "reply_count": 0,
        "replies": [],
        "files": [_file(parts, file_id) for file_id in message.files],
        "deleted": False,
        "state": {"values": values},
    }


def _file(parts: Parts, file_id: str) -> JSON:
    file = parts.uploads.files[file_id]
    return {
        "id": file.id,
        "title": file.title,
        "mimetype": file.mimetype,
        "url": f"/files/{file.id}",
        "alt_text": file.alt_text or file.title,
    }


def _view(view: View) -> JSON:
    keys = ("type", "callback_id", "title", "submit", "close", "blocks", "submit_disabled")
    body: JSON = {key: view.body.get(key) for key in keys}
    return body | {
        "id": view.id,
        "hash": view.hash,
        "state": {"values": view.values},
        "errors": dict(view.errors),
        "trouble": view.trouble,
        "busy": view.busy,
    }
