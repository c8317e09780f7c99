"""Turns: no shared host sees a burst, and nobody asks a host that wants to be left alone."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.check import Cause, CheckResult, Level, Stage, Verdict
from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import SettingsError
from bot.kinds.budgets import SLOWEST, STANDARD, USUAL, Budget, Budgets
from bot.kinds.paced import PacedChecker
from bot.kinds.pacing import Closed, Limits, Pacer
from tests.kinds.checks import NOON
from tests.kinds.virtual_time import VirtualTime

HOST = "registry.example.com"


def told(verdict: Verdict, retry_at: datetime | None = None) -> CheckResult:
    """What a check might answer at noon."""
    return CheckResult(
        verdict, Level.E0, Stage.LOGIN, "Words.", NOON, 0.1,
        Cause.BAD_CREDENTIALS if verdict is Verdict.REFUSED else None, retry_at=retry_at,
    )  # fmt: skip


class Observed:
    """Runs turns in virtual time and remembers when they began and how many ran at once."""

    def __init__(self, limits: Limits | None = None, seed: int = 0) -> None:
        self.time = VirtualTime(NOON)
        self.pacer = Pacer(limits or Limits(), self.time.clock, sleep=self.time.sleep)
        self.random = random.Random(seed)
        self.starts: dict[str, list[float]] = {}
        self.running: Counter[tuple[str, str]] = Counter()
        self.most: Counter[tuple[str, str]] = Counter()
        self.after: Callable[[str], CheckResult] | None = None

    async def check(self, host: str, account: str = "", *, at: float = 0, takes: float = 0) -> None:
        """One check that comes at `at` and takes `takes` seconds."""
        await self.time.sleep(at)
        async with self.pacer.turn(host, account):
            self.starts.setdefault(host, []).append(self.time.elapsed)
            for key in {(host, ""), (host, account), ("", "")}:
                self.running[key] += 1
                self.most[key] = max(self.most[key], self.running[key])
            await self.time.sleep(takes)
            for key in {(host, ""), (host, account), ("", "")}:
                self.running[key] -= 1
            if self.after is not None:
                self.pacer.heard(host, self.after(host))

    def most_within(self, host: str, seconds: float) -> int:
        """The most checks of `host` that began within any `seconds`."""
        starts = self.starts[host]
        return max(sum(start <= other < start + seconds for other in starts) for start in starts)


@pytest.mark.parametrize("seed", range(12))
async def test_shared_host_never_sees_a_burst(seed: int) -> None:
    """However checks arrive and however long they take: four at once, and the pace is kept."""
    seen = Observed(seed=seed)
    chance = seen.random
    arrivals = [
        (chance.choice([0, 0, chance.uniform(0, 120)]), chance.uniform(0, 10)) for _ in range(150)
    ]

    await seen.time.run(*(seen.check(HOST, at=at, takes=takes) for at, takes in arrivals))

    assert len(seen.starts[HOST]) == 150
    assert seen.most[HOST, ""] <= 4
    for seconds in (1, 10, 60):
        assert seen.most_within(HOST, seconds) <= USUAL.burst + seconds * USUAL.per_minute / 60


@pytest.mark.parametrize("seed", range(6))
async def test_hosts_do_not_wait_for_each_other(seed: int) -> None:
    """A host with a hundred checks and another with one: the one begins when it comes."""
    seen = Observed(seed=seed)
    crowd = [seen.check(HOST, takes=5) for _ in range(100)]

    await seen.time.run(*crowd, seen.check("quiet.example.com", at=7))

    assert seen.starts["quiet.example.com"] == [7]


async def test_places_in_all_are_bounded_and_used() -> None:
    """Three hundred hosts at once: never more than 200 run, and no place stays empty."""
    seen = Observed()

    await seen.time.run(*(seen.check(f"r{number}.example.com", takes=10) for number in range(400)))

    assert seen.most["", ""] == 200
    assert seen.time.elapsed == 20


async def test_account_signs_in_once_at_a_time() -> None:
    """Also where the host would take more; another account of the host goes ahead."""
    seen = Observed()
    turns = [seen.check(HOST, "robot", takes=3) for _ in range(4)]

    await seen.time.run(*turns, seen.check(HOST, "other", takes=3))

    assert seen.most[HOST, "robot"] == 1
    assert seen.starts[HOST] == [0, 0, 3, 6, 9]


async def test_turns_are_given_in_order_of_arrival() -> None:
    """First come, first served, so that nobody waits for ever."""
    seen, order = Observed(), []

    async def come(number: int) -> None:
        async with seen.pacer.turn(HOST):
            order.append(number)

    await seen.time.run(*map(come, range(30)))

    assert order == list(range(30))


async def test_limited_host_is_left_alone_until_it_said() -> None:
    """Those who come later wait for a little, or are told when it is too long."""
    seen = Observed()
    seen.pacer.limited(HOST, NOON + timedelta(seconds=10))
    assert seen.pacer.free_at(HOST) == NOON + timedelta(seconds=10)
    await seen.time.run(seen.check(HOST), seen.check("quiet.example.com"))
    assert (seen.starts[HOST], seen.starts["quiet.example.com"]) == ([10], [0])

    until = seen.time.clock.now() + timedelta(hours=2)
    seen.pacer.limited(HOST, until)
    [refused] = await seen.time.run(seen.check(HOST))

    assert isinstance(refused, Closed)
    assert refused.until == until
    assert seen.pacer.free_at(HOST) == until
    assert seen.time.elapsed == 10


async def test_host_that_closes_turns_away_those_who_wait_for_it() -> None:
    """A turn is not kept under a lease for an hour."""
    seen = Observed()
    seen.after = lambda _host: told(Verdict.LIMITED, NOON + timedelta(hours=1))

    ends = await seen.time.run(*(seen.check(HOST, takes=2) for _ in range(12)))

    assert sum(isinstance(end, Closed) for end in ends) == 12 - len(seen.starts[HOST])
    assert max(seen.starts[HOST]) <= 2
    assert seen.time.elapsed < 10


async def test_limit_without_a_time_doubles_once_per_round() -> None:
    """Four checks that were under way together are told of one limit, not of four."""
    seen = Observed()
    waits = []
    for _ in range(5):
        for _ in range(4):
            seen.pacer.heard(HOST, told(Verdict.LIMITED))
        opens = seen.pacer.free_at(HOST)
        assert opens is not None
        waits.append((opens - seen.time.clock.now()).total_seconds())
        seen.time.clock.at = opens

    assert waits == [30, 60, 120, 240, 480]
    seen.pacer.heard(HOST, told(Verdict.PROVEN))
    seen.pacer.heard(HOST, told(Verdict.LIMITED))
    assert seen.pacer.free_at(HOST) == seen.time.clock.now() + timedelta(seconds=30)


async def test_no_answer_closes_a_host_for_more_than_a_day() -> None:
    """`Retry-After: 99999999` must not silence a registry for years; nor may a moved clock."""
    seen = Observed()
    seen.pacer.limited(HOST, NOON + timedelta(days=900))
    assert seen.pacer.free_at(HOST) == NOON + timedelta(days=1)

    seen.time.clock.at = NOON - timedelta(days=30)

    assert seen.pacer.free_at(HOST) == NOON - timedelta(days=29)


async def test_failing_host_is_given_minutes_not_hours() -> None:
    """A 503 may ask for patience, but its outage has to be noticed."""
    seen = Observed()
    seen.pacer.heard(HOST, told(Verdict.UNREACHABLE, NOON + timedelta(hours=9)))

    assert seen.pacer.free_at(HOST) == NOON + timedelta(minutes=5)


async def test_clock_that_is_put_back_stops_nobody() -> None:
    """The pace is a distance, so it does not wait for the old time to come again."""
    seen = Observed()
    await seen.time.run(*(seen.check(HOST) for _ in range(6)))

    seen.time.clock.at -= timedelta(days=3)
    opens = seen.pacer.free_at(HOST)

    assert opens is None or opens - seen.time.clock.now() <= USUAL.gap


async def test_self_managed_gitlab_is_not_made_to_ban_us() -> None:
    """Forty revoked tokens come due at once: GitLab counts thirty failures in three minutes."""
    budget = STANDARD.of("gitlab.example.com", "gitlab")
    seen = Observed(replace(Limits(), budgets=Budgets({HOST: budget})))
    seen.after = lambda _host: told(Verdict.REFUSED)

    ends = await seen.time.run(*(seen.check(HOST, takes=1) for _ in range(40)))

    turned_away = [end for end in ends if isinstance(end, Closed)]
    assert len(seen.starts[HOST]) <= budget.failures + 4
    assert all(end.by_failures for end in turned_away)
    assert len(turned_away) == 40 - len(seen.starts[HOST])
    assert seen.most_within(HOST, 180) < 30


async def test_person_waits_neither_for_the_pace_nor_for_others_failures() -> None:
    """A new secret can be tested at once, though twenty old ones failed; four run all the same."""
    seen = Observed(replace(Limits(), budgets=Budgets({HOST: Budget(failures=2)})))
    for _ in range(20):
        seen.pacer.heard(HOST, told(Verdict.REFUSED))
    assert seen.pacer.free_at(HOST) is not None
    begun = []

    async def person() -> None:
        async with seen.pacer.turn(HOST, by_person=True):
            begun.append(seen.time.elapsed)
            await seen.time.sleep(3)

    await seen.time.run(*(person() for _ in range(9)))

    assert begun == [0] * 4 + [3] * 4 + [6]


async def test_person_does_not_ask_a_limited_host_either() -> None:
    """It would only answer 429 again, and count it."""
    seen = Observed()
    seen.pacer.limited(HOST, NOON + timedelta(seconds=5))
    with pytest.raises(Closed):
        async with seen.pacer.turn(HOST, by_person=True):
            raise AssertionError


async def test_people_do_not_stop_the_schedule() -> None:
    """After a test of everything the schedule goes on within one step of the host's pace."""
    seen = Observed()

    async def person() -> None:
        async with seen.pacer.turn(HOST, by_person=True):
            pass

    await seen.time.run(*(person() for _ in range(200)))
    await seen.time.run(seen.check(HOST))

    assert seen.starts[HOST][0] <= USUAL.gap.total_seconds()


