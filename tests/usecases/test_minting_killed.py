"""The process dies at every step of renewing a login."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import event

from bot.store.engine import open_store
from bot.usecases.deps import Deps
from bot.usecases.minting import Mint
from tests.factories import add, clock_of
from tests.usecases.mints import HOUR, Provider, asked, ecr, wanted
from tests.usecases.test_watch_killed import Killed, _buried


async def life(deps: Deps, provider: Provider, at: int) -> bool:
    """A process that ticks once and dies at that statement or commit; True when it was too late."""
    url = deps.store.engine.url.render_as_string(hide_password=False)
    store = open_store(url, deps.store.keyring, deps.clock)
    count = 0

    def step(*_arguments: Any) -> None:
        nonlocal count
        count += 1
        if count == at:
            raise Killed

    for name in ("before_cursor_execute", "commit"):
        event.listen(store.engine.sync_engine, name, step)
    try:
        await Mint(replace(deps, store=store), provider).tick()
    except Killed:
        return False
    finally:
        await store.close()
        await _buried(deps)
    return True


async def test_dying_anywhere_leaves_a_login_that_is_good(deps: Deps) -> None:
    """The old one or the new one; the next process renews within two minutes."""
    provider = Provider(deps)
    await add(deps, answers=ecr())
    await wanted(deps, Mint(deps, provider))
    at, ended = 0, False
    while not ended:
        at += 1
        await asked(deps)
        clock_of(deps).skip(7 * HOUR)
        ended = await life(deps, provider, at)

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
