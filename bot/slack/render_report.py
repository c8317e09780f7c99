"""A period in words: the weekly summary, and the report that somebody asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.core.health import Trouble
from bot.core.report import Failure, Report
from bot.slack import ids
from bot.slack.blocks import actions, button, context, sections
from bot.slack.card import Card
from bot.slack.render_coming import coming_line, overdue_line, person
from bot.slack.render_help import summary
from bot.slack.text import code, escape
from bot.slack.words import day, span

TROUBLES: Final = {
    Trouble.REFUSED: "🔴 refused",
    Trouble.UNREACHABLE: "🟠 unreachable",
    Trouble.OPEN: "🟡 accepts anyone",
    Trouble.BLOCKED: "⛔ blocked",
    Trouble.SEALED: "🔒 not testable",
    Trouble.UNJUDGED: "⏳ not proven",
    Trouble.UNRESOLVED: "🔗 no secret",
}
ROWS: Final = 8
NAMES: Final = 10


def report_lines(
    report: Report, now: datetime, called: Mapping[str, str] | None = None
) -> list[str]:
    """What failed and for how long, what was rotated, what comes next, and what nobody proves.

    `called` has names by user id; without it people are mentioned, which calls on them.
    """
    lines = [f"*{day(report.since)} to {day(report.until)}* · {summary(report.counters)}"]
    lines += _failures(report.failures, report.until)
    lines += _rotated(report, called)
    lines += _coming(report, now, called)
    if report.unproven:
        lines.append(f"*Never proven*: {_names(report.unproven)}")
    if report.unused:
        lines.append(f"*Unused*, nothing that runs is known to need them: {_names(report.unused)}")
    if report.idle:
        lines.append(f"*Perhaps unused*, not one good check in 30 days: {_names(report.idle)}")
    return lines


def report_card(report: Report, now: datetime, note: str = "") -> Card:
    """For the person who asked; `note` says where the picture is."""
    lines = report_lines(report, now)
    blocks = sections(lines)
    if note:
        blocks.append(context(note))
    blocks.append(actions(button("Refresh", ids.REPORT, "-"), button("List", ids.LIST, "{}")))
    return Card("Report", "\n".join([*lines, note]).strip(), tuple(blocks))


def _failures(failures: Sequence[Failure], until: datetime) -> list[str]:
    if not failures:
        return ["*Failed*: nothing"]
    lines = [f"*Failed* ({len(failures):,})"]
    lines += [f"• {_failure(one, until)}" for one in failures[:ROWS]]
    return lines + _more(len(failures) - ROWS)


def _failure(failure: Failure, until: datetime) -> str:
    length = span(failure.length(until))
    lasted = f"for {length}" if failure.until else f"for {length} and still"
    return (
        f"{TROUBLES[failure.trouble]} · {_names(failure.names)} {lasted}, "
        f"since {day(failure.since)}: {escape(failure.sentence, 150)}"
    )


def people_in(report: Report) -> tuple[str, ...]:
    """The user ids that its lines name."""
    coming = (*report.coming.overdue[:1], *report.coming.soon)
    found = [one.by for one in report.rotated[-ROWS:]] + [one.owner for one in coming]
    return tuple(dict.fromkeys(user for user in found if user))


def _rotated(report: Report, called: Mapping[str, str] | None) -> list[str]:
    if not report.rotated:
        return ["*Rotated*: nothing"]
    lines = [f"*Rotated* ({len(report.rotated):,})"]
    for one in report.rotated[-ROWS:]:
        by = f" by {person(one.by, called)}" if one.by else ""
        lines.append(f"• {code(one.name)} {day(one.at)}{by}")
    return lines + _more(len(report.rotated) - ROWS)


def _coming(report: Report, now: datetime, called: Mapping[str, str] | None) -> list[str]:
    coming = report.coming
    if not coming.soon and not coming.overdue:
        return ["*Coming up*: no expiry and no rotation that is known of"]
    lines = ["*Coming up*"]
    if coming.overdue:
        lines.append(overdue_line(coming.overdue, now, called))
    lines += [coming_line(one, now, called) for one in coming.soon]
    return lines + _more(coming.total - len(coming.soon))


def _names(names: Iterable[str]) -> str:
    known = list(names)
    shown = ", ".join(code(name, 63) for name in known[:NAMES])
    more = len(known) - NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown or "a deleted registry"


def _more(number: int) -> list[str]:
    return [f"… and {number:,} more"] if number > 0 else []