async def test_cancelled_waiting_leaves_no_trace() -> None:
    """A check that is given up in the queue holds neither place nor account."""
    seen = Observed(Limits(per_host=1))
    async with seen.pacer.turn(HOST, "robot"):
        tasks = [
            asyncio.ensure_future(seen.check(HOST, account)) for account in ("robot", "", "other")
        ]
        await seen.time.settle()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    await seen.time.run(seen.check(HOST, "robot"))

    assert len(seen.starts[HOST]) == 1
    assert not seen.pacer._accounts


async def test_hosts_at_rest_are_forgotten() -> None:
    """Ten thousand hosts over the years, each asked once."""
    seen = Observed()
    for number in range(10_000):
        async with seen.pacer.turn(f"r{number}.example.com"):
            pass
        seen.time.clock.skip(timedelta(seconds=1))

    assert len(seen.pacer._hosts) < 1100


@pytest.mark.parametrize(
    ("host", "kind", "like"),
    [
        ("docker.io", "docker_hub", "docker_hub"),
        ("registry-1.docker.io", "generic", "docker_hub"),
        ("ghcr.io", "generic", "ghcr"),
        ("gitlab.example.com:5050", "gitlab", "gitlab"),
        ("123456789012.dkr.ecr.eu-west-3.amazonaws.com", "generic", "ecr"),
        ("europe-west1-docker.pkg.dev", "generic", "gcp_artifact_registry"),
        ("rg.fr-par.scw.cloud", "generic", "scaleway"),
    ],
)
def test_host_has_the_budget_of_its_provider(host: str, kind: str, like: str) -> None:
    """Whatever kind it was registered as, the provider counts the same."""
    assert STANDARD.of(host, kind) == STANDARD.of("elsewhere.example.com", like)


