"""What a check found out, while it runs and when it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.core.check import Cause, CheckResult, Stage, StageResult, Verdict
from bot.core.registry import RegistryView
from bot.errors import Overtaken
from bot.slack import ids
from bot.slack.blocks import Block, actions, button, context, section, sections
from bot.slack.card import Card
from bot.slack.metadata import ViewMeta
from bot.slack.text import code, escape, sentence
from bot.slack.words import STAGES, ahead, headline, moment, stage_line, state, took

KEPT: Final = "What you typed is kept for 15 minutes"
# What a new credential can mend; an outage or a limit it cannot.
FIXABLE: Final = frozenset({Verdict.REFUSED, Verdict.UNPROVEN})
NO_RETYPING: Final = f"{KEPT}; you need not type the secret again."


def checking(host: str, stages: Sequence[StageResult] = (), meta: ViewMeta | None = None) -> Card:
    """The view while a check runs; `meta` carries the draft that is being tried."""
    head, line = f"Checking {code(host, 200)}", stage_line(stages)
    note = "You may close this window; the check goes on, and you are told how it ended."
    return Card(
        "Checking",
        f"{head}\n{line}",
        (section(f"*{head}*"), section(line), context(note)),
        callback_id=ids.CHECKING,
        meta=meta or ViewMeta(),
    )


def findings(result: CheckResult) -> list[str]:
    """What happened and what to do, as lines of markup."""
    lines = [f"{escape(result.sentence, 600)} ({_when(result.stage, result.at)})"]
    if result.identity and result.identity not in result.sentence:
        lines.append(f"Signed in as {code(result.identity, 200)}.")
    if result.remedy:
        lines.append(escape(result.remedy, 600))
    lines += [f"⚠ {escape(warning, 300)}" for warning in result.warnings[:5]]
    if result.retry_at is not None:
        lines.append(f"It may be asked again {moment(result.retry_at)}.")
    lines.append(stage_line(result.stages))
    return lines


def saved(registry: RegistryView, result: CheckResult | None, now: datetime, *, new: bool) -> Card:
    """What was saved, and how well it is proven; `result` is None when it was saved anyway."""
    proven = registry.verdict is Verdict.PROVEN  # also of a late click, on what was proven since
    head = "🟢 Proven and saved" if proven else "🟡 Saved, not proven"
    lines = [f"*{head}: {code(registry.name)}*", *(findings(result) if result else ())]
    if not proven:
        lines.append("It is checked again by itself, and stays marked until it is proven.")
    if registry.next_check_at is not None:
        lines.append(f"Next check {ahead(registry.next_check_at, now)}.")
    buttons = [button("Show", ids.SHOW, registry.name)]
    if new:
        buttons.insert(0, button("Add another", ids.ADD, "-"))
    return Card("Saved", "\n".join(lines), (*sections(lines), actions(*buttons)), close="Done")


def not_saved(result: CheckResult, meta: ViewMeta) -> Card:
    """A check that did not prove the draft `meta.draft`, and the three ways on."""
    kept = f"{KEPT}." if result.cause is Cause.NO_CREDENTIAL else NO_RETYPING
    lines = [f"*{headline(result.verdict)}: not saved*", *findings(result), kept]
    return Card(
        "Not saved",
        "\n".join(lines),
        (*sections(lines), draft_buttons(meta.draft)),
        callback_id=ids.OUTCOME,
        watched=True,
        meta=meta,
    )


def waiting(draft: str, why: str) -> Card:
    """For somebody who closed the window before the draft was saved."""
    lines = [f"*Nothing was saved.* {why}", NO_RETYPING]
    return Card("Not saved", "\n".join(lines), (*sections(lines), draft_buttons(draft)))


def draft_buttons(draft: str) -> Block:
    return actions(
        button("Correct it", ids.CORRECT, draft, style="primary"),
        button("Save anyway, not proven", ids.SAVE_ANYWAY, draft),
        button("Cancel", ids.DISCARD, draft, says="Cancel and forget what was typed"),
    )


def overtaken(error: Overtaken) -> Card:
    """Somebody else saved first: who did what, and the way on with what was typed."""
    lines = ["*Not saved*", sentence(str(error))]
    again = actions(
        button("Open again with my changes", ids.REOPEN, error.draft_id, style="primary"),
        button("Cancel", ids.DISCARD, error.draft_id, says="Cancel and forget what was typed"),
    )
    return Card("Not saved", "\n".join(lines), (*sections(lines), again))


def discarded() -> Card:
    text = "Nothing was saved, and what you typed is forgotten."
    return Card("Cancelled", text, (section(text),), close="Done")


def checked(registry: RegistryView, result: CheckResult, now: datetime) -> Card:
    """The answer to a test of a stored registry."""
    lines = [
        f"*{state(result.verdict)}: {code(registry.name)}* · {escape(registry.host)}",
        *findings(result),
        f"Took {took(result.took)}.",
    ]
    if registry.next_check_at is not None:
        lines[-1] += f" Next check {ahead(registry.next_check_at, now)}."
    buttons = [
        button("Test again", ids.CHECK, registry.name),
        button("Show", ids.SHOW, registry.name),
    ]
    if result.verdict in FIXABLE:
        buttons.insert(0, button("Fix credential", ids.EDIT, registry.name, style="primary"))
    return Card("Test", "\n".join(lines), (*sections(lines), actions(*buttons)))


def all_progress(done: int, total: int, last: str = "") -> Card:
    """Progress of a test of everything."""
    filled = round(20 * done / total) if total else 0
    line = f"*Testing all registries: {done:,} of {total:,}*\n{'▰' * filled}{'▱' * (20 - filled)}"
    if last:
        line += f"\nLast: {last}"
    return Card("Test all", line, (section(line),))


def all_checked(found: Sequence[tuple[RegistryView, CheckResult]], seconds: float) -> Card:
    """The summary: counts, then up to 30 of those that are not proven."""
    if not found:
        line = "There is nothing to test yet."
        return Card(
            "Test all", line, (section(line), actions(button("Add a registry", ids.ADD, "-")))
        )
    counts = dict.fromkeys(Verdict, 0)
    for _, result in found:
        counts[result.verdict] += 1
    summary = ", ".join(f"{state(verdict)} {n:,}" for verdict, n in counts.items() if n)
    bad = [each for each in found if each[1].verdict is not Verdict.PROVEN]
    lines = [f"*Tested {len(found):,} in {seconds:.0f} s: {summary}*"]
    lines += [
        f"{state(result.verdict)} {code(registry.name)} {escape(result.sentence, 200)}"
        for registry, result in bad[:30]
    ]
    if len(bad) > 30:
        lines.append(f"… and {len(bad) - 30:,} more; the list shows them first.")
    look = actions(button("List", ids.LIST, "{}"))
    return Card("Test all", "\n".join(lines), (*sections(lines), look))


def one_checked(name: str, result: CheckResult) -> str:
    return f"{state(result.verdict)} {code(name)}"


def _when(stage: Stage, at: datetime) -> str:
    return f"{STAGES[stage]}, {moment(at)}"
