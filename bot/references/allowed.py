"""Which references the operator allows, for which registries (`SECRET_REFERENCES`).

An entry is a reference, or the beginning of one with `*`, and the hosts that what lies behind it
may be sent to. Without the hosts, whoever may add a registry could register a server of their own
with a reference that is meant for another one, and read there what it leads to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from posixpath import normpath
from typing import Final

from bot.core.reference import AWS, ENV, FILE, SCHEMES, Use
from bot.errors import SettingsError

ARN: Final = re.compile(
    r"arn:(?P<partition>aws[a-z-]{0,20}):secretsmanager:(?P<region>[a-z]{2}[a-z0-9-]{3,30}):"
    r"(?P<account>[0-9]{12}):secret:(?P<name>[A-Za-z0-9/_+=.@!-]{1,450})"
)
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?")
_TEAM: Final = re.compile(r"T[A-Z0-9]{2,20}")
_LEAST: Final = 3  # characters before a `*`, so that none stands for nearly everything
# What these hold is the system's, or the process's own: /proc/self/environ has all variables.
SYSTEM: Final = ("/proc", "/sys", "/dev", "/etc")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `beginning` is the whole reference unless it is `open`; no `teams` means all."""

    scheme: str
    beginning: str
    open: bool
    hosts: frozenset[str]
    teams: frozenset[str]

    def admits(self, scheme: str, place: str, use: Use) -> bool:
        if scheme != self.scheme or use.host not in self.hosts:
            return False
        if self.teams and use.team_id not in self.teams:
            return False
        # Which key of a JSON object is meant is free, unless the entry says it.
        wanted = place if "#" in self.beginning else place.partition("#")[0]
        if scheme != AWS:
            wanted = place
        if not self.open:
            return wanted == self.beginning
        rest = wanted.removeprefix(self.beginning)
        within = scheme != FILE or "/" not in rest
        return wanted.startswith(self.beginning) and bool(rest) and within


def parse(text: str) -> tuple[Entry, ...]:
    """Read entries separated by commas; raises SettingsError naming a bad one."""
    return tuple(_entry(one.strip()) for one in text.split(",") if one.strip())


def is_place(scheme: str, place: str) -> bool:
    """Whether this is what a reference of that scheme looks like, without its scheme."""
    if scheme == ENV:
        return bool(NAME.fullmatch(place))
    if scheme == FILE:
        return _is_path(place)
    arn, mark, key = place.partition("#")
    return bool(ARN.fullmatch(arn)) and (bool(key) or not mark) and key.isprintable()


def _entry(text: str) -> Entry:
    reference, at, rest = text.partition(" @ ")
    words = rest.split()
    end = words.index("in") if "in" in words else len(words)
    hosts, teams = [one.lower() for one in words[:end]], words[end + 1 :]
    scheme, colon, place = reference.strip().partition(":")
    if not colon or scheme not in SCHEMES:
        raise _bad(text, f"begins with none of {', '.join(f'{one}:' for one in SCHEMES)}")
    if not at or not hosts or not all(_HOST.fullmatch(one) for one in hosts):
        raise _bad(text, "needs ` @ ` and the registry's host, such as `@ registry.example.com`")
    if end < len(words) and not teams:
        raise _bad(text, "names no workspace after `in`")
    if not all(_TEAM.fullmatch(one) for one in teams):
        raise _bad(text, "names a workspace that is not an id such as T0123ABCD")
    beginning = place.removesuffix("*")
    _judge(text, scheme, beginning, is_open=place.endswith("*"))
    is_open = place.endswith("*")
    return Entry(scheme, beginning, is_open, frozenset(hosts), frozenset(teams))


def _judge(text: str, scheme: str, beginning: str, *, is_open: bool) -> None:
    if "*" in beginning:
        raise _bad(text, "has a * that is not at its end")
    if is_open and (len(beginning) < _LEAST or (scheme == FILE and beginning.count("/") < 2)):
        raise _bad(text, "would allow nearly everything; write more before the *")
    whole = f"{beginning}x" if is_open else beginning
    if not is_place(scheme, whole):
        raise _bad(text, _SHAPES[scheme])
    if scheme == FILE and any(whole.startswith(f"{one}/") for one in SYSTEM):
        raise _bad(text, "is in a directory of the system, where no secrets for Registrar are")


def _is_path(text: str) -> bool:
    plain = text.isprintable() and not re.search(r"[\s,*\\]", text)
    return plain and text.startswith("/") and text == normpath(text) and not text.startswith("//")


def _bad(text: str, why: str) -> SettingsError:
    return SettingsError(f"SECRET_REFERENCES: {text!r} {why}.")


_SHAPES: Final = {
    ENV: "is not the name of a variable",
    FILE: "is not a plain absolute path such as file:/run/registries/*",
    AWS: "is not the ARN of a secret with region, account and name",
}
