"""The words and icons for states, stages and times: an icon never stands without its word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.core.check import Mark, Stage, StageResult, Verdict
from bot.core.pause import Pause
from bot.core.registry import Environment, RegistryView
from bot.slack.text import escape

STATES: Final = {
    Verdict.PROVEN: "🟢 proven",
    Verdict.UNPROVEN: "🟡 unproven",
    Verdict.REFUSED: "🔴 refused",
    Verdict.UNREACHABLE: "🟠 unreachable",
    Verdict.LIMITED: "⏳ limited",
    Verdict.BLOCKED: "⛔ blocked",
    Verdict.UNRESOLVED: "🔗 unresolved",
}
NEVER_CHECKED: Final = "⚪ never checked"
BROKEN: Final = "⛔ broken"

STAGES: Final = {
    Stage.ADDRESS: "address",
    Stage.TLS: "TLS",
    Stage.REGISTRY: "it is a registry",
    Stage.LOGIN: "signing in",
    Stage.PULL: "pull right",
    Stage.IMAGE: "test image",
}
MARKS: Final = {
    Mark.RUNNING: "…",
    Mark.PASSED: "✓",
    Mark.FAILED: "✗",
    Mark.UNKNOWN: "?",
    Mark.SKIPPED: "·",
}
ENVIRONMENTS: Final = {
    Environment.ANY: "Any",
    Environment.PRODUCTION: "Production",
    Environment.STAGING: "Staging",
    Environment.DEVELOPMENT: "Development",
}


def state(verdict: Verdict | None) -> str:
    """Icon and word of a verdict, or of the lack of one."""
    return STATES[verdict] if verdict is not None else NEVER_CHECKED


def headline(verdict: Verdict) -> str:
    """The same at the beginning of a sentence."""
    sign, _, word = STATES[verdict].partition(" ")
    return f"{sign} {word.capitalize()}"


def state_of(registry: RegistryView) -> str:
    return BROKEN if registry.broken else state(registry.verdict)


def icon(registry: RegistryView) -> str:
    return state_of(registry).partition(" ")[0]


def stage_line(stages: Sequence[StageResult]) -> str:
    """All six stages in order, those not reached yet as dots."""
    reached = {each.stage: each for each in stages}
    parts = []
    for stage, word in STAGES.items():
        found = reached.get(stage)
        note = f" ({escape(found.note, 60)})" if found and found.note else ""
        parts.append(f"{MARKS[found.mark if found else Mark.SKIPPED]} {word}{note}")
    return "   ".join(parts)


def moment(at: datetime) -> str:
    """A time that Slack shows in the reader's zone."""
    fallback = at.astimezone(UTC).strftime("%d %b %Y %H:%M UTC")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def day(at: datetime) -> str:
    fallback = at.astimezone(UTC).strftime("%d %b %Y")
    return f"<!date^{int(at.timestamp())}^{{date_short}}|{fallback}>"


def span(length: timedelta) -> str:
    """A length of time in its largest fitting unit: `40 s`, `12 min`, `3 h`, `41 days`."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 36 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def ago(at: datetime, now: datetime) -> str:
    return "just now" if now - at < timedelta(seconds=5) else f"{span(now - at)} ago"


def ahead(at: datetime, now: datetime) -> str:
    return f"in {span(at - now)}" if at > now else "due now"


def paused_words(pause: Pause) -> str:
    """That alerts are held back, until when, by whom and why."""
    reason = f": {escape(pause.reason)}" if pause.reason else ""
    by = f" by <@{escape(pause.by, 30)}>" if pause.by else ""
    return f"⏸ paused until {moment(pause.until)}{by}{reason}"


def took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 0.05 else "under 0.1 s"


def count(number: int, one: str, many: str = "") -> str:
    """`1 registry`, `2 registries`; `many` is only given when an `s` does not make it."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def registries(number: int) -> str:
    return count(number, "registry", "registries")
