"""`registrar run` as an operator starts it: over Socket Mode and over HTTP, until SIGTERM."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from bot.bootstrap import bootstrap
from bot.core.clock import SystemClock
from bot.core.secret import Secret
from bot.sandbox.slackd.person import Person
from bot.sandbox.slackd.server import SlackServer
from bot.settings import Settings
from bot.store.cipher import Keyring
from tests.factories import add, cluster, deps_on, generic

BOT, APP = "xoxb-test-token-0001", "xapp-test-token-0001"
SIGNING = "0123456789abcdef0123456789abcdef"
SECRET = "s3cret-of-the-slow-registry"


class SlowRegistry:
    """Wants Basic, and takes a second for everything once it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.delay = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.set()
        await asyncio.sleep(self.delay)
        expected = "Basic " + base64.b64encode(f"ci:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") == expected:
            return web.json_response({})
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="slow"'})


@pytest_asyncio.fixture(loop_scope="session")
async def registry() -> AsyncIterator[tuple[SlowRegistry, str]]:
    slow = SlowRegistry()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", slow.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield slow, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def slack(tmp_path: Path) -> AsyncIterator[SlackServer]:
    server = SlackServer(bot_token=BOT, app_token=APP, clock=SystemClock(), page_dir=tmp_path)
    await server.start()
    yield server
    await server.close()


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def _running(
    slack: SlackServer, folder: Path, **settings: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run"),
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "SLACK_BOT_TOKEN": BOT,
            "SLACK_API_URL": slack.api_url,
            "DATABASE_URL": f"sqlite:///{folder / 'registrar.sqlite3'}",
            "ENCRYPTION_KEYS": Keyring.generate_text(),
            "PORT": str(port),
            **settings,
        },
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await _up(url)
        yield process, url
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _up(url: str) -> None:
    async with httpx.AsyncClient() as http, asyncio.timeout(30):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)


async def _stopped(process: asyncio.subprocess.Process) -> str:
    """SIGTERM, the end, and what was logged."""
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(40):
        _, logged = await process.communicate()
    assert process.returncode == 0, logged.decode()
    return logged.decode()


async def _fill_in(person: Person, url: str) -> None:
    await person.type("/registry add generic", "#general")
    await person.wait_for("Registry URL")
    answers = {"Registry URL": url, "Username": "ci", "Password": SECRET, "Name": "slow"}
    for label, value in answers.items():
        await person.fill(label, value)


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_a_stop_in_the_middle_of_a_check_loses_nothing(
    slack: SlackServer, registry: tuple[SlowRegistry, str], tmp_path: Path, mode: str
) -> None:
    """SIGTERM lets the check end and saves what it proved; the logs hold no secret."""
    slow, url = registry
    by_mode = {"socket": {"SLACK_APP_TOKEN": APP}, "http": {"SLACK_SIGNING_SECRET": SIGNING}}
    async with (
        _running(slack, tmp_path, EGRESS_ALLOW=url, LOG_LEVEL="DEBUG", **by_mode[mode]) as bot,
        Person(slack.url) as ada,
    ):
        process, bot_url = bot
        if mode == "http":
            slack.use_http(f"{bot_url}/slack/events", SIGNING)
        await _fill_in(ada, url)
        slow.delay = 0.5
        assert await ada.submit() == {}
        await slow.asked.wait()
        logged = await _stopped(process)

    with contextlib.closing(sqlite3.connect(tmp_path / "registrar.sqlite3")) as database:
        rows = database.execute("SELECT name, state, verdict FROM registry").fetchall()
        mode_of_file = (tmp_path / "registrar.sqlite3").stat().st_mode & 0o777
    assert rows == [("slow", "live", "proven")]
    assert mode_of_file == 0o600
    assert SECRET not in logged
    assert BOT not in logged


async def test_it_is_not_ready_while_slack_is_gone(slack: SlackServer, tmp_path: Path) -> None:
    """The connection ends: `/readyz` says that it is Slack that is missing."""
    async with _running(slack, tmp_path, SLACK_APP_TOKEN=APP) as (_, url):
        await slack.close()
        async with httpx.AsyncClient() as http, asyncio.timeout(10):
            answer = await http.get(f"{url}/readyz")
            while answer.status_code == 200:
                await asyncio.sleep(0.05)
                answer = await http.get(f"{url}/readyz")

    assert answer.status_code == 503
    assert answer.json()["slack"] is False


async def test_it_says_that_it_runs_once_slack_is_answered(
    slack: SlackServer, tmp_path: Path
) -> None:
    """Who types a command the moment the sandbox names its address is answered."""
    settings = Settings.from_environment(
        {
            "SLACK_BOT_TOKEN": BOT,
            "SLACK_APP_TOKEN": APP,
            "SLACK_API_URL": slack.api_url,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'registrar.sqlite3'}",
            "ENCRYPTION_KEYS": Keyring.generate_text(),
            "PORT": "0",
        }
    )
    stop, connections = asyncio.Event(), list[int]()

    def running() -> None:
        connections.append(slack.parts.link.connections)
        stop.set()

    async with bootstrap(settings) as bot, asyncio.timeout(30):
        await bot.run(stop, running=running)

    assert connections == [1]


async def test_it_says_why_it_does_not_start(slack: SlackServer, tmp_path: Path) -> None:
    """Without a key it refuses, and prints the command that makes one."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run"),
        stderr=asyncio.subprocess.PIPE,
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path.cwd()),
            "SLACK_BOT_TOKEN": BOT,
            "SLACK_APP_TOKEN": APP,
            "SLACK_API_URL": slack.api_url,
        },
    )
    _, said = await process.communicate()

    assert process.returncode == 2
    assert "registrar keys new" in said.decode()
    assert "Traceback" not in said.decode()


async def test_a_cluster_fetches_its_pull_secret(slack: SlackServer, tmp_path: Path) -> None:
    """From the running bot, over the same port; neither token nor login is in its log."""
    keys, password = Keyring.generate_text(), "s3cret-of-the-cluster"
    settings = {"SLACK_SIGNING_SECRET": SIGNING, "ENCRYPTION_KEYS": keys, "LOG_LEVEL": "DEBUG"}
    async with _running(slack, tmp_path, **settings) as (process, url):
        url_of_store = f"sqlite:///{tmp_path / 'registrar.sqlite3'}"
        deps = deps_on(url_of_store, ring=Keyring.parse(Secret(keys)))
        await add(deps, answers=generic(password=password))
        issued = await cluster(deps)
        await deps.store.close()
        path = f"/api/v1/clusters/{issued.cluster.id}/pull-secret?namespace=web"
        async with httpx.AsyncClient(base_url=url) as http:
            headers = {"Authorization": f"Bearer {issued.token.reveal()}"}
            given = await http.get(path, headers=headers)
            stranger = await http.get(path)
        logged = await _stopped(process)

    assert given.status_code == 200
    auth = base64.b64encode(f"ci:{password}".encode()).decode()
    assert auth in given.json()["dockerconfigjson"]
    assert stranger.status_code == 401
    assert not [one for one in (password, auth, issued.token.reveal()) if one in logged]
