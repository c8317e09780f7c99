"""What a look into a registry showed of an image, as lines below the verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.core.image import Reference
from bot.core.sight import Absence, ImageFacts
from bot.errors import Unseen
from bot.slack.text import code, escape
from bot.slack.words import ago, count, day

HEADS: Final = {
    Absence.NO_TAG: "✖ Not in the registry",
    Absence.HIDDEN: "✖ Not found",
    Absence.DENIED: "🔒 Lacks a right",
    Absence.REFUSED: "🔴 Sign-in refused",
    Absence.UNREACHABLE: "🟠 Not seen",
    Absence.LIMITED: "⏳ Not seen yet",
    Absence.BLOCKED: "⛔ Not asked",
    Absence.NOT_ASKED: "⚪ Not looked at",
}


def looking_lines(registry: str) -> list[str]:
    return [f"… Looking for it with the sign-in of {code(registry)}."]


def found_lines(image: Reference, facts: ImageFacts, now: datetime) -> list[str]:
    """The image is there: its digest to copy, platforms, size and age."""
    pinned = Reference(image.host, image.repository, digest=facts.digest) if facts.digest else image
    lines = [f"*📦 It is there:* {code(str(pinned), 400)}"]
    parts = []
    if facts.platforms:
        more = facts.platform_count - len(facts.platforms)
        names = ", ".join(facts.platforms) + (f" and {more:,} more" if more > 0 else "")
        parts.append(f"for {escape(names, 800)}")
    if facts.size is not None:
        of = f" ({escape(facts.measured, 100)})" if facts.platform_count > 1 else ""
        parts.append(f"{size_words(facts.size)} to pull{of}")
    if facts.created is not None:
        parts.append(f"built {ago(facts.created, now)}, {day(facts.created)}")
    if parts:
        lines.append(" · ".join(parts))
    return lines


def absent_lines(unseen: Unseen) -> list[str]:
    """Why it was not seen, and what to do."""
    lines = [f"*{HEADS[unseen.why]}.* {escape(str(unseen), 600)}"]
    return [*lines, escape(unseen.remedy, 300)] if unseen.remedy else lines


def size_words(size: int) -> str:
    """Bytes as people say them: `999 B`, `41.2 MB`."""
    if size < 1000:
        return count(size, "byte")
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.95:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}"
