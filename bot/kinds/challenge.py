"""Reads `WWW-Authenticate`: what a registry wants to be shown. Source: RFC 9110, section 11.

A state machine over the text: schemes may share a line, values may hold commas and escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Unquoted values occur in the wild with characters a token may not have, such as `/` and `:`.
_BARE: Final = re.compile(r'[^\s,"]+')
_TOKEN68: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))")
_LONGEST: Final = 16 * 1024
_USUAL: Final = 512


@dataclass(frozen=True, slots=True)
class Challenge:
    """One scheme (lower case) with its parameters (names in lower case, the first of repeats)."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def realm(self) -> str:
        return self.parameters.get("realm", "")

    @property
    def service(self) -> str:
        return self.parameters.get("service", "")


def parse(lines: Iterable[str]) -> tuple[Challenge, ...]:
    """All challenges of all header lines, in order; a malformed line ends at its fault."""
    found: list[Challenge] = []
    for line in lines:
        if len(line) <= _USUAL:
            found += _usual(line)
        elif len(line) <= _LONGEST:
            found += _Reader(line).challenges()
    return tuple(found)


@lru_cache(maxsize=2048)  # a host says the same to every check
def _usual(line: str) -> tuple[Challenge, ...]:
    return tuple(_Reader(line).challenges())


def choose(challenges: Sequence[Challenge]) -> Challenge | None:
    """The challenge to answer: bearer before basic; None when neither is offered."""
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme and (scheme == "basic" or challenge.realm):
                return challenge
    return None


class _Malformed(Exception):
    """The rest of the line cannot be read."""


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def challenges(self) -> list[Challenge]:
        found: list[Challenge] = []
        try:
            while self._skip(" \t,"):
                found.append(self._challenge())
        except _Malformed:
            pass
        return found

    def _challenge(self) -> Challenge:
        scheme = self._take(_TOKEN).lower()
        parameters: dict[str, str] = {}
        self._skip(" \t")
        # `Negotiate YII…=` carries a token68 instead of parameters.
        opaque = _TOKEN68.match(self._text, self._at)
        if opaque is not None and "=" not in opaque[0].rstrip("="):
            self._at = opaque.end()
            return Challenge(scheme)
        while (name := self._parameter_name()) is not None:
            parameters.setdefault(name, self._value())
            self._skip(" \t")
            self._skip(",")
            self._skip(" \t,")
        return Challenge(scheme, parameters)

    def _parameter_name(self) -> str | None:
        """The next `name=`, or None where another scheme or the end begins."""
        name = _TOKEN.match(self._text, self._at)
        if name is None:
            if self._at < len(self._text):
                raise _Malformed
            return None
        after = name.end()
        while self._text[after : after + 1] in {" ", "\t"}:
            after += 1
        if self._text[after : after + 1] != "=":
            return None
        self._at = after + 1
        self._skip(" \t")
        return name[0].lower()

    def _value(self) -> str:
        if self._text[self._at : self._at + 1] != '"':
            return self._take(_BARE)
        self._at += 1
        value: list[str] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character == '"':
                return "".join(value)
            if character == "\\":
                character = self._text[self._at : self._at + 1]
                self._at += 1
            value.append(character)
        raise _Malformed

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _Malformed
        self._at = match.end()
        return match[0]

    def _skip(self, characters: str) -> bool:
        """Pass over `characters`; whether anything is left."""
        while self._at < len(self._text) and self._text[self._at] in characters:
            self._at += 1
        return self._at < len(self._text)
