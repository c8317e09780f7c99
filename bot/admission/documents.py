"""The documents of a YAML or JSON file, as plain values whose texts know their line.

Anybody's file may come: aliases are counted as if they were written out (“billion laughs”), and
size, depth and number of values are bounded. Tags are ignored, so nothing is made but texts, lists
and maps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self

import yaml

from bot.core.policy import shown
from bot.errors import Unreadable

LARGEST: Final = 10 * 1024 * 1024
DEEPEST: Final = 100
MOST_VALUES: Final = 1_000_000

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_SOURCE: Final = re.compile(r"# Source: (\S.{0,300})")
_Parser: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Text(str):
    """A scalar, whatever YAML would make of it, with the line it stands in."""

    __slots__ = ("line",)
    line: int

    def __new__(cls, text: str, line: int) -> Self:
        made = super().__new__(cls, text)
        made.line = line
        return made


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file; `source` is the template that Helm made it of, or empty."""

    number: int
    line: int
    source: str
    value: Any


@dataclass(slots=True)
class _Open:
    """A list or a map that is being read; `weight` counts the values in it, aliases in full."""

    made: Any
    anchor: str | None
    line: int
    weight: int = 1
    key: str | None = None
    merged: list[dict[str, Any]] = field(default_factory=list)


def read(data: bytes) -> list[Document]:
    """All documents of a file that are not empty; Unreadable, with the line, says what is wrong."""
    text = _decoded(data)
    try:
        return _read(text, text.splitlines())
    except Unreadable as error:
        if "{{" in text:
            raise Unreadable(f"{error} It looks like a template: render it first.") from None
        raise


def _read(text: str, lines: list[str]) -> list[Document]:
    found, after = [], 0
    try:
        for number, (line, end, value) in enumerate(_Reader().documents(text), 1):
            comments = "\n".join(lines[after : line - 1])
            source = _SOURCE.search(comments)
            after = end
            if value is not None:
                found.append(Document(number, line, source[1] if source else "", value))
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_fault(error, lines)) from None
    except yaml.YAMLError:
        raise Unreadable("It has a character that no YAML file may have.") from None
    return found


def _decoded(data: bytes) -> str:
    if len(data) > LARGEST:
        raise Unreadable(f"It is larger than {LARGEST // 1024 // 1024} MiB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"Line {line} is not UTF-8 text.") from None


def _fault(error: yaml.MarkedYAMLError, lines: list[str]) -> str:
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    if line < len(lines) and lines[line].lstrip(" ").startswith("\t"):
        return f"Line {line + 1} is indented with a tab; YAML wants spaces."
    return f"Line {line + 1} is not YAML: {error.problem or 'it ends too early'}."


class _Reader:
    """Makes values of YAML's events, one document after the other."""

    def __init__(self) -> None:
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0
        self._root: Any = None
        self._line = 0

    def documents(self, text: str) -> Iterator[tuple[int, int, Any]]:
        """The first line, the end and the value of each."""
        for event in yaml.parse(text, Loader=_Parser):
            line = event.start_mark.line + 1 if event.start_mark else 0
            match event:
                case yaml.DocumentStartEvent():
                    self._anchors, self._root, self._line = {}, None, 0
                case yaml.DocumentEndEvent():
                    yield self._line or line, line, self._root
                case yaml.AliasEvent():
                    self._alias(event.anchor or "", line)
                case yaml.ScalarEvent():
                    self._scalar(event, line)
                case yaml.SequenceStartEvent():
                    self._open(_Open([], event.anchor, line))
                case yaml.MappingStartEvent():
                    self._open(_Open({}, event.anchor, line))
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._close()

    def _open(self, one: _Open) -> None:
        if len(self._stack) >= DEEPEST:
            raise Unreadable(f"Line {one.line} is nested deeper than {DEEPEST} levels.")
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.made, dict) and top.key is None:
            raise Unreadable(f"Line {one.line} has a key that is not a text.")
        self._stack.append(one)

    def _close(self) -> None:
        one = self._stack.pop()
        for base in one.merged:
            one.made = {**base, **one.made}
        self._put(one.made, one.weight, one.anchor, one.line)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        empty = event.implicit[0] and event.value in _NULL
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.made, dict) and top.key is None:
            self._key(top, event.value, line)
            return
        self._put(None if empty else Text(event.value, line), 1, event.anchor, line)

    def _key(self, top: _Open, key: str, line: int) -> None:
        if key in top.made:
            raise Unreadable(f"Line {line} has the key {shown(key, 60)} a second time.")
        top.key = key

    def _alias(self, anchor: str, line: int) -> None:
        if anchor not in self._anchors:
            what = shown(anchor, 60)
            raise Unreadable(f"Line {line} refers to {what}, which is not complete there.")
        value, weight = self._anchors[anchor]
        self._put(value, weight, None, line)

    def _put(self, value: Any, weight: int, anchor: str | None, line: int) -> None:
        """A whole value into what is open, or as the document itself."""
        self._values += weight if not self._stack else 0
        if anchor:
            self._anchors[anchor] = (value, weight)
        if not self._stack:
            self._root, self._line = value, line
        else:
            top = self._stack[-1]
            top.weight += weight
            if top.weight + self._values > MOST_VALUES:
                raise Unreadable(f"Line {line} is where it grows beyond {MOST_VALUES:,} values.")
            self._into(top, value)

    def _into(self, top: _Open, value: Any) -> None:
        if isinstance(top.made, list):
            top.made.append(value)
            return
        key, top.key = top.key, None
        assert key is not None
        if key != "<<":
            top.made[key] = value
            return
        for base in value if isinstance(value, list) else [value]:
            if isinstance(base, dict):
                top.merged.append(base)
