"""A year of reminders in two zones, through both clock changes and ten restarts."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.reminders import Said, Subject, due, plan
from bot.core.worktime import WorkHours, parse_zone

DAY = timedelta(days=1)
START = datetime(2026, 9, 1, tzinfo=UTC)
END = START + 366 * DAY
TURN = timedelta(minutes=30)


def credentials(chance: random.Random) -> list[Subject]:
    """Six credentials: some expire, some only grow old, some do both."""
    subjects = []
    for number in range(6):
        known = START + chance.random() * 90 * DAY
        expires = known + (20 + chance.random() * 250) * DAY
        subjects.append(
            Subject(
                known_at=known,
                expires_at=expires if number % 3 != 0 else None,
                aged_from=known if number % 3 != 1 else None,
            )
        )
    return subjects


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York"])
def test_a_year_says_every_reminder_at_its_time_and_none_twice(zone: str) -> None:
    """Looked at every half hour, stored as JSON, restarted ten times: the plan, and only that."""
    hours = WorkHours(parse_zone(zone))
    chance = random.Random(zone)
    restarts = {START + TURN * turn for turn in chance.sample(range(366 * 48), 10)}
    for subject in credentials(chance):
        stored, told, now = "{}", list[tuple[datetime, str]](), START
        said = Said()
        while now < END:
            if now in restarts:
                said = Said.from_json(json.loads(stored))
            step = due(subject, hours, said, now)
            if step is not None:
                told.append((now, step.key))
                said = said.after(step)
                stored = json.dumps(said.to_json())
            now += TURN

        planned = plan(subject, hours, START, END)
        assert told == [(step.at, step.key) for step in planned]
        assert len(planned) >= 4


def test_after_every_downtime_there_is_one_word_at_most() -> None:
    """Down for up to forty days, ten times in the year: never two words at once, none twice."""
    chance = random.Random(3)
    hours = WorkHours(parse_zone("Europe/Paris"))
    for subject in credentials(chance):
        said, told, now = Said(), list[str](), START
        for _ in range(10):
            now += chance.random() * 40 * DAY
            for _ in range(200):  # a hundred hours of work, then down again
                step = due(subject, hours, said, now)
                now += TURN
                if step is not None:
                    told.append(step.key)
                    said = said.after(step)
        assert len(told) == len(set(told))
