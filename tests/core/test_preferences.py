"""How a workspace wants to be told."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from bot.core.incident import Rules
from bot.core.preferences import Preferences

CHOSEN = Preferences(
    time_zone="Europe/Paris",
    quiet_from=time(20, 0),
    quiet_to=time(8, 0),
    remind_hours=None,
    escalate_hours=12,
    escalation="S0ONCALL",
    work_start=time(8, 15),
    work_days=frozenset({0, 1, 2, 3}),
    weekly_day=None,
    weekly_hour=7,
    installer="UINSTALLER",
)


def test_preferences_survive_being_stored() -> None:
    """Every one of them comes back as it was."""
    assert Preferences.from_json(CHOSEN.to_json()) == CHOSEN


def test_defaults_are_not_stored() -> None:
    """So that a later default reaches old rows."""
    assert Preferences().to_json() == {}


def test_what_cannot_be_read_has_its_default() -> None:
    """A value of another release breaks no workspace."""
    stored = CHOSEN.to_json() | {"quiet_from": "late", "weekly_hour": None, "unknown": 1}

    read = Preferences.from_json(stored)

    assert (read.quiet_from, read.weekly_hour) == (None, 9)
    assert read.escalation == "S0ONCALL"


def test_preferences_are_the_rules_of_incidents() -> None:
    """Hours become waits; what is off is None."""
    rules = CHOSEN.rules

    assert (rules.remind_after, rules.escalate_after) == (None, timedelta(hours=12))
    assert rules.quiet is not None
    assert Preferences().rules == Rules()


def test_an_unknown_time_zone_counts_as_utc() -> None:
    """A zone that this machine lost must not silence a workspace."""
    assert Preferences(time_zone="Mars/Olympus").zone.key == "UTC"


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (Preferences(time_zone="Mars/Olympus"), "time_zone"),
        (Preferences(quiet_from=time(20, 0)), "quiet_to"),
        (Preferences(remind_hours=0), "remind_hours"),
        (Preferences(escalate_hours=9999), "escalate_hours"),
        (Preferences(work_days=frozenset()), "work_days"),
        (Preferences(weekly_day=7), "weekly_day"),
        (Preferences(weekly_hour=24), "weekly_hour"),
    ],
)
def test_what_is_wrong_is_named(wrong: Preferences, where: str) -> None:
    """By field, with a sentence."""
    assert list(wrong.problems()) == [where]
    assert CHOSEN.problems() == {}
