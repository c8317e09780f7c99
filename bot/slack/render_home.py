"""The Home tab: counters, what needs attention, what comes up, then all registries by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from bot.core.registry import Filter, RegistryPage, RegistryView
from bot.core.report import Coming, ComingUp
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    Element,
    actions,
    button,
    context,
    divider,
    header,
    plain_text,
    section,
)
from bot.slack.render_coming import coming_line, overdue_line
from bot.slack.render_help import set_up_block, summary
from bot.slack.render_list import FIRST_STEPS, controls, row_block, row_text
from bot.slack.render_result import FIXABLE
from bot.slack.words import moment
from bot.usecases.homes import ATTENTION_ROWS, HomeContent

COMING_ROWS: Final = 5


def home_view(
    shown: HomeContent, now: datetime, kinds: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The whole view for `views.publish`; at most 100 blocks."""
    blocks: list[Block] = [header("Registrar")]
    if not shown.settings.configured:
        blocks.append(set_up_block())
    if not shown.counters.total:
        first = button("Add your first registry", ids.ADD, "-", style="primary")
        blocks += [section(FIRST_STEPS), actions(first)]
        return {"type": "home", "blocks": blocks}
    blocks += [section(summary(shown.counters)), _buttons()]
    blocks += _attention(shown.attention, now)
    blocks += _coming(shown.coming, now)
    blocks += _all(shown.page, now, tuple(kinds))
    blocks.append(context(f"Refreshed {moment(now)}"))
    return {"type": "home", "blocks": blocks}


def _buttons() -> Block:
    find: Element = {
        "type": "external_select",
        "action_id": ids.picker("show"),
        "min_query_length": 0,
        "placeholder": plain_text("Find a registry", 150),
    }
    return actions(
        button("Add a registry", ids.ADD, "-", style="primary"),
        find,
        button("Test all", ids.CHECK_ALL, "-"),
        button("Report", ids.REPORT, "-", says="Report of the last 30 days"),
        button("Settings", ids.SETTINGS, "-"),
        button("Refresh", ids.LIST, "{}", says="Refresh this page"),
    )


def _attention(page: RegistryPage, now: datetime) -> list[Block]:
    if not page.rows:
        return [section("*Needs attention*: nothing")]
    blocks: list[Block] = [divider(), header(f"Needs attention ({page.total:,})")]
    blocks += [section(row_text(row, now), _way_on(row)) for row in page.rows[:ATTENTION_ROWS]]
    if page.total > ATTENTION_ROWS:
        blocks.append(context(f"{page.total - ATTENTION_ROWS:,} more are first in the list below."))
    return blocks


def _way_on(row: RegistryView) -> Element:
    """Fix where a new credential can help, Test where waiting or somebody else has to."""
    if row.broken or row.verdict in FIXABLE:
        return button("Fix", ids.EDIT, row.name, style="primary", says=f"Fix {row.name}")
    return button("Test", ids.CHECK, row.name, says=f"Test {row.name}")


def _coming(coming: ComingUp, now: datetime) -> list[Block]:
    if not coming.soon and not coming.overdue:
        return [section("*Coming up*: no expiry and no rotation that is known of")]
    blocks: list[Block] = [divider(), header("Coming up")]
    if coming.overdue:
        blocks.append(section(overdue_line(coming.overdue, now), _rotate(coming.overdue[0])))
    blocks += [section(coming_line(one, now), _rotate(one)) for one in coming.soon[:COMING_ROWS]]
    if coming.total > COMING_ROWS:
        blocks.append(context(f"{coming.total - COMING_ROWS:,} more come later."))
    return blocks


def _rotate(coming: Coming) -> Element:
    return button("Rotate", ids.EDIT, coming.name, says=f"Rotate {coming.name}")


def _all(page: RegistryPage, now: datetime, kinds: tuple[tuple[str, str], ...]) -> list[Block]:
    blocks: list[Block] = [divider(), header("All registries" if _whole(page) else "Filtered")]
    blocks += [row_block(row, now) for row in page.rows]
    if not page.rows:
        blocks.append(section("Nothing matches this filter."))
    blocks.append(actions(*controls(page, kinds)))
    blocks.append(context(f"Page {page.number} of {max(1, page.pages)} · {page.total:,} in all"))
    return blocks


def _whole(page: RegistryPage) -> bool:
    return page.filter == Filter()
