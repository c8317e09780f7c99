"""chat.*: posting, changing and deleting messages."""

from __future__ import annotations

from typing import Final

from bot.sandbox.slackd.calls import Args
from bot.sandbox.slackd.messages import check_content, named_content, replace_content
from bot.sandbox.slackd.methods.method import Method
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.refusal import JSON, Refusal
from bot.sandbox.slackd.world import Channel, Message, World, public_message


def writable(parts: Parts, name: str, *, public: bool = True) -> Channel:
    """A channel the app may post to; raises `channel_not_found`, `is_archived`, `not_in_channel`.

    With `public`, the scope chat:write.public opens channels the app is no member of.
    """
    channel = parts.world.channel(name)
    if channel.is_archived:
        raise Refusal("is_archived")
    inside = parts.world.app.user_id in channel.members
    if not inside and not (public and "chat:write.public" in parts.install.scopes):
        raise Refusal("not_in_channel")
    return channel


def post_message(parts: Parts, args: Args) -> JSON:
    world = parts.world
    channel = writable(parts, args.need("channel"))
    wait = parts.limit.wait_for_post(channel.id)
    if wait:
        raise Refusal("ratelimited", retry_after=wait)
    body = args.content()
    check_content(body)
    _check_metadata(body)
    if body.get("thread_ts") and channel.find(body["thread_ts"]) is None:
        raise Refusal("invalid_thread_ts")
    message = world.from_app(channel.id, named_content(body))
    return {
        "channel": channel.id,
        "ts": message.ts,
        "message": public_message(world, message),
    }


def _check_metadata(body: JSON) -> None:
    metadata = body.get("metadata")
    if metadata is None:
        return
    if not isinstance(metadata, dict) or not {"event_type", "event_payload"} <= set(metadata):
        raise Refusal("invalid_metadata_format")


def post_ephemeral(parts: Parts, args: Args) -> JSON:
    world = parts.world
    channel = writable(parts, args.need("channel"), public=False)
    user = world.user(args.need("user"))
    if user.id not in channel.members:
        raise Refusal("user_not_in_channel")
    body = args.content()
    check_content(body)
    message = world.from_app(channel.id, named_content(body), ephemeral_to=user.id)
    return {"message_ts": message.ts}


def _own(world: World, args: Args, refusal: str) -> tuple[Channel, Message]:
    name = args.need("channel")
    if name not in world.channels:
        raise Refusal("channel_not_found")  # names and user ids are not taken here
    channel = world.channels[name]
    message = channel.find(args.need("ts"))
    # An ephemeral message is not in the channel's history, so Slack does not find it.
    if message is None or message.ephemeral_to is not None:
        raise Refusal("message_not_found")
    if message.user != world.app.user_id:
        raise Refusal(refusal)
    return channel, message


def update(parts: Parts, args: Args) -> JSON:
    channel, message = _own(parts.world, args, "cant_update_message")
    if channel.is_archived:
        raise Refusal("is_archived")
    body = args.content()
    body.pop("thread_ts", None)
    check_content(body)
    _check_metadata(body)
    replace_content(parts.world, message, body)
    shown = public_message(parts.world, message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shown}


def delete(parts: Parts, args: Args) -> JSON:
    channel, message = _own(parts.world, args, "cant_delete_message")
    parts.world.remove(message)
    return {"channel": channel.id, "ts": message.ts}


def permalink(parts: Parts, args: Args) -> JSON:
    channel = parts.world.channel(args.need("channel"))
    message = channel.find(args.need("message_ts"))
    if message is None or message.ephemeral_to is not None:
        raise Refusal("message_not_found")
    host = f"https://{parts.world.team['domain']}.slack.com"
    link = f"{host}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


CHAT: Final = {
    "chat.postMessage": Method(post_message, "chat:write", tier=0),
    "chat.postEphemeral": Method(post_ephemeral, "chat:write", tier=4),
    "chat.update": Method(update, "chat:write", tier=3),
    "chat.delete": Method(delete, "chat:write", tier=3),
    "chat.getPermalink": Method(permalink, tier=4),
}
