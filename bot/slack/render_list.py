"""The list of registries: one section each, with what can be done in its menu."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bot.core.registry import Environment, Filter, RegistryPage, RegistryView
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    Element,
    actions,
    button,
    context,
    option,
    option_group,
    overflow,
    section,
)
from bot.slack.card import Card
from bot.slack.expiry_words import expiry_words
from bot.slack.metadata import ListState
from bot.slack.text import code, escape
from bot.slack.words import ENVIRONMENTS, ago, ahead, moment, registries, state_of

NOTHING_KNOWN: Final[Mapping[str, int]] = {}
MENU: Final = (
    ("Show", "show"),
    ("Test", "test"),
    ("Edit", "edit"),
    ("History", "history"),
    ("Delete", "delete"),
)
FIRST_STEPS: Final = (
    "No registry is kept here yet. Add one, and Registrar signs in to prove that its credential "
    "works. From then on it checks again by itself and says so before a deployment finds out."
)


def list_card(
    page: RegistryPage,
    now: datetime,
    kinds: tuple[tuple[str, str], ...],
    used: Mapping[str, int] = NOTHING_KNOWN,
) -> Card:
    """One page of the list; `kinds` are the slugs and labels to filter by.

    `used` counts by name how many workloads use a registry.
    """
    if not page.total and page.filter == Filter():
        return empty_card()
    head = _head(page)
    add = button("Add a registry", ids.ADD, "-", style="primary")
    blocks: list[Block] = [section(f"*{head}*", add)]
    blocks += [row_block(row, now, used.get(row.name, 0)) for row in page.rows]
    if not page.rows:
        blocks.append(section("Nothing matches this filter."))
    blocks.append(actions(*controls(page, kinds)))
    blocks.append(context(f"Page {page.number} of {max(1, page.pages)}"))
    rows = [row_text(row, now, used.get(row.name, 0)) for row in page.rows]
    text = "\n".join([head, *rows, f"Page {page.number} of {max(1, page.pages)}."])
    return Card("Registries", text, tuple(blocks))


def empty_card(lead: str = "") -> Card:
    """How to begin, after a sentence on what was asked for."""
    text = f"{lead} {FIRST_STEPS}".strip()
    add = button("Add your first registry", ids.ADD, "-", style="primary")
    return Card("Registries", text, (section(text), actions(add)))


def row_block(row: RegistryView, now: datetime, used: int = 0) -> Block:
    menu = [option(label, f"{verb}:{row.name}") for label, verb in MENU]
    return section(row_text(row, now, used), overflow(ids.ROW_MENU, menu))


def row_text(row: RegistryView, now: datetime, used: int = 0) -> str:
    """State, name, kind, environment, owner, host and scope, last and next check, uses."""
    first = [f"{state_of(row)} {code(row.name)}", escape(row.kind_label)]
    if row.details.environment is not Environment.ANY:
        first.append(ENVIRONMENTS[row.details.environment])
    if row.details.owner:
        first.append(f"owner <@{escape(row.details.owner, 30)}>")
    if row.pause is not None and row.pause.holds(now):
        first.append(f"⏸ paused until {moment(row.pause.until)}")
    second = [place(row), *_why(row), _checked(row, now), *_credential(row, now)]
    if used:
        second.append(f"used by {used:,}")
    if row.details.description:
        second.append(f"_{escape(row.details.description, 120).replace('_', ' ')}_")
    return f"{' · '.join(first)}\n{' · '.join(second)}"


def place(row: RegistryView) -> str:
    """Host and path scope, as an image reference begins."""
    return escape(f"{row.host}/{row.path_scope}" if row.path_scope else row.host)


def controls(page: RegistryPage, kinds: tuple[tuple[str, str], ...]) -> list[Element]:
    """The filter and the page buttons that lead anywhere."""
    elements: list[Element] = [_filter(page.filter, kinds)]
    if page.number > 1:
        value = ListState(page.number - 1, page.filter).dump()
        elements.append(button("‹ Previous", ids.LIST_PREVIOUS, value))
    if page.number < page.pages:
        value = ListState(page.number + 1, page.filter).dump()
        elements.append(button("Next ›", ids.LIST_NEXT, value))
    return elements


def filter_of(value: str, user: str) -> Filter:
    """The filter that an option of the filter select stands for; `user` is who picked it."""
    part, _, chosen = value.partition(":")
    match part:
        case "attention":
            return Filter(attention=True)
        case "mine":
            return Filter(owner=user)
        case "kind":
            return Filter(kind=chosen)
        case "environment":
            return Filter(environment=chosen)
        case _:
            return Filter()


def _filter(current: Filter, kinds: tuple[tuple[str, str], ...]) -> Element:
    general = [
        option("All", "all"),
        option("Needs attention", "attention"),
        option("Mine", "mine"),
    ]
    environments = [
        option(label, f"environment:{environment}") for environment, label in ENVIRONMENTS.items()
    ]
    groups = [
        option_group("Show", general),
        option_group("Environment", environments),
        option_group("Type", [option(label, f"kind:{slug}") for slug, label in kinds]),
    ]
    element: dict[str, Any] = {
        "type": "static_select",
        "action_id": ids.LIST_FILTER,
        "placeholder": {"type": "plain_text", "text": _filter_name(current)},
        "option_groups": groups,
    }
    return element


def _filter_name(current: Filter) -> str:
    return "Filter" if current == Filter() else "Filtered; pick another filter"


def _head(page: RegistryPage) -> str:
    parts = [registries(page.total)]
    if page.filter.text:
        parts[0] += f" matching “{escape(page.filter.text, 60)}”"
    elif page.filter != Filter():
        parts[0] += " with this filter"
    if page.attention:
        parts.append(f"{page.attention:,} need{'s' if page.attention == 1 else ''} attention")
    return " · ".join(parts)


def _why(row: RegistryView) -> list[str]:
    sentence = row.broken or (row.sentence if row.needs_attention else "")
    return [escape(sentence, 200)] if sentence else []


def _credential(row: RegistryView, now: datetime) -> list[str]:
    """How old it is and when it ends, as far as that is known."""
    held = row.credential
    if held is None or row.broken:
        return []
    word = "created" if held.issued_at else "stored"
    age = f"{word} {ago(held.issued_at or held.stored_at, now)}"
    if held.expiry is None:
        return [age]
    return [age, expiry_words(held.expiry, row.kind, now) + (" ⚠" if held.disputed else "")]


def _checked(row: RegistryView, now: datetime) -> str:
    last = f"checked {ago(row.checked_at, now)}" if row.checked_at else "not checked yet"
    return f"{last}, next {ahead(row.next_check_at, now)}" if row.next_check_at else last
