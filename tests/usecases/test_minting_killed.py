"""The process dies at every step of renewing a login."""

from __future__ import annotations

from datetime import timedelta

from bot.usecases.deps import Deps
from bot.usecases.minting import Mint
from tests.factories import add, clock_of
from tests.usecases.killed import life
from tests.usecases.mints import HOUR, Provider, asked, ecr, wanted


async def test_dying_anywhere_leaves_a_login_that_is_good(deps: Deps) -> None:
    """The old one or the new one; the next process renews within two minutes."""
    provider = Provider(deps)
    await add(deps, answers=ecr())
    await wanted(deps, Mint(deps, provider))
    at, ended = 0, False

    async def tick(mortal: Deps) -> None:
        await Mint(mortal, provider).tick()

    while not ended:
        at += 1
        await asked(deps)
        clock_of(deps).skip(7 * HOUR)
        ended = await life(deps, at, tick)

        provider.away = True
        left = await wanted(deps, Mint(deps, provider))
        provider.away = False
        assert left is not None
        assert left.expires_at is not None
        assert left.expires_at > clock_of(deps).now()
        clock_of(deps).skip(timedelta(minutes=2))
        await Mint(deps, provider).tick()
        after = await wanted(deps, Mint(deps, provider))
        assert after is not None
        assert after.expires_at is not None
        assert after.expires_at > clock_of(deps).now() + 11 * HOUR
    assert at > 8
