"""Run by alembic: works in the transaction it is given, or opens DATABASE_URL by itself."""

from __future__ import annotations

import asyncio
import os
from typing import Literal

from sqlalchemy import Connection, text
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from alembic import context
from bot.store.engine import open_engine
from bot.store.migrate import LOCK
from bot.store.schema import Row


def render(kind: str, thing: object, _context: object) -> str | Literal[False]:
    """Write SQLModel's own types as plain ones, so that a migration does not depend on them."""
    if kind == "type" and isinstance(thing, AutoString):
        return "sa.String()"
    if kind == "type" and isinstance(thing, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Two deploys at once: the second waits, and finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    context.configure(
        connection=connection,
        target_metadata=Row.metadata,
        render_as_batch=True,
        render_item=render,
        transactional_ddl=True,
    )
    context.run_migrations()


async def run_from_command_line() -> None:
    url = os.environ.get("DATABASE_URL", "sqlite:///registrar.sqlite3")
    engine = open_engine(url, busy_seconds=60, foreign_keys=False)
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(run_from_command_line())
else:
    run(given)
