"""The weekly summary: said once, at the workspace's day and hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.preferences import Preferences
from bot.usecases import outbox, workspaces
from bot.usecases.deps import Deps
from bot.usecases.weekly import planned, tick_weekly
from tests.factories import ALICE, NOW, add, clock_of

MONDAY = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)  # 9:00 in Paris
PARIS = Preferences(time_zone="Europe/Paris", weekly_day=0, weekly_hour=9)


async def set_up(deps: Deps, preferences: Preferences = PARIS, channel: str = "C1") -> None:
    now = await workspaces.settings(deps, ALICE)
    wanted = replace(now, alert_channel=channel, preferences=preferences)
    await workspaces.change_settings(deps, ALICE, wanted)


async def go_to(deps: Deps, at: datetime) -> None:
    clock_of(deps).skip(at - deps.clock.now())


async def summaries(deps: Deps) -> list[dict[str, str]]:
    claimed = await outbox.claim(deps, 20)
    return [dict(one.values) for one in claimed if one.what == "weekly_summary"]


async def test_it_is_said_at_its_time_and_once(deps: Deps) -> None:
    """Not a minute early, and whatever the number of replicas that tick."""
    await add(deps)
    await set_up(deps)
    await go_to(deps, MONDAY - timedelta(minutes=1))
    assert await tick_weekly(deps) == 0
    await go_to(deps, MONDAY)
    assert await tick_weekly(deps) == 1
    assert await tick_weekly(deps) == 0
    told = await summaries(deps)

    assert [(one["since"], one["until"]) for one in told] == [
        ((MONDAY - timedelta(days=7)).isoformat(), MONDAY.isoformat())
    ]


async def test_of_those_missed_only_the_latest_is_said(deps: Deps) -> None:
    """Five weeks off are one summary."""
    await add(deps)
    await set_up(deps)
    await go_to(deps, MONDAY + timedelta(days=30))
    await tick_weekly(deps)
    await tick_weekly(deps)

    assert len(await summaries(deps)) == 1


async def test_it_can_be_switched_off(deps: Deps) -> None:
    """And without a channel there is nobody to tell."""
    await add(deps)
    await set_up(deps, replace(PARIS, weekly_day=None))
    await go_to(deps, MONDAY)
    assert await tick_weekly(deps) == 0
    await set_up(deps, channel="")
    await go_to(deps, MONDAY + timedelta(days=7))

    assert await tick_weekly(deps) == 0


async def test_an_empty_workspace_is_told_nothing(deps: Deps) -> None:
    """There is nothing to sum up."""
    await set_up(deps)
    await go_to(deps, MONDAY)

    assert await tick_weekly(deps) == 0


async def test_another_day_does_not_say_it_at_once(deps: Deps) -> None:
    """Chosen in the afternoon, this morning is over."""
    await add(deps)
    await go_to(deps, MONDAY + timedelta(hours=6))
    await set_up(deps)

    assert await tick_weekly(deps) == 0


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-30T07:59:00", "2026-11-23T08:00:00"),
        ("2026-11-30T08:00:00", "2026-11-30T08:00:00"),
        ("2026-12-06T23:30:00", "2026-11-30T08:00:00"),
        ("2026-03-30T07:00:00", "2026-03-30T07:00:00"),  # the clocks moved the day before
        ("2026-03-30T06:59:00", "2026-03-23T08:00:00"),
    ],
)
def test_the_hour_is_the_workspaces(now: str, expected: str) -> None:
    """Nine in Paris, in winter and in summer."""
    found = planned(PARIS, datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_switched_off_there_is_no_time() -> None:
    """None, not some default."""
    assert planned(Preferences(weekly_day=None), NOW) is None
