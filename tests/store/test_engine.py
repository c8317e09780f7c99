"""Transactions, and databases that cannot be used."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlmodel import select

from bot.core.clock import FixedClock
from bot.errors import RegistrarError, SettingsError, StoreError
from bot.store import workspaces
from bot.store.engine import Store, open_store
from bot.store.schema import Workspace
from bot.usecases import drafts, registries
from bot.usecases.deps import Deps
from tests.factories import ALICE, NOW, add, deps_on, generic, keyring


async def test_a_transaction_is_all_or_nothing(deps: Deps) -> None:
    """An error that leaves the block undoes everything in it."""

    async def fail() -> None:
        async with deps.store.transaction() as session:
            await workspaces.ensure(session, "T9", NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    async with deps.store.reading() as session:
        assert (await session.exec(select(Workspace))).all() == []


async def test_a_workspace_is_made_once_by_many_at_once(deps: Deps) -> None:
    """The first use of a workspace may come from several people at the same moment."""

    async def first_use() -> None:
        async with deps.store.transaction() as session:
            await workspaces.ensure(session, "T1", NOW)

    await asyncio.gather(*(first_use() for _ in range(10)))

    async with deps.store.reading() as session:
        assert len((await session.exec(select(Workspace))).all()) == 1


async def test_reading_goes_on_while_somebody_writes(deps: Deps) -> None:
    """A list is answered from before the change, without waiting for its end."""
    await add(deps)

    async with deps.store.transaction() as session:
        await workspaces.ensure(session, "T9", NOW)
        async with asyncio.timeout(5):
            listed = await registries.counters(deps, ALICE)

    assert listed.total == 1


async def test_a_locked_database_is_a_clear_error(sqlite_url: str) -> None:
    """Another process holds the lock: the person is told to try again, and nothing is saved."""
    deps = deps_on(sqlite_url)
    quick = open_store(sqlite_url, deps.store.keyring, deps.clock, busy_seconds=0.05)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match=r"busy.*Try again"):
        await _use(quick)

    other.execute("ROLLBACK")
    other.close()
    await _use(quick)
    await quick.close()
    await deps.store.close()


async def test_a_full_disk_is_a_clear_error_and_saves_nothing(sqlite_url: str) -> None:
    """The database refuses to grow; what was stored before is unharmed."""
    deps = deps_on(sqlite_url)
    await add(deps)
    async with deps.store.engine.connect() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
    await deps.store.close()
    _limit_pages(deps, pages)

    async def fill() -> None:
        for number in range(200):
            await drafts.begin(deps, ALICE, generic(f"n{number}", description="x" * 500))

    with pytest.raises(StoreError, match=r"disk .* is full, so nothing was saved"):
        await fill()

    assert (await registries.counters(deps, ALICE)).total == 1
    assert (await registries.show(deps, ALICE, "harbor-team")).broken == ""
    await deps.store.close()


async def test_a_database_that_is_away_is_a_clear_error() -> None:
    """Nobody listens there; `is_up` says so and everything else raises a StoreError."""
    store = open_store("postgresql://nobody@127.0.0.1:1/x", keyring(), FixedClock(NOW))

    assert not await store.is_up()
    with pytest.raises(StoreError, match="cannot be used"):
        await _use(store)
    await store.close()


async def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    """Somebody pointed DATABASE_URL at another file."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleagues, " * 100)
    store = open_store(f"sqlite:///{path}", keyring(), FixedClock(NOW))

    with pytest.raises(StoreError, match="cannot be used"):
        await _use(store)
    await store.close()


async def test_an_open_database_is_up(deps: Deps) -> None:
    """It answers."""
    assert await deps.store.is_up()


@pytest.mark.parametrize("url", ["mysql://u:hunter2-hunter2@host/db", "nonsense", ""])
def test_a_wrong_url_is_refused_without_quoting_it(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(SettingsError, match="DATABASE_URL") as caught:
        open_store(url, keyring(), FixedClock(NOW))

    assert "hunter2" not in str(caught.value)


async def test_many_writers_take_turns(deps: Deps) -> None:
    """Two dozen additions at once all succeed."""
    names = [f"registry-{number}" for number in range(24)]

    await asyncio.gather(*(add(deps, answers=generic(name)) for name in names))

    assert (await registries.counters(deps, ALICE)).total == len(names)


async def test_a_cancelled_transaction_does_not_keep_the_lock(deps: Deps) -> None:
    """A task that is cut off in the middle leaves nothing locked and nothing written."""
    inside = asyncio.Event()

    async def slow() -> None:
        async with deps.store.transaction() as session:
            await workspaces.ensure(session, "T9", NOW)
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(slow())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    async with asyncio.timeout(5), deps.store.transaction() as session:
        await workspaces.ensure(session, "T1", NOW)
        found = (await session.exec(select(Workspace))).all()
    assert [row.team_id for row in found] == ["T1"]


def test_store_errors_are_shown_to_people() -> None:
    """They are part of the tree whose sentences are fit to show."""
    assert issubclass(StoreError, RegistrarError)


async def _use(store: Store) -> None:
    async with store.transaction() as session:
        await workspaces.ensure(session, "T1", NOW)


def _limit_pages(deps: Deps, pages: int) -> None:
    """Make every connection refuse to grow the file, as a full disk does."""
    from sqlalchemy import event

    @event.listens_for(deps.store.engine.sync_engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count={pages}")
        cursor.close()
