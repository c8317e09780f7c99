"""Checks of generic registries on loopback, for the tests of this folder."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from bot.core.check import CheckResult
from bot.core.clock import FixedClock
from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.aws import AwsGateway
from bot.kinds.checker import Checker
from bot.kinds.net import AllowList, Egress
from tests.kinds.wire import Wire

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PASSWORD = "the-right-password-of-alice"
VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")


def generic(wire: Wire, image: str = "", password: str = PASSWORD, prefix: str = "") -> Config:
    """A generic registry at `wire`, signed in to as alice."""
    return Config(
        "generic",
        "account",
        wire.url + prefix,
        {"username": "alice"},
        {"password": Secret(password)},
        test_image=image,
    )


@contextlib.asynccontextmanager
async def checker_for(
    allow: AllowList, clock: FixedClock | None = None, total: float = 5.0
) -> AsyncIterator[Checker]:
    """A checker that may reach what `allow` lists."""
    egress, aws = Egress(allow=allow), AwsGateway()
    try:
        yield Checker(egress=egress, aws=aws, clock=clock or FixedClock(NOON), total=total)
    finally:
        await egress.close()
        aws.close()


async def check(wire: Wire, config: Config, total: float = 5.0) -> CheckResult:
    """One check with a checker of its own."""
    async with checker_for(wire.allow, total=total) as checker:
        return await checker.check(config)
