"""Many incidents in one message: a list that changes as they do, and pages that hold all of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.core.health import CALM
from bot.core.incident import Button, Phase
from bot.slack import ids
from bot.slack.blocks import Block, Element, actions, button, option, overflow, section, sections
from bot.slack.card import Card
from bot.slack.metadata import ViewMeta
from bot.slack.people import people
from bot.slack.render_incident import (
    GREEN,
    GREY,
    LABELS,
    PLURAL,
    RED,
    SINGULAR,
    YELLOW,
    entry_text,
    phase_words,
    registry_line,
    unique,
)
from bot.slack.text import escape, length
from bot.slack.words import moment, registries, span
from bot.usecases.incident_view import AffectedView, IncidentView, StormView

PER_PAGE: Final = 40
LISTED: Final = 15
LIST_LIMIT: Final = 2_600  # characters, so that text and blocks hold the same list
_ORDER: Final = tuple(Phase)
_CLOSED: Final = frozenset({Phase.RECOVERED, Phase.REPLACED, Phase.DELETED})
_TAKES: Final = frozenset({Button.ACKNOWLEDGE, Button.UNACKNOWLEDGE, Button.WAKE})


@dataclass(frozen=True, slots=True)
class Row:
    """A registry of a list, with the incident it is part of."""

    one: AffectedView
    view: IncidentView

    @property
    def phase(self) -> Phase:
        return Phase.RECOVERED if self.one.left_at is not None else self.view.incident.phase


def rows_of(views: Sequence[IncidentView]) -> list[Row]:
    """Every registry of the incidents, failing ones first, then by name."""
    rows = [Row(one, view) for view in views for one in view.registries]
    return sorted(rows, key=lambda row: (_ORDER.index(row.phase), row.one.name))


def storm_card(storm: StormView, *, called: Mapping[str, str] | None = None) -> Card:
    """The parent message as all its incidents are now; `called` as `incident_card` has it."""
    rows = rows_of(storm.incidents)
    head = f"*{_head(storm, rows)}*"
    lines = [head, _tally(rows)]
    owners = storm_owners(storm)
    if owners:
        lines.append(f"Owners {people(owners, called)}")
    listed = list(_fitting(rows, LIST_LIMIT))
    if len(listed) < len(rows):
        listed.append(f"and {len(rows) - len(listed):,} more")
    lines += listed
    blocks = [*sections(lines[:1]), *sections(lines[1:]), actions(*_buttons(storm, rows))]
    return Card("Alerts", "\n".join(lines), tuple(blocks), color=_color(rows))


def storm_owners(storm: StormView) -> list[str]:
    """Whose registries it lists, each once, in the order of the list."""
    return unique(row.one.owner for row in rows_of(storm.incidents) if row.one.owner)


def storm_entry_text(storm: StormView, values: Mapping[str, str]) -> str:
    """Reminded or escalated, for all of them at once."""
    failing = sum(row.phase is Phase.FAILING for row in rows_of(storm.incidents))
    if not storm.incidents:
        return escape(values.get("entry", ""), 60)
    text = entry_text(storm.incidents[0], values)
    return f"{text} ({registries(failing)} still failing)" if failing else text


def storm_escalation_card(storm: StormView, values: Mapping[str, str], link: str = "") -> Card:
    rows = rows_of(storm.incidents)
    to = values.get("to", "")
    call = f"<!subteam^{escape(to, 30)}> " if to.startswith("S") else ""
    where = f"<{link}|The list>" if link else "The list"
    lines = [
        f"{call}*🚨 Escalated* · *{_head(storm, rows)}*",
        f"{_tally(rows)} Nobody has taken them.",
        f"{where} has all of them.",
    ]
    buttons = actions(*_buttons(storm, rows))
    blocks = [*sections(lines[:1]), *sections(lines[1:]), buttons]
    return Card("Escalation", "\n".join(lines), tuple(blocks), color=_color(rows))


def pages_card(of: str, rows: Sequence[Row], number: int, lead: str = "") -> Card:
    """One page of all registries, each with what can be done; `of` is `storm:ID` or `incident:ID`.

    A page that does not exist becomes the nearest one.
    """
    pages = max(1, math.ceil(len(rows) / PER_PAGE))
    number = max(1, min(number, pages))
    shown = rows[(number - 1) * PER_PAGE : number * PER_PAGE]
    head = f"{registries(len(rows))}, page {number:,} of {pages:,}. {_tally(rows)}"
    lines = [*([lead] if lead else []), head]
    blocks: list[Block] = sections(lines)
    blocks += [section(f"{_sign(row)} {registry_line(row.one)}", _menu(row)) for row in shown]
    turns = list(_turns(of, number, pages))
    if turns:
        blocks.append(actions(*turns))
    text = "\n".join([*lines, *(f"{_sign(row)} {registry_line(row.one)}" for row in shown)])
    meta = ViewMeta(listing=f"{of}:{number}")
    return replace(Card("All registries", text, tuple(blocks)), meta=meta)


def _head(storm: StormView, rows: Sequence[Row]) -> str:
    still = [row for row in rows if row.phase not in _CLOSED]
    if not still:
        ends = [view.incident.closed_at or storm.opened_at for view in storm.incidents]
        lasted = span(max(ends, default=storm.opened_at) - storm.opened_at)
        verb = "works" if len(rows) == 1 else "work"
        if storm.trouble in CALM:
            verb = "is judged" if len(rows) == 1 else "are judged"
        word = phase_words(storm.trouble, Phase.RECOVERED)[0]
        return f"{word} · {registries(len(rows))} {verb} again after {lasted}"
    word = "🔴 Failing" if _color(rows) == RED else _sign(still[0])
    verb = (PLURAL if len(still) > 1 else SINGULAR)[storm.trouble]
    return f"{word} · {registries(len(still))} {verb} since {moment(storm.opened_at)}"


def _tally(rows: Sequence[Row]) -> str:
    """How many are in which phase, such as `🔴 Failing 2,790, ✅ Recovered 10`."""
    counts = Counter(_sign(row) for row in sorted(rows, key=lambda row: _ORDER.index(row.phase)))
    parts = [f"{sign} {number:,}" for sign, number in counts.items()]
    return f"{', '.join(parts)}." if parts else "None is affected any more."


def _color(rows: Sequence[Row]) -> str:
    phases = {row.phase for row in rows}
    if any(row.phase is Phase.FAILING and not _is_calm(row) for row in rows):
        return RED
    if Phase.ACKNOWLEDGED in phases:
        return YELLOW
    return GREY if phases & {Phase.SNOOZED, Phase.FAILING} else GREEN


def _fitting(rows: Sequence[Row], limit: int) -> Iterator[str]:
    for row in rows[:LISTED]:
        line = f"{_sign(row)} {registry_line(row.one)}"
        limit -= length(line) + 1
        if limit < 0:
            return
        yield line


def _sign(row: Row) -> str:
    return phase_words(row.view.incident.trouble, row.phase)[0]


def _is_calm(row: Row) -> bool:
    return row.view.incident.trouble in CALM


def _buttons(storm: StormView, rows: Sequence[Row]) -> list[Element]:
    all_of_it = button(f"Show all ({len(rows):,})", ids.ALERT_LIST, f"storm:{storm.id}:1")
    if not any(row.phase is Phase.FAILING for row in rows):
        return [all_of_it]
    return [all_of_it, button("Acknowledge all", ids.ALERT_TAKE_ALL, storm.id)]


def _menu(row: Row) -> Element:
    """At most five, as Slack has it."""
    value = f"{row.view.id}:{row.view.incident.version}"
    named = [option("Show", f"show:{row.one.name}")]
    if row.one.left_at is None and row.view.incident.is_open:
        named += [option("Retest", f"test:{row.one.name}"), option("Edit", f"edit:{row.one.name}")]
        for one in row.view.incident.buttons:
            if one is Button.SNOOZE:
                named.append(option("Snooze for 1 hour", f"{one}:{value}"))
            elif one in _TAKES:
                named.append(option(LABELS[one], f"{one}:{value}"))
    return overflow(ids.ALERT_MENU, named[:5])


def _turns(of: str, number: int, pages: int) -> Iterator[Element]:
    if number > 1:
        yield button("‹ Previous", ids.ALERT_PREVIOUS, f"{of}:{number - 1}")
    if number < pages:
        yield button("Next ›", ids.ALERT_NEXT, f"{of}:{number + 1}")