def test_operator_has_the_last_word_on_a_budget() -> None:
    """By name, with the port or without it."""
    slow = Budget(per_minute=1)
    budgets = Budgets({"harbor.example.com": slow, "ghcr.io": slow}, usual=Budget(per_minute=7))

    assert budgets.of("harbor.example.com:8443") == budgets.of("ghcr.io", "ghcr") == slow
    assert budgets.of("other.example.com").per_minute == 7


def test_operator_sets_the_pace_and_the_bound_on_failures_stays() -> None:
    """By name, with the port or without it, and for all the others."""
    budgets = Budgets.parse("docker.io=90, Harbor.example.com:8443=300,*=120")

    assert budgets.of("docker.io") == replace(STANDARD.of("docker.io"), per_minute=90)
    assert budgets.of("harbor.example.com:8443").per_minute == 300
    assert budgets.of("git.example.com", "gitlab").per_minute == 120
    assert budgets.of("git.example.com", "gitlab").failures == 12
    assert Budgets.parse("") == STANDARD


@pytest.mark.parametrize("text", ["docker.io", "=5", "a=fast", "a=29", "a=6001", "a=-60", "a=６０"])
def test_a_pace_that_cannot_be_kept_is_refused(text: str) -> None:
    """At start, naming the setting and the pair."""
    with pytest.raises(SettingsError, match=r"^CHECK_PACES: “"):
        Budgets.parse(f"ghcr.io=60,{text}")


