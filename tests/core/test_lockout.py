from __future__ import annotations

import heapq
import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.check import Cause, CheckResult, Stage, Verdict
from bot.core.health import Open, decide
from bot.core.lockout import Guard, after_failure, after_success, failed_sign_in, forget, wait
from bot.core.schedule import next_check
from tests.core.answers import BARE, HOUR, MINUTE, PROVEN, REVOKED, START, Watched, answer

WEEK = timedelta(days=7)


@dataclass
class Account:
    """A provider's account with our registrations of it, and the guard between the two."""

    secrets: list[str]
    refusal: CheckResult
    shared: bool
    guard: Guard = field(default_factory=Guard)
    failures: list[datetime] = field(default_factory=list)
    incidents: int = 0

    def run(self, until: datetime) -> None:
        """Check every registration as scheduled until then; every secret is wrong."""
        rows = [
            Watched(f"registry-{number}", at=START + timedelta(seconds=number))
            for number in range(len(self.secrets))
        ]
        due = [(row.at, number) for number, row in enumerate(rows)]
        heapq.heapify(due)
        while due[0][0] < until:
            now, number = heapq.heappop(due)
            if rows[number].at > now:  # a sibling's check moved it
                heapq.heappush(due, (rows[number].at, number))
                continue
            self._turn(rows, number, now)
            heapq.heappush(due, (rows[number].at, number))

    def _turn(self, rows: list[Watched], number: int, now: datetime) -> None:
        secret = self.secrets[number]
        held = wait(self.guard, secret, now, by_person=False)
        if held is not None:
            rows[number].at = held
            return
        self.failures.append(now)
        fed = [n for n, s in enumerate(self.secrets) if s == secret] if self.shared else [number]
        opened = False
        for sibling in fed:
            row = rows[sibling]
            decision = decide(row.health, self.refusal, now)
            row.health = decision.health
            row.at = next_check(row.name, row.every, now, soon=decision.soon)
            opened = opened or any(isinstance(effect, Open) for effect in decision.effects)
        self.incidents += opened
        self.guard = after_failure(self.guard, secret, now, condemned=opened)

    def most_within(self, window: timedelta) -> int:
        return max(
            sum(start <= at < start + window for at in self.failures) for start in self.failures
        )


@pytest.mark.parametrize("refusal", [BARE, REVOKED], ids=["bare", "explicit"])
@pytest.mark.parametrize("registrations", [1, 3, 50])
@pytest.mark.parametrize("shared", [True, False], ids=["checked once", "each on its own"])
def test_a_week_with_a_wrong_secret_locks_no_account(
    refusal: CheckResult, registrations: int, shared: bool
) -> None:
    """Whatever the number of registrations, no provider sees enough failures to lock it."""
    account = Account(["wrong"] * registrations, refusal, shared)
    account.run(START + WEEK)

    assert account.most_within(10 * MINUTE) <= 4  # Docker Hub, GitHub: "several"
    assert account.most_within(3 * MINUTE) < 30  # GitLab, self-managed
    assert account.most_within(MINUTE) < 300  # GitLab.com
    assert account.incidents >= 1
    assert len(account.failures) <= 24


def test_a_secret_shared_by_fifty_registries_is_confirmed_once() -> None:
    """Checked as one: four refusals, then 1 h, 6 h and a day each for all fifty together."""
    account = Account(["wrong"] * 50, BARE, shared=True)
    account.run(START + WEEK)

    assert account.incidents == 1
    assert len(account.failures) == 4 + 2 + 6


def test_a_week_with_fifty_different_wrong_secrets_locks_no_account() -> None:
    """Fifty tokens of one user, all dead: never more than four failures in ten minutes."""
    account = Account([f"wrong-{number}" for number in range(50)], REVOKED, shared=True)
    account.run(START + WEEK)

    assert account.most_within(10 * MINUTE) <= 4
    assert account.incidents == 50


def test_another_secret_is_tested_at_once() -> None:
    """After the schedule used all it may, a person with a new secret does not wait."""
    guard = Guard()
    for minute in (0, 1, 3, 8):
        at = START + minute * MINUTE
        assert wait(guard, "old", at, by_person=False) is None
        guard = after_failure(guard, "old", at, condemned=minute == 8)

    now = START + 9 * MINUTE
    assert wait(guard, "new", now, by_person=True) is None
    assert wait(guard, "old", now, by_person=False) == START + 8 * MINUTE + HOUR


