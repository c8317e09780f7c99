"""A year of reminders through the database: two clock changes, ten restarts, all of it said."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.check import Expiry
from bot.core.clock import FixedClock
from bot.core.preferences import Preferences
from bot.core.reminders import Subject, plan
from bot.store.cipher import Keyring
from bot.store.outbox import POST, THREAD, OutboxMessage
from bot.usecases import outbox, workspaces
from bot.usecases.deps import Deps
from bot.usecases.reminding import tick_reminders
from tests.factories import ALICE, add, checker_of, clock_of, deps_on, generic, keyring, proven

START = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NUMBER = 6


def credentials(chance: random.Random) -> list[Subject]:
    """Some expire, some only grow old, some do both; stored on different days."""
    subjects = []
    for number in range(NUMBER):
        known = START + (number * 11 + 1) * DAY + chance.random() * DAY
        expires = known + (25 + chance.random() * 250) * DAY
        subjects.append(
            Subject(
                known_at=known.replace(microsecond=0),
                expires_at=None if number % 3 == 0 else expires.replace(microsecond=0),
                aged_from=known.replace(microsecond=0),
                rotate_days=0 if number % 3 == 1 else 90,
            )
        )
    return subjects


async def keep(deps: Deps, number: int, subject: Subject) -> None:
    """Store a credential now; its provider tells the expiry."""
    told = Expiry(subject.expires_at, "provider") if subject.expires_at else None
    checker_of(deps).answers[:] = [proven(expiry=told)]
    answers = generic(f"registry-{number}", rotate_days=str(subject.rotate_days))
    await add(deps, ALICE, answers)


async def deliver(deps: Deps) -> list[OutboxMessage]:
    """Everything that waits, with receipts as Slack gives them."""
    sent: list[OutboxMessage] = []
    while claimed := await outbox.claim(deps, 100):
        for message in claimed:
            await outbox.settle(deps, message, f"{message.id}.000100")
        sent += claimed
    return sent


def hours_of(day: datetime, chance: random.Random) -> list[datetime]:
    """Moments of one day to look at, both possible starts of work among them."""
    odd = day + timedelta(minutes=chance.randrange(24 * 60))
    usual = [day + timedelta(hours=hour, minutes=30) for hour in (7, 8, 13, 14)]
    return sorted({odd, *usual})


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York"])
async def test_every_reminder_of_a_year_is_said_at_its_time_and_none_twice(
    sqlite_url: str, zone: str
) -> None:
    """What is said is exactly the plan, whatever was restarted in between."""
    chance = random.Random(zone)
    ring: Keyring = keyring()
    deps = deps_on(sqlite_url, FixedClock(START), ring)
    preferences = Preferences(time_zone=zone)
    settings = await workspaces.settings(deps, ALICE)
    wanted = replace(settings, alert_channel="C1", preferences=preferences)
    await workspaces.change_settings(deps, ALICE, wanted)
    subjects = credentials(chance)
    restarts = set(chance.sample(range(366), 10))
    told: list[datetime] = []
    for number in range(366):
        day = START + number * DAY
        if number in restarts:
            await deps.store.close()
            deps = deps_on(sqlite_url, FixedClock(day), ring)
        for index, subject in enumerate(subjects):
            if day <= subject.known_at < day + DAY:
                clock_of(deps).at = subject.known_at
                await keep(deps, index, subject)
        for now in hours_of(day, chance):
            if now < clock_of(deps).at:
                continue
            clock_of(deps).at = now
            if await tick_reminders(deps):
                steps = [one for one in await deliver(deps) if one.op in {POST, THREAD}]
                told += [now for one in steps if one.what.startswith("reminder")]
    await deps.store.close()

    year = (START, START + 366 * DAY)
    planned = [step.at for one in subjects for step in plan(one, preferences.work_hours, *year)]
    assert len(planned) > 40
    assert told == sorted(planned)
