"""What is made of a provider's words about a credential's age and end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from bot.core.check import Expiry
from bot.core.clock import FixedClock
from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds import docker_token, harbor
from bot.kinds.age import Ages, Answer, Question, moment, unix_moment
from bot.kinds.aws import AwsError
from bot.kinds.distribution import claims_of
from bot.kinds.google_key import _certified
from tests.kinds.checks import NOON

DAY = timedelta(days=1)
OURS = "a7a5ef25-8889-43a0-8cc7-f2a94268e861"


def config(password: str = "correct horse") -> Config:
    return Config(
        "generic",
        "account",
        "https://registry.example.com",
        {"username": "ci"},
        {"password": Secret(password)},
    )


class Asked:
    """A question that counts how often it is asked, and may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.times = 0
        self.fails = fails

    async def ask(self) -> Answer:
        self.times += 1
        if self.fails:
            raise AwsError("iam", "AccessDenied", 403)
        return Answer(Expiry(NOON + self.times * DAY, "provider"))


async def test_an_answer_is_kept_for_a_day_and_a_failure_for_an_hour() -> None:
    """Each by its own credential."""
    clock = FixedClock(NOON)
    ages, tells, fails = Ages(clock), Asked(), Asked(fails=True)
    for hours in (0, 0.5, 2, 23.9, 24.1):
        clock.at = NOON + timedelta(hours=hours)
        await ages.of(config(), Question(tells.ask, 1), left=6)
        await ages.of(config("another horse"), Question(fails.ask, 1), left=6)

    assert (tells.times, fails.times) == (2, 3)


async def test_nothing_is_asked_beyond_the_budget() -> None:
    """And nothing is remembered, so that the next check may ask."""
    ages, asked = Ages(FixedClock(NOON)), Asked()

    assert await ages.of(config(), Question(asked.ask, 2), left=1) == Answer()
    assert (await ages.of(config(), Question(asked.ask, 2), left=2)).expiry is not None
    assert asked.times == 1


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-12-07", datetime(2026, 12, 7, tzinfo=UTC)),
        ("2026-12-07T10:00:00+02:00", datetime(2026, 12, 7, 8, tzinfo=UTC)),
        ("2026-12-07T08:00:00.000Z", datetime(2026, 12, 7, 8, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        (7, None),
        (None, None),
    ],
)
def test_times_of_apis(text: object, at: datetime | None) -> None:
    """Dates are midnight UTC; what cannot be read is not told."""
    assert moment(text) == at


@pytest.mark.parametrize("seconds", [True, "1", None, float("inf"), float("nan"), 1e30])
def test_odd_unix_times_are_not_told(seconds: object) -> None:
    """Whatever an API writes."""
    assert unix_moment(seconds) is None


@pytest.mark.parametrize(
    ("claims", "listed", "found"),
    [
        ({"source": {"id": OURS}}, [("x", True), (OURS, True)], OURS),
        ({"source": {"id": OURS}}, [("x", True)], None),
        ({}, [("x", True), ("y", True)], None),
        ({}, [("x", False), ("y", True)], "y"),
        ({"source": "pat"}, [], None),
    ],
)
def test_which_of_an_organisations_tokens_is_ours(
    claims: dict[str, object], listed: list[tuple[str, bool]], found: str | None
) -> None:
    """The one that the API's token names, else the only active one; never a guess."""
    tokens: list[object] = [{"id": name, "is_active": active} for name, active in listed]
    ours = docker_token._ours([*tokens, "odd", None], claims)

    assert (ours or {}).get("id") == found


def test_a_tokens_claims_are_read_without_its_key() -> None:
    """They are only compared with what the API says."""
    token = jwt.encode({"source": {"id": OURS}}, "k" * 32, algorithm="HS256")

    assert claims_of(token)["source"] == {"id": OURS}


@pytest.mark.parametrize(
    ("seconds", "expiry"),
    [
        (-1, Expiry(None, "provider")),
        (1796000000, Expiry(datetime.fromtimestamp(1796000000, UTC), "provider")),
        ("-1", None),
        (None, None),
    ],
)
def test_the_end_of_a_robot(seconds: object, expiry: Expiry | None) -> None:
    """Harbor writes -1 for never."""
    assert harbor.expiry(seconds) == expiry


@pytest.mark.parametrize("pem", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n", "no"])
def test_a_certificate_that_cannot_be_read_tells_nothing(pem: str) -> None:
    """The answer of a public address is no reason to fail."""
    assert _certified(pem) == Answer()
