"""What is coming up, in words: expiries and rotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.core.check import Expiry
from bot.core.report import Coming, Next
from bot.slack.expiry_words import expiry_words
from bot.slack.people import sharing
from bot.slack.text import escape
from bot.slack.words import ago, ahead, count, day


def coming_line(coming: Coming, now: datetime, called: Mapping[str, str] | None = None) -> str:
    """Such as `🗓 name expires 7 Dec (in 14 days, told by Scaleway) · owner @ana`.

    `called` has names by user id, for a text that is not to call on people.
    """
    if coming.what is Next.EXPIRY:
        what = expiry_words(Expiry(coming.at, coming.source), coming.kind, now)
    else:
        what = f"is to be rotated {day(coming.at)} ({ahead(coming.at, now)})"
    return f"🗓 {sharing(coming.name, *coming.others)} {what}{_owner(coming, called)}"


def overdue_line(
    overdue: Sequence[Coming], now: datetime, called: Mapping[str, str] | None = None
) -> str:
    """The rotation that is overdue longest, and how many there are."""
    first = overdue[0]
    line = (
        f"⏰ {sharing(first.name, *first.others)} was to be rotated {day(first.at)} "
        f"({ago(first.at, now)}){_owner(first, called)}"
    )
    if len(overdue) > 1:
        line += f"\n{count(len(overdue) - 1, 'more rotation')} {_are(len(overdue) - 1)} overdue."
    return line


def person(user: str, called: Mapping[str, str] | None) -> str:
    """A mention, or the name in `called`."""
    return f"<@{escape(user, 30)}>" if called is None else escape(called.get(user) or user, 60)


def _owner(coming: Coming, called: Mapping[str, str] | None) -> str:
    return f" · owner {person(coming.owner, called)}" if coming.owner else ""


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
