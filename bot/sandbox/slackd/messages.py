"""The content of a message: what Slack takes, and how a later one replaces it."""

from __future__ import annotations

from bot.sandbox.slackd import limits
from bot.sandbox.slackd.refusal import JSON, Refusal
from bot.sandbox.slackd.validate import refuse_message
from bot.sandbox.slackd.views import named
from bot.sandbox.slackd.world import Message, World


def check_content(body: JSON) -> None:
    """Raises `no_text`, `msg_too_long`, `invalid_blocks` or `invalid_attachments`."""
    text = body.get("text")
    if not (text or body.get("blocks") or body.get("attachments")):
        raise Refusal("no_text")
    if text is not None and not isinstance(text, str):
        raise Refusal("invalid_arguments", "must provide a string [json-pointer:/text]")
    if text and len(text) > limits.MESSAGE_TEXT:
        raise Refusal("msg_too_long")
    refuse_message(body)


def named_content(body: JSON) -> JSON:
    """A copy of `body` whose blocks all have ids."""
    content = dict(body)
    if body.get("blocks"):
        content["blocks"] = named(body["blocks"])
    attachments = body.get("attachments") or []
    content["attachments"] = [
        {**a, "blocks": named(a["blocks"])} if a.get("blocks") else dict(a) for a in attachments
    ]
    return content


def replace_content(world: World, message: Message, body: JSON) -> None:
    """What `chat.update` and `replace_original` do to a message.

    Blocks stay only when neither text nor blocks came; "(edited)" shows only on plain text.
    """
    content = named_content(body)
    if "blocks" in body or "text" in body:
        message.blocks = content.get("blocks") or None
    if "attachments" in body:
        message.attachments = content["attachments"]
    if body.get("text") is not None:
        message.text = str(body["text"])
    if body.get("metadata"):
        message.metadata = body["metadata"]
    message.edited = message.edited or not body.get("blocks")
    message.state.clear()
    world.changes.bump()


def all_blocks(message: Message) -> list[JSON]:
    """The blocks of a message and of its attachments."""
    blocks = list(message.blocks or [])
    for attachment in message.attachments:
        blocks += attachment.get("blocks") or []
    return blocks
