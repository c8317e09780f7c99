"""An edit that would have images refused: it waits until a person says that it shall be so."""

from __future__ import annotations

from datetime import datetime

from bot.core.check import CheckResult, Verdict
from bot.slack import ids
from bot.slack.blocks import actions, button, sections
from bot.slack.card import Card
from bot.slack.delete_form import all_of_them
from bot.slack.metadata import ViewMeta
from bot.slack.render_guard import guard_lines
from bot.slack.render_result import NO_RETYPING, findings
from bot.slack.words import headline
from bot.usecases.guard import Guard


def would_refuse(result: CheckResult, meta: ViewMeta, guard: Guard, now: datetime) -> Card:
    """What the check found, whom the edit concerns, and the ways on."""
    proven = result.verdict is Verdict.PROVEN
    head = "🟢 Proven, and not saved yet" if proven else f"{headline(result.verdict)}: not saved"
    lines = [f"*{head}: this edit covers less than before*", *guard_lines(guard, now)]
    lines += [*([] if proven else findings(result)), NO_RETYPING]
    label = "Save all the same" if proven else "Save all the same, not proven"
    ways = actions(
        button("Correct it", ids.CORRECT, meta.draft, style="primary"),
        button(label, ids.SAVE_ANYWAY, meta.draft, style="danger"),
        button("Cancel", ids.DISCARD, meta.draft, says="Cancel and forget what was typed"),
    )
    return Card(
        "Not saved yet",
        "\n".join(lines),
        (*sections(lines), *all_of_them(guard, f"draft:{meta.draft}"), ways),
        callback_id=ids.OUTCOME,
        watched=True,
        meta=meta,
    )
