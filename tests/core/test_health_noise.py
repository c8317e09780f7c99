"""A month of chance failures, and revocations under them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bot.core.check import CheckResult
from bot.core.health import Effect, Open, Recover, Trouble
from bot.core.steadiness import Unsteady
from tests.core.answers import BARE, FAILING, LIMITED, PROVEN, REVOKED, SILENT, START, Watched

MONTH = timedelta(days=31)


def noisy(
    chance: random.Random, truth: Callable[[datetime], CheckResult]
) -> Callable[[datetime], CheckResult]:
    """2 % bare 401/403, 20 % 429, 5xx and time-outs, else the truth."""

    def ask(now: datetime) -> CheckResult:
        draw = chance.random()
        if draw < 0.02:
            return BARE
        if draw < 0.22:
            return chance.choice((LIMITED, FAILING, SILENT))
        return truth(now)

    return ask


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_noisy_month_brings_no_false_alarm(seed: int) -> None:
    """100 healthy registries, hourly: nothing refused, nothing away, one unsteady notice at most."""
    chance = random.Random(seed)
    effects: list[tuple[str, Effect]] = []
    for number in range(100):
        watched = Watched(f"registry-{number}")
        said = watched.run(noisy(chance, lambda _: PROVEN), START + MONTH)
        effects += [(watched.name, effect) for _, effect in said]

    assert [effect for _, effect in effects if not isinstance(effect, Unsteady)] == []
    notices = Counter(name for name, _ in effects)
    assert max(notices.values()) == 1
    assert len(notices) > 90


@pytest.mark.parametrize(
    ("truth", "limit"),
    [
        pytest.param(REVOKED, timedelta(minutes=2), id="the provider says so"),
        pytest.param(BARE, timedelta(minutes=10), id="a bare 401"),
    ],
)
@pytest.mark.parametrize("every", [timedelta(minutes=5), timedelta(hours=1)], ids=["5m", "60m"])
def test_a_revocation_is_told_in_time_under_noise(
    truth: CheckResult, limit: timedelta, every: timedelta
) -> None:
    """500 revocations at random moments, each announced within the interval and its limit."""
    chance = random.Random(7)
    late = []
    for number in range(500):
        watched = Watched(f"registry-{number}", every, at=START + chance.random() * every)
        revoked_at = START + 3 * every + chance.random() * every
        ask = noisy(chance, lambda now, at=revoked_at: truth if now >= at else PROVEN)  # type: ignore[misc]
        told = next(
            at
            for at, effect in watched.run(ask, START + timedelta(days=2))
            if isinstance(effect, Open) and effect.trouble is Trouble.REFUSED
        )
        late.append(told - revoked_at - every)

    # Chance alone may delay a few beyond it where the interval leaves no slack of its own.
    assert sum(wait > limit for wait in late) <= 500 * 0.01
    assert max(late) < limit + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("truth", "limit"),
    [(REVOKED, timedelta(minutes=2)), (BARE, timedelta(minutes=10))],
    ids=["explicit", "bare"],
)
def test_a_revocation_is_always_told_in_time_without_noise(
    truth: CheckResult, limit: timedelta
) -> None:
    """Even when the secret dies right after a check, the limit holds."""
    for number in range(200):
        watched = Watched(f"registry-{number}")
        list(watched.run(lambda _: PROVEN, START + timedelta(hours=5)))
        died = watched.at - timedelta(hours=1)  # no regular check is longer ago than that
        told, effect = next(watched.run(lambda _: truth, START + timedelta(days=2)))
        assert isinstance(effect, Open)
        assert told - died <= timedelta(hours=1) + limit


def test_an_outage_is_told_once_and_its_end_once() -> None:
    """Six hours away under noise: one incident, one recovery within an hour of the return."""
    chance = random.Random(11)
    gone, back = START + timedelta(hours=10), START + timedelta(hours=16)
    for number in range(50):
        watched = Watched(f"registry-{number}")
        ask = noisy(chance, lambda _: PROVEN)
        said = [
            (at, effect)
            for at, effect in watched.run(
                lambda now, ask=ask: SILENT if gone <= now < back else ask(now),  # type: ignore[misc]
                START + timedelta(days=2),
            )
            if not isinstance(effect, Unsteady)
        ]
        assert [type(effect) for _, effect in said] == [Open, Recover]
        assert said[1][0] - back < timedelta(hours=1)