def test_every_pace_fits_into_a_lease() -> None:
    """Sixteen claimed registries of one host begin within half a minute."""
    for kind in ("docker_hub", "ghcr", "gitlab", "ecr", "public_ecr", "scaleway", "generic"):
        budget = STANDARD.of("r.example.com", kind)
        assert (16 - budget.burst) * budget.gap <= timedelta(seconds=30)
    assert STANDARD.of("rg.fr-par.scw.cloud").per_minute == SLOWEST


class Scripted:
    """A checker that answers from a list."""

    def __init__(self, *answers: CheckResult) -> None:
        self.answers = list(answers)

    async def check(self, config: Config, progress: object = None) -> CheckResult:
        return self.answers.pop(0)


CONFIG = Config(
    "generic", "account", f"https://{HOST}", {"username": "a"}, {"password": Secret("b")}
)


async def test_closed_host_is_answered_for_without_asking() -> None:
    """The schedule learns when to come back, for all registries of the host."""
    time = VirtualTime(NOON)
    pacer = Pacer(Limits(), time.clock, sleep=time.sleep)
    until = NOON + timedelta(minutes=30)
    checker = Scripted(told(Verdict.LIMITED, until))
    paced = PacedChecker(checker, pacer, time.clock)

    first, second = await paced.check(CONFIG), await paced.check(CONFIG)
    other = await PacedChecker(checker, pacer, time.clock, by_person=True).check(CONFIG)

    assert first.retry_at == second.retry_at == other.retry_at == until
    assert second.verdict is other.verdict is Verdict.LIMITED
    assert second.sentence == (
        f"{HOST} limits requests until 12:30 UTC; the credential was not judged."
    )
    assert not checker.answers


async def test_person_tests_a_new_secret_while_the_schedule_holds_back() -> None:
    """Old secrets of others failed at this host; that is no reason to doubt the new one."""
    time = VirtualTime(NOON)
    limits = replace(Limits(), budgets=Budgets({HOST: Budget(failures=2)}))
    pacer = Pacer(limits, time.clock, sleep=time.sleep)
    checker = Scripted(told(Verdict.REFUSED), told(Verdict.REFUSED), told(Verdict.PROVEN))
    schedule = PacedChecker(checker, pacer, time.clock)

    await schedule.check(CONFIG)
    await schedule.check(CONFIG)
    held_back = await schedule.check(CONFIG)
    tested = await PacedChecker(checker, pacer, time.clock, by_person=True).check(CONFIG)

    assert (held_back.verdict, held_back.cause) == (Verdict.LIMITED, Cause.RATE_LIMITED)
    assert "Several sign-ins" in held_back.sentence
    assert tested.verdict is Verdict.PROVEN
