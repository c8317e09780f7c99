"""Several registries or people in one sentence, however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bot.slack.text import code, escape
from bot.slack.words import count

NAMED: Final = 3
MENTIONED: Final = 20


def names(those: Sequence[str]) -> str:
    """Names of registries; beyond three only how many more there are."""
    shown = ", ".join(code(one) for one in those[:NAMED])
    return f"{shown} and {len(those) - NAMED:,} more" if len(those) > NAMED else shown


def sharing(*those: str) -> str:
    """The beginning of a sentence about one credential, whoever has it."""
    return f"{names(those)} share a credential that" if len(those) > 1 else names(those)


def people(users: Sequence[str], called: Mapping[str, str] | None = None) -> str:
    """Mentions of people, or their names where `called` has them by user id.

    Beyond twenty only how many more there are.
    """
    told = ", ".join(_person(user, called) for user in users[:MENTIONED])
    more = len(users) - MENTIONED
    return f"{told} and {count(more, 'more owner')}" if more > 0 else told


def _person(user: str, called: Mapping[str, str] | None) -> str:
    if called is None:
        return f"<@{escape(user, 30)}>"
    return escape(called.get(user) or user, 60)
