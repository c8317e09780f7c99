"""Bringing a database up to date, from the process itself or from the release step."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from alembic import command
from bot.errors import SettingsError, StoreError
from bot.store.engine import open_engine

ROOT: Final = Path(__file__).parents[2]
# Any number will do, as long as nothing else of ours uses it.
LOCK: Final = 7_245_681_233


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to `revision` in one transaction; two processes at once are in no danger.

    Raises SettingsError when the database is newer than this release, StoreError when it cannot be
    used; then nothing was changed.
    """
    # Rebuilding a table with foreign keys on would delete the rows that point to it.
    engine = open_engine(url, busy_seconds=60, foreign_keys=False)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_move, revision)
    except CommandError as error:
        raise SettingsError(
            "The database was made by another release of Registrar; start that one, or a newer one."
        ) from error
    except DBAPIError as error:
        raise StoreError("The database could not be migrated; nothing was changed.") from error
    finally:
        await engine.dispose()


async def pending(url: str) -> bool:
    """Whether `migrate` has something to do; raises StoreError when the database is away."""
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(_heads_of_database)
    except DBAPIError as error:
        raise StoreError("The database cannot be reached.") from error
    finally:
        await engine.dispose()
    return found != set(ScriptDirectory.from_config(config()).get_heads())


def config(connection: Connection | None = None) -> Config:
    """What alembic needs; with a connection it works inside that connection's transaction."""
    made = Config(toml_file=str(ROOT / "pyproject.toml"))
    made.attributes["connection"] = connection
    return made


def _move(connection: Connection, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        # Two deploys at once: the second waits, and finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    known = {step.revision for step in ScriptDirectory.from_config(config()).walk_revisions()}
    if not _heads_of_database(connection) <= known:
        raise CommandError("unknown revision")
    going_down = revision == "base" or revision.startswith("-")
    (command.downgrade if going_down else command.upgrade)(config(connection), revision)
    if connection.dialect.name == "sqlite":
        _check_foreign_keys(connection)


def _heads_of_database(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


def _check_foreign_keys(connection: Connection) -> None:
    """SQLite checked none of them during the migration."""
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise StoreError("The migration left rows that point to nothing; it was undone.")
