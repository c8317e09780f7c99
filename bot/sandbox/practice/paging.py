"""How registries and their APIs cut lists into pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from bot.sandbox.practice.ask import Ask

T = TypeVar("T")


def numbered(items: Sequence[T], ask: Ask, size: str = "page_size", most: int = 100) -> list[T]:
    """The page that `page` and `size` of the query ask for."""
    per_page = min(_number(ask.first(size), most), most)
    start = (_number(ask.first("page"), 1) - 1) * per_page
    return list(items[start : start + per_page])


def after_last(names: Sequence[str], ask: Ask) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Names by the protocol's `n` and `last`, with the `Link` header while there are more."""
    last, most = ask.first("last"), _number(ask.first("n"), 1000)
    left = [name for name in sorted(names) if name > last]
    if len(left) <= most:
        return left, ()
    shown = left[:most]
    link = f'<{ask.path}?last={shown[-1]}&n={most}>; rel="next"'
    return shown, (("Link", link),)


def after_token(items: Sequence[T], token: str, most: int) -> tuple[list[T], str]:
    """Items after an opaque token, and the token for the next page, empty at the end."""
    start = _number(token.removeprefix("page-"), 0)
    end = start + most
    return list(items[start:end]), f"page-{end}" if end < len(items) else ""


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() else default
