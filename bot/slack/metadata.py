"""What views and buttons carry through Slack and back: ids and choices, never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from bot.core.registry import Filter

NOTHING: Final = "-"
ROOM: Final = 2_800  # of the 3,000 characters that Slack keeps with a view


@dataclass(frozen=True, slots=True)
class ViewMeta:
    """What a modal remembers. `channel` is where it was opened, to say there what was missed.

    `kind` and `variant` are those the form shows, `editing` the name of the registry being edited,
    at `version`, and `registry` its id, since its name may be another's meanwhile. `draft` is the
    id of the kept answers, `kept` the names of the secret fields that we hold a secret for, comma-
    separated, `sources` the references that stand for some of them, as lines `name=reference`.
    `listing` is which page of which alert is shown, `alert` the incident and version that are
    snoozed, `credential` the id of the one to find an owner for, `request` that of the request that
    is decided on. `page` says that the form has no fields for secrets, which are entered on the
    page outside Slack, `follows` that references may stand for them. `away` are answers, not
    secret, in fields that another way to sign in hides, and `again` the names of hidden fields that
    have to be filled in again, comma-separated.
    """

    channel: str = ""
    kind: str = ""
    variant: str = ""
    editing: str = ""
    version: int = 0
    draft: str = ""
    kept: str = ""
    sources: str = ""
    listing: str = ""
    alert: str = ""
    credential: str = ""
    request: str = ""
    page: bool = False
    follows: bool = False
    away: Mapping[str, str] = field(default_factory=dict)
    again: str = ""
    registry: str = ""

    def put_away(self, answers: Mapping[str, str]) -> ViewMeta:
        """The same with these answers, as far as Slack keeps them: the shorter ones first."""
        kept: dict[str, str] = {}
        for name, text in sorted(answers.items(), key=lambda answer: len(answer[1])):
            more = {**kept, name: text}
            if len(replace(self, away=more).dump()) <= ROOM:
                kept = more
        return replace(self, away=kept)

    def dump(self) -> str:
        return _dump(asdict(self))

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> ViewMeta:
        """What a view that Slack sent remembers."""
        return cls.parse(str(view.get("private_metadata", "")))

    @classmethod
    def parse(cls, text: str) -> ViewMeta:
        """What `dump` wrote; anything else, such as that of another version, gives the defaults."""
        found = _object(text)
        return cls(
            channel=_text(found, "channel"),
            kind=_text(found, "kind"),
            variant=_text(found, "variant"),
            editing=_text(found, "editing"),
            version=_number(found, "version"),
            draft=_text(found, "draft"),
            kept=_text(found, "kept"),
            sources=_text(found, "sources"),
            listing=_text(found, "listing"),
            alert=_text(found, "alert"),
            credential=_text(found, "credential"),
            request=_text(found, "request"),
            page=found.get("page") is True,
            follows=found.get("follows") is True,
            away=_texts(found, "away"),
            again=_text(found, "again"),
            registry=_text(found, "registry"),
        )


@dataclass(frozen=True, slots=True)
class ListState:
    """Which page of which list a button leads to."""

    page: int = 1
    filter: Filter = field(default_factory=Filter)

    def dump(self) -> str:
        """At most 2,000 characters, whatever was typed as a filter."""
        short = replace(self.filter, text=self.filter.text[:150])
        return _dump({"page": self.page, **asdict(short)})

    @classmethod
    def parse(cls, text: str) -> ListState:
        found = _object(text)
        wanted = Filter(
            text=_text(found, "text"),
            kind=_text(found, "kind"),
            environment=_text(found, "environment"),
            owner=_text(found, "owner"),
            attention=found.get("attention") is True,
        )
        return cls(max(1, _number(found, "page")), wanted)


@dataclass(frozen=True, slots=True)
class BrowseState:
    """Which page of a registry's repositories, of one's tags, or which tag a button leads to."""

    registry: str
    text: str = ""
    repository: str = ""
    cursor: str = ""
    tag: str = ""

    def dump(self) -> str:
        """At most 2,000 characters, for a cursor of at most 1,200."""
        return _dump(asdict(self))

    @classmethod
    def parse(cls, text: str) -> BrowseState:
        found = _object(text)
        return cls(
            _text(found, "registry"),
            _text(found, "text"),
            _text(found, "repository"),
            _text(found, "cursor"),
            _text(found, "tag"),
        )


def _dump(values: dict[str, Any]) -> str:
    return json.dumps({k: v for k, v in values.items() if v}, separators=(",", ":"))


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def _texts(found: dict[str, Any], key: str) -> dict[str, str]:
    value = found.get(key)
    texts = value.items() if isinstance(value, dict) else ()
    return {str(name): text for name, text in texts if isinstance(text, str)}


def _number(found: dict[str, Any], key: str) -> int:
    value = found.get(key)
    return value if isinstance(value, int) else 0
