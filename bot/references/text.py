"""Bytes that lie behind a reference, as the text of a secret."""

from __future__ import annotations

from bot.core.reference import LARGEST
from bot.core.secret import Secret
from bot.errors import Unresolved


def one_line_end(found: bytes, what: str) -> Secret:
    """The text without the line end that editors and `echo` add; raises Unresolved."""
    if len(found) > LARGEST:
        raise Unresolved(f"{what} holds more than 64 KiB, which no credential has.")
    try:
        text = found.decode("utf-8")
    except UnicodeDecodeError:
        raise Unresolved(f"{what} does not hold UTF-8 text.") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise Unresolved(f"{what} is empty.")
    if "\0" in text:
        raise Unresolved(f"{what} holds binary data, not text.")
    return Secret(text)
