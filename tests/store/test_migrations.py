"""Migrations, on both databases."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from bot.errors import SettingsError
from bot.store.engine import open_engine
from bot.store.migrate import ROOT, migrate, pending
from bot.store.schema import Row


async def test_migrations_go_up_down_and_up_again(empty_url: str) -> None:
    """Every migration can be undone and done again, and leaves nothing behind."""
    await migrate(empty_url)
    await migrate(empty_url, "base")
    assert await _tables(empty_url) == {"alembic_version"}

    await migrate(empty_url)

    assert {"registry", "credential", "draft", "outbox"} <= await _tables(empty_url)


async def test_the_migrations_make_exactly_the_tables_of_the_code(database_url: str) -> None:
    """No table, column, index or constraint differs between migrations and schema."""
    engine = open_engine(database_url)
    async with engine.connect() as connection:
        differences = await connection.run_sync(_differences)
    await engine.dispose()

    assert differences == []


async def test_a_database_without_migrations_is_pending(empty_url: str) -> None:
    """`pending` says whether `migrate` has something to do."""
    assert await pending(empty_url)

    await migrate(empty_url)

    assert not await pending(empty_url)


async def test_two_processes_may_migrate_at_once(empty_url: str) -> None:
    """The second waits for the first and then has nothing to do."""
    await asyncio.gather(migrate(empty_url), migrate(empty_url))

    assert not await pending(empty_url)


async def test_a_failing_migration_leaves_nothing_half_made(empty_url: str) -> None:
    """DDL is in the transaction, on SQLite as well."""
    engine = open_engine(empty_url)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE outbox (id INTEGER)")
    await engine.dispose()

    with pytest.raises(Exception, match=r"outbox|could not be migrated"):
        await migrate(empty_url)

    assert await _tables(empty_url) == {"outbox"}


async def test_a_database_of_a_newer_release_is_left_alone(database_url: str) -> None:
    """An old release says so instead of guessing."""
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    await engine.dispose()

    with pytest.raises(SettingsError, match="another release"):
        await migrate(database_url)


def test_migrations_are_numbered_in_a_row() -> None:
    """File names begin with 0001, 0002, …, so that their order is seen."""
    versions = sorted(path.name for path in (ROOT / "alembic" / "versions").glob("*.py"))

    assert [int(name[:4]) for name in versions] == list(range(1, len(versions) + 1))


def test_no_migration_depends_on_the_code(tmp_path: Path) -> None:
    """A migration that imports the tables would change when they do."""
    files = list((ROOT / "alembic" / "versions").glob("*.py"))
    importing = [
        path.name
        for path in files
        if re.search(r"^\s*(from|import) (bot|sqlmodel)", path.read_text(), re.MULTILINE)
    ]

    assert importing == []


def test_the_template_states_the_law_of_migrations() -> None:
    """Whoever writes the next migration reads it first."""
    text = (ROOT / "alembic" / "script.py.mako").read_text()

    assert "previous release must go on working" in text


async def _tables(url: str) -> set[str]:
    engine = open_engine(url)
    async with engine.connect() as connection:
        found = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await engine.dispose()
    return set(found)


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Row.metadata))
