"""The database itself: how it is opened, and what a transaction is."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy import event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.clock import Clock
from bot.errors import SettingsError, StoreError
from bot.store.cipher import Keyring

log = structlog.get_logger(__name__)

BUSY_SECONDS: Final = 5.0
BUSY: Final = "Registrar's database is busy, so nothing was saved. Try again in a moment."
_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
# The second is what SQLite says of a damaged file; its subclasses are faults of ours.
_UNUSABLE: Final = (sqlite3.OperationalError, sqlite3.DatabaseError)
_READS: Final = "registrar_reads"


class Store:
    """Transactions on one database, with the keyring of its credentials and the clock."""

    def __init__(self, engine: AsyncEngine, keyring: Keyring, clock: Clock) -> None:
        self.engine = engine
        self.keyring = keyring
        self.clock = clock
        self._reading = engine.execution_options(**{_READS: True})
        # SQLite has one writer. Waiting here is fair and wakes at once; its busy handler sleeps.
        self._writer = asyncio.Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """All of it is committed at the end, or nothing of it when an error leaves the block.

        A database that is locked, full or away is a StoreError. Never wait for the network inside.
        """
        async with self._writer, _session(self.engine) as session:
            yield session
            await session.commit()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One consistent look at the database that blocks nobody and changes nothing."""
        async with _session(self._reading) as session:
            yield session

    async def now(self, session: AsyncSession) -> datetime:
        """The time that all replicas share: the database's clock, as moved as ours is.

        Schedules, leases and fences are judged by it, so that a worker whose machine is minutes
        wrong neither takes rows too early nor keeps them too long. An SQLite file has no clock but
        that of its machine.
        """
        if self.engine.dialect.name == "sqlite":
            return self.clock.now()
        connection = await session.connection()
        told: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return self.clock.shown_at(told.astimezone(UTC))

    async def is_up(self) -> bool:
        """Whether the database answers."""
        try:
            async with self.reading() as session:
                await (await session.connection()).execute(text("SELECT 1"))
        except StoreError:
            return False
        return True

    async def close(self) -> None:
        await self.engine.dispose()


def open_store(
    url: str, keyring: Keyring, clock: Clock, *, busy_seconds: float = BUSY_SECONDS
) -> Store:
    """Open `sqlite:///FILE` or `postgresql://…`; connects at first use, raises SettingsError."""
    return Store(open_engine(url, busy_seconds=busy_seconds), keyring, clock)


def open_engine(
    url: str, *, busy_seconds: float = BUSY_SECONDS, foreign_keys: bool = True
) -> AsyncEngine:
    """An engine whose transactions are real ones on both databases."""
    parsed = database_url(url)
    if not parsed.drivername.startswith("sqlite"):
        return create_async_engine(
            parsed, pool_size=10, max_overflow=10, pool_pre_ping=True, hide_parameters=True
        )
    engine = create_async_engine(
        parsed, connect_args={"timeout": busy_seconds}, hide_parameters=True
    )
    _set_up_sqlite(engine, foreign_keys=foreign_keys)
    return engine


def database_url(url: str) -> URL:
    """The URL with its async driver; raises SettingsError, which never quotes the URL."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URL is not a URL like sqlite:///FILE or postgresql://…"
        ) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise SettingsError("DATABASE_URL must begin with sqlite:/// or postgresql://")
    return parsed.set(drivername=driver)


@asynccontextmanager
async def _session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    session = AsyncSession(engine, expire_on_commit=False)
    try:
        async with session:
            yield session
    except PoolTimeout as error:
        raise StoreError(BUSY) from error
    except DBAPIError as error:
        reason = _reason(error)
        if reason is None:
            raise
        log.warning("database refused", error=type(error.orig).__name__, reason=reason)
        raise StoreError(reason) from error


def _set_up_sqlite(engine: AsyncEngine, *, foreign_keys: bool) -> None:
    # The driver's own transactions begin at the first write: a SELECT before it would run outside,
    # and two processes would both claim the row it found. So they are switched off, and a writing
    # transaction takes the write lock when it begins.
    pragmas = (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "cache_size=-16000",  # 16 MB: looking up ten thousand rows by id rereads no page
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        "secure_delete=ON",  # a destroyed secret leaves the file as well
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        try:
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()  # the pool forgets a connection that failed here
            raise
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(_READS)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _reason(error: DBAPIError) -> str | None:
    """The sentence for a database that cannot be used now; None when the fault is ours."""
    original = error.orig
    words = str(original).lower()
    state = getattr(original, "sqlstate", None) or ""
    if "disk is full" in words or state == "53100":
        return (
            "The disk of Registrar's database is full, so nothing was saved. "
            "Tell whoever runs Registrar."
        )
    if "is locked" in words or state in {"55P03", "40001", "40P01"}:
        return BUSY
    if "readonly" in words or state == "25006":
        return "Registrar's database is read-only, so nothing was saved. Tell whoever runs it."
    away = error.connection_invalidated or state.startswith(("08", "57P", "53"))
    if away or type(original) in _UNUSABLE or _is_lost(error):
        return "Registrar's database cannot be used, so nothing was saved. Tell whoever runs it."
    return None


def _is_lost(error: DBAPIError) -> bool:
    """A PostgreSQL error without a state of its own is one of the connection."""
    return isinstance(error, OperationalError) and not getattr(error.orig, "sqlstate", None)
