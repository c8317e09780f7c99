"""conversations.*: channels and direct messages."""

from __future__ import annotations

from typing import Final

from bot.sandbox.slackd.calls import Args
from bot.sandbox.slackd.methods.method import Method
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.refusal import JSON, Refusal
from bot.sandbox.slackd.world import Channel, Message, World, public_message


def _channel(world: World, channel: Channel) -> JSON:
    body: JSON = {
        "id": channel.id,
        "created": 1_700_000_000,
        "is_archived": channel.is_archived,
        "is_im": channel.kind == "dm",
        "is_mpim": False,
        "is_private": channel.kind == "dm",
        "context_team_id": world.team["id"],
    }
    if channel.kind == "dm":
        return body | {"user": channel.owner, "is_channel": False}
    return body | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_general": channel.name == "general",
        "is_member": world.app.user_id in channel.members,
        "num_members": len(channel.members),
    }


def _found(parts: Parts, args: Args) -> Channel:
    channel = parts.world.channels.get(args.need("channel"))
    if channel is None:
        raise Refusal("channel_not_found")
    return channel


def info(parts: Parts, args: Args) -> JSON:
    return {"channel": _channel(parts.world, _found(parts, args))}


def open_dm(parts: Parts, args: Args) -> JSON:
    users = [user for user in args.need("users").split(",") if user]
    if len(users) != 1:
        raise Refusal("method_not_supported_for_channel_type")
    person = parts.world.user(users[0])
    if person.is_bot:
        raise Refusal("cannot_dm_bot")
    return {"channel": {"id": parts.world.dm(person.id).id}}


def list_all(parts: Parts, args: Args) -> JSON:
    types = args.get("types", "public_channel").split(",")
    skip_archived = args.flag("exclude_archived")
    channels = [
        _channel(parts.world, channel)
        for channel in parts.world.channels.values()
        if ("im" if channel.kind == "dm" else "public_channel") in types
        and not (skip_archived and channel.is_archived)
    ]
    return {"channels": channels, "response_metadata": {"next_cursor": ""}}


def members(parts: Parts, args: Args) -> JSON:
    channel = _found(parts, args)
    return {"members": sorted(channel.members), "response_metadata": {"next_cursor": ""}}


def join(parts: Parts, args: Args) -> JSON:
    channel = _found(parts, args)
    if channel.is_archived:
        raise Refusal("is_archived")
    channel.members.add(parts.world.app.user_id)
    parts.world.changes.bump()
    return {"channel": _channel(parts.world, channel)}


def history(parts: Parts, args: Args) -> JSON:
    return _history(parts, args, thread=None)


def replies(parts: Parts, args: Args) -> JSON:
    return _history(parts, args, thread=args.need("ts"))


def _history(parts: Parts, args: Args, thread: str | None) -> JSON:
    channel = _found(parts, args)
    scope = "im:history" if channel.kind == "dm" else "channels:history"
    if scope not in parts.install.scopes:
        provided = ",".join(sorted(parts.install.scopes))
        raise Refusal("missing_scope", needed=scope, provided=provided)
    if parts.world.app.user_id not in channel.members:
        raise Refusal("not_in_channel")
    kept = [m for m in channel.messages if m.ephemeral_to is None and _in_thread(m, thread)]
    if thread and not kept:
        raise Refusal("thread_not_found")
    oldest, latest = args.get("oldest"), args.get("latest")
    kept = [m for m in kept if _between(m.ts, oldest, latest)]
    shown = kept if thread else kept[::-1]
    skip = _skipped(args.get("cursor"))
    limit = args.number("limit", 100)
    page, more = shown[skip : skip + limit], len(shown) > skip + limit
    bodies = [public_message(parts.world, message) for message in page]
    if not args.flag("include_all_metadata"):
        for body in bodies:
            body.pop("metadata", None)
    cursor = {"next_cursor": str(skip + limit) if more else ""}
    return {"messages": bodies, "has_more": more, "response_metadata": cursor}


def _between(ts: str, oldest: str, latest: str) -> bool:
    """Both ends are left out, as Slack does unless it is told otherwise."""
    try:
        at = float(ts)
        return (not oldest or at > float(oldest)) and (not latest or at < float(latest))
    except ValueError:
        raise Refusal("invalid_ts_oldest") from None


def _skipped(cursor: str) -> int:
    if not cursor:
        return 0
    if not cursor.isdigit():
        raise Refusal("invalid_cursor")
    return int(cursor)


def _in_thread(message: Message, thread: str | None) -> bool:
    if thread is None:
        return message.thread_ts is None or message.broadcast
    return thread in {message.ts, message.thread_ts}


CONVERSATIONS: Final = {
    # What may be read depends on the kind of conversation: `_history` looks at the scopes itself.
    "conversations.info": Method(info, "channels:read", tier=3),
    "conversations.open": Method(open_dm, "im:write", tier=3),
    "conversations.list": Method(list_all, "channels:read", tier=2),
    "conversations.members": Method(members, "channels:read", tier=4),
    "conversations.join": Method(join, "channels:join", tier=3),
    "conversations.history": Method(history, tier=3),
    "conversations.replies": Method(replies, tier=3),
}
