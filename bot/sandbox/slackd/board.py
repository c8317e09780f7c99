"""The practice registries as the side panel needs them; the sandbox may also run without any."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.sandbox.slackd.refusal import JSON


class Choice(Protocol):
    """A state a registry can be put in."""

    @property
    def value(self) -> str: ...
    @property
    def label(self) -> str: ...


class Field(Protocol):
    """One answer of a form, to copy."""

    @property
    def label(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def secret(self) -> bool: ...


class Credential(Protocol):
    """One of the credentials that a registry knows."""

    @property
    def handle(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def fields(self) -> Sequence[Field]: ...
    @property
    def undying(self) -> bool: ...
    @property
    def removed(self) -> bool: ...


class Registry(Protocol):
    """One practice registry."""

    @property
    def slug(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def states(self) -> Sequence[Choice]: ...
    @property
    def fields(self) -> Sequence[Field]: ...
    @property
    def credentials(self) -> Sequence[Credential]: ...
    @property
    def managing(self) -> Sequence[Field]: ...


class Line(Protocol):
    """What the bot asked of whom, without secrets."""

    @property
    def at(self) -> datetime: ...
    @property
    def who(self) -> str: ...
    @property
    def what(self) -> str: ...


class Board(Protocol):
    """All of them; what changes one raises ValueError for what there is not."""

    @property
    def registries(self) -> Sequence[Registry]: ...
    @property
    def log(self) -> Sequence[Line]: ...
    def set_state(self, slug: str, state: str) -> None: ...
    def make(self, slug: str) -> None: ...
    def remove(self, slug: str, handle: str) -> None: ...
    def let_outlive(self, slug: str, handle: str, *, undying: bool) -> None: ...


def shown_registries(board: Board) -> list[JSON]:
    """The registries as JSON."""
    return [
        {
            "slug": one.slug,
            "label": one.label,
            "host": one.host,
            "state": one.state,
            "states": [{"value": s.value, "label": s.label} for s in one.states],
            "fields": _fields(one.fields),
            "credentials": [_credential(held) for held in one.credentials],
            "managing": _fields(one.managing),
        }
        for one in board.registries
    ]


def _credential(held: Credential) -> JSON:
    return {
        "handle": held.handle,
        "name": held.name,
        "note": held.note,
        "fields": _fields(held.fields),
        "undying": held.undying,
        "removed": held.removed,
    }


def _fields(fields: Sequence[Field]) -> list[JSON]:
    return [{"label": one.label, "value": one.value, "secret": one.secret} for one in fields]


def shown_log(board: Board | None) -> list[JSON]:
    """The log as JSON, empty without practice registries."""
    lines = board.log if board else ()
    return [{"at": line.at.isoformat(), "who": line.who, "what": line.what} for line in lines]