def test_a_person_stops_at_five_failures() -> None:
    """The sixth wrong password within ten minutes waits for the first to be forgotten."""
    guard = Guard()
    for second in range(5):
        guard = after_failure(
            guard,
            f"try-{second}",
            START + timedelta(seconds=second),
            condemned=False,
            by_person=True,
        )

    assert wait(guard, "try-6", START + MINUTE, by_person=True) == START + 10 * MINUTE
    assert wait(guard, "try-6", START + 10 * MINUTE, by_person=True) is None


def test_a_persons_retest_does_not_climb_the_ladder() -> None:
    """Their try counts among the five, and changes nothing of the next scheduled one."""
    guard = after_failure(Guard(), "old", START, condemned=True)
    pressed = after_failure(guard, "old", START + 2 * HOUR, condemned=False, by_person=True)

    assert (pressed.rung, pressed.retry_at) == (guard.rung, guard.retry_at)
    assert len(pressed.failures) == 1


def test_one_good_answer_frees_the_other_secrets_of_the_account() -> None:
    """The account was re-enabled: what was refused with it may be tried again now."""
    guard = after_failure(Guard(), "a", START, condemned=True)
    guard = after_failure(guard, "b", START + 20 * MINUTE, condemned=True)
    guard = after_success(guard, "a", START + 2 * HOUR)

    assert guard.condemned == ("b",)
    assert wait(guard, "b", START + 2 * HOUR, by_person=False) is None


def test_a_good_secret_does_not_free_a_wrong_one() -> None:
    """Two registries of one account, one updated: the other stays on its slow ladder."""
    guard = after_failure(Guard(), "old", START, condemned=True)
    guard = after_success(guard, "new", START + MINUTE)

    assert wait(guard, "old", START + 2 * MINUTE, by_person=False) == START + HOUR


def test_forgetting_the_last_secret_leaves_nothing() -> None:
    """When the window has passed as well, the row may go."""
    guard = forget(after_failure(Guard(), "old", START, condemned=True), "old")

    assert not guard.empty
    assert after_success(guard, "new", START + HOUR).empty


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (BARE, True),
        (REVOKED, True),
        (PROVEN, False),
        (answer(Verdict.REFUSED, cause=Cause.NO_ACCESS, stage=Stage.PULL), False),
        (answer(Verdict.REFUSED, cause=Cause.MISSING_SCOPE), False),
        (answer(Verdict.REFUSED, cause=Cause.WRONG_KIND), False),
        (answer(Verdict.LIMITED, cause=Cause.RATE_LIMITED), False),
    ],
)
def test_only_a_refused_sign_in_is_a_failure(result: CheckResult, failed: bool) -> None:
    """A missing right, an unsent secret and a 429 lock nobody out."""
    assert failed_sign_in(result) is failed


@given(st.integers(0, 2**32))
def test_never_more_than_five_whoever_asks(seed: int) -> None:
    """People and the schedule together, with any secrets at any times."""
    chance = random.Random(seed)
    guard, failures, now = Guard(), list[datetime](), START
    for _ in range(60):
        now += timedelta(seconds=chance.choice([0, 1, 30, 120, 700]))
        secret, person = chance.choice("abc"), chance.random() < 0.5
        if wait(guard, secret, now, by_person=person) is None:
            if chance.random() < 0.1:
                guard = after_success(guard, secret, now)
            else:
                failures.append(now)
                guard = after_failure(
                    guard, secret, now, condemned=chance.random() < 0.3, by_person=person
                )
        guard = Guard.from_json(json.loads(json.dumps(guard.to_json())))

    window = 10 * MINUTE
    assert all(sum(at <= other < at + window for other in failures) <= 5 for at in failures)


def test_a_clock_that_ran_ahead_locks_nobody_out() -> None:
    """Failures and a ladder of next month: once it is put right, nobody waits for that month."""
    ahead, guard = START + timedelta(days=30), Guard()
    for minute in range(4):
        at = ahead + timedelta(minutes=minute)
        guard = after_failure(guard, "old", at, condemned=minute > 0)

    assert wait(guard, "new", ahead + timedelta(minutes=4), by_person=False) is not None
    assert wait(guard, "new", START, by_person=False) is None
    assert wait(guard, "old", START, by_person=False) is None
    again = after_failure(guard, "old", START, condemned=True)
    assert again.failures == (START,)
    assert again.retry_at is not None
    assert again.retry_at <= START + timedelta(days=1)
