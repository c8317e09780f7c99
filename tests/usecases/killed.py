"""A process that dies at one of its statements or commits, and takes its connections with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import event, text

from bot.store.engine import open_store
from bot.usecases.deps import Deps


class Killed(BaseException):
    """The process is gone: nothing handles this."""


async def life(deps: Deps, at: int, live: Callable[[Deps], Awaitable[object]]) -> bool:
    """A process that does as told and dies at that statement or commit; True: that was too late.

    It has connections of its own, which end with it.
    """
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
        await live(replace(deps, store=store))
    except Killed:
        return False
    finally:
        await store.close()
        await _buried(deps)
    return True


async def _buried(deps: Deps) -> None:
    """Wait until PostgreSQL has noticed the death: till then its locks make the others skip rows.

    In life the next second's tick finds them; a test's next tick comes within a millisecond.
    """
    if deps.store.engine.dialect.name != "postgresql":
        return
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    async with asyncio.timeout(30), deps.store.engine.connect() as connection:
        while (await connection.execute(others)).scalar_one():
            await connection.rollback()  # a transaction keeps seeing its first look
            await asyncio.sleep(0.01)
