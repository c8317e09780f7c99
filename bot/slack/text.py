"""Text of people and of registries made safe for Slack, and cut to Slack's limits."""

from __future__ import annotations

import re
from typing import Final

ELLIPSIS: Final = "…"
# Slack turns a bare `@here` into a mention of everybody when it parses text; a word joiner after
# the sign keeps the look and loses the meaning.
_MENTION: Final = re.compile(r"@(?=channel|here|everyone|group)", re.IGNORECASE)
_WORD_JOINER: Final = "\u2060"
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def length(text: str) -> int:
    """How long Slack finds a text: UTF-16 units, the stricter of the ways it may count."""
    return len(text) + sum(1 for letter in text if ord(letter) > 0xFFFF)


def clip(text: str, limit: int) -> str:
    """Plain text of at most `limit` units, ending in an ellipsis when it was cut."""
    if length(text) <= limit:
        return text
    kept = text[:limit]
    while length(kept) > limit - 1:
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS


def one_line(text: str) -> str:
    """Without line breaks and control characters, direction overrides among them."""
    return " ".join(_CONTROLS.sub("", text).split())


def plain(text: str, limit: int) -> str:
    """A person's text for a `plain_text` object: one line, cut, no formatting to escape."""
    return clip(one_line(text), limit)


def escape(text: str, limit: int = 300) -> str:
    """A person's or a registry's text for mrkdwn: one line, cut, and with no power of its own."""
    cut = plain(text, limit)
    safe = cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("@" + _WORD_JOINER, safe)


def code(text: str, limit: int = 300) -> str:
    """A text in code style; a backtick inside would end it, so it is replaced."""
    return f"`{escape(text.replace('`', 'ˋ'), limit)}`"


def fit(markup: str, limit: int) -> str:
    """Markup of at most `limit` units, never cut inside `<…>` or `&…;`."""
    if length(markup) <= limit:
        return markup
    kept = clip(markup, limit).removesuffix(ELLIPSIS)
    opened = kept.rfind("<")
    if opened > kept.rfind(">"):
        kept = kept[:opened]
    entity = kept.rfind("&")
    if entity > kept.rfind(";"):
        kept = kept[:entity]
    return kept.rstrip() + ELLIPSIS


_ESCAPED_MENTION: Final = re.compile(r"&lt;(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)&gt;")


def sentence(text: str, limit: int = 800) -> str:
    """One of our own sentences: escaped but for mentions of people and user groups."""
    return _ESCAPED_MENTION.sub(r"<\1>", escape(text, limit))
