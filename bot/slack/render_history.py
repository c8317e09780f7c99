"""The checks of one registry: a month at a glance, then the last ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.core.registry import CheckView
from bot.core.strip import percent, strip
from bot.slack import ids
from bot.slack.blocks import actions, button, sections
from bot.slack.card import Card
from bot.slack.text import code, escape
from bot.slack.words import ago, count, moment, state, took
from bot.usecases.looking_back import LookBack

TRIGGERS: Final = {"save": "when saved", "person": "asked for", "schedule": "by itself"}
LEGEND: Final = "▇ all went well · ▅ ▃ some failed · ▂ most failed · `·` not checked"


def history_card(name: str, look: LookBack, now: datetime) -> Card:
    """How many checks went well in a day, a week and a month; the last checks, newest first."""
    if not look.checks:
        lines = [f"*Checks of {code(name)}*: none yet"]
    else:
        lines = [f"*Checks of {code(name)}*", *_glance(look), "*The last ones*"]
        lines += [_line(check, now) for check in look.checks]
    buttons = actions(button("Test", ids.CHECK, name), button("Show", ids.SHOW, name))
    return Card("History", "\n".join(lines), (*sections(lines), buttons))


def _glance(look: LookBack) -> list[str]:
    shares = " · ".join(f"{_span(span)} *{percent(share)}*" for span, share in look.shares)
    return [
        f"Went well: {shares}",
        f"`{strip(look.hours)}` the last {len(look.hours)} hours",
        f"`{strip(look.days)}` the last {len(look.days)} days (UTC)",
        LEGEND,
    ]


def _span(span: timedelta) -> str:
    return "24 hours" if span <= timedelta(days=1) else count(span.days, "day")


def _line(check: CheckView, now: datetime) -> str:
    how = TRIGGERS.get(check.trigger, escape(check.trigger, 40))
    by = f" by <@{escape(check.by, 30)}>" if check.by else ""
    return (
        f"{state(check.verdict)} · {moment(check.at)} ({ago(check.at, now)}), {took(check.took)}, "
        f"{how}{by}: {escape(check.sentence, 200)}"
    )
