"""Who would be refused by narrower rules, before anybody agrees to it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.core.usage import Use
from bot.slack.render_uses import caveats_of, places
from bot.slack.text import code, escape
from bot.slack.words import ago, count
from bot.usecases.guard import Guard

SHOWN: Final = 10


def guard_lines(guard: Guard, now: datetime) -> list[str]:
    """What is in use, who would be refused, whose the others would be: the first ten of them."""
    change, name = guard.change, code(guard.name)
    lines = []
    if change.used:
        lines.append(f"⚠ *{places(change.used)}* use {name}.")
    if change.heir:
        lines.append(
            f"{code(change.heir)} covers all of it: afterwards they belong to that registry, are "
            "pulled with its credential, and nothing is refused."
        )
    elif change.used and not change.refused:
        lines.append(f"None of them would be refused: {_heirs(guard)}.")
    if change.refused:
        lines.append(f"*Deployments may stop: {places(change.refused)} would be refused.*")
        lines += [_line(use, now) for use in change.refused[:SHOWN]]
        more = len(change.refused) - SHOWN
        if more > 0:
            lines.append(f"… and {count(more, 'other')}, {len(change.refused):,} in all.")
        if change.heirs:
            lines.append(f"The others: {_heirs(guard)}.")
    if guard.silent:
        lines += caveats_of(guard.silent, now)
        lines.append("So it counts as in use.")
    return lines


def _line(use: Use, now: datetime) -> str:
    where = f"{use.cluster}/{use.place}" if use.cluster else use.place
    return f"• {escape(where, 100)} · {code(use.image, 100)} · seen {ago(use.last_seen, now)}"


def _heirs(guard: Guard) -> str:
    parts = []
    for name, number in sorted(guard.change.heirs.items(), key=lambda one: (-one[1], one[0]))[:5]:
        what = f"belong to {code(name)}" if name else "are exempted for a while"
        parts.append(f"{number:,} {what}")
    return ", ".join(parts) or "they belong to it as before"
