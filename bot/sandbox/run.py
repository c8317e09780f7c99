"""Everything around the bot in the sandbox: a local Slack, practice registries, a database."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.core.clock import Clock, MovableClock
from bot.errors import SettingsError
from bot.kinds.net import AllowList, Resolver, SystemResolver
from bot.sandbox.cluster.practice_cluster import PracticeCluster
from bot.sandbox.due import look
from bot.sandbox.practice import Practice
from bot.sandbox.skip import Beat, TimeMachine
from bot.sandbox.slackd.server import SlackServer
from bot.sandbox.variables import PracticeVariables, allowed
from bot.store.cipher import Keyring
from bot.usecases.deps import Deps

PAGE = Path(__file__).parent / "page"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What the bot is started with; `environment` takes the place of the process's own."""

    url: str
    environment: Mapping[str, str]
    clock: MovableClock
    time_machine: TimeMachine
    slack: SlackServer
    practice: Practice | None
    cluster: PracticeCluster
    ca_file: Path | None

    def attach(self, beat: Beat, deps: Deps, stop: asyncio.Event) -> None:
        """Let a skip of time walk through what the bot does, `beat` being one round of it; and let
        the practice cluster be added as one of its own.
        """
        shown = self.slack.world.changes.bump
        self.time_machine.connect(beat, partial(look, deps.store), shown, stop)
        self.cluster.attach(deps, str(self.slack.world.team["id"]), shown)

    @property
    def resolver(self) -> Resolver | None:
        return self.practice.resolver if self.practice else None

    @property
    def variables(self) -> Mapping[str, str]:
        """What references find; never what is in the shell."""
        return PracticeVariables(self.practice) if self.practice else {}

    @property
    def aws_endpoint(self) -> Callable[[str, str], str | None]:
        return self.practice.aws_endpoint if self.practice else lambda _service, _region: None


@asynccontextmanager
async def open_sandbox(
    *, port: int, live: bool, environment: Mapping[str, str]
) -> AsyncIterator[Sandbox]:
    """A local Slack on loopback and, unless `live`, the practice registries; gone at the end.

    Of `environment` only the egress settings are passed on to the bot: a real token or database in
    the shell must not reach a sandbox.
    """
    clock = MovableClock()
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="registrar-")))
        database = folder / "sandbox.sqlite3"
        practice = None
        if not live:
            practice = await _practice(environment.get("EGRESS_ALLOW", ""), clock)
            stack.push_async_callback(practice.close)
        bot_token, app_token = (f"{kind}-{secrets.token_hex(16)}" for kind in ("xoxb", "xapp"))
        time_machine = TimeMachine(clock)
        web_port = _free_port()
        web_url = f"http://127.0.0.1:{web_port}"
        cluster = PracticeCluster(web_url, clock)
        stack.push_async_callback(cluster.close)
        slack = SlackServer(
            bot_token=bot_token,
            app_token=app_token,
            clock=clock,
            page_dir=PAGE,
            practice=practice,
            cluster=cluster,
            on_skip=time_machine.skip,
            live=live,
            names=lambda: _names(database),
        )
        try:
            bound = await slack.start("127.0.0.1", port)
        except OSError:
            raise SettingsError(
                f"Port {port} is taken; set PORT to another one, or 0 for any free port."
            ) from None
        stack.push_async_callback(slack.close)
        passed_on = {
            name: environment[name]
            for name in ("EGRESS_ALLOW", "EGRESS_CA_FILE")
            if environment.get(name)
        }
        yield Sandbox(
            url=f"http://127.0.0.1:{bound}",
            environment={
                "DATABASE_URL": f"sqlite:///{database}",
                **passed_on,
                "SLACK_BOT_TOKEN": bot_token,
                "SLACK_APP_TOKEN": app_token,
                "SLACK_API_URL": slack.api_url,
                "ENCRYPTION_KEYS": Keyring.generate_text(),
                "PORT": str(web_port),
                "PUBLIC_URL": web_url,
                **_aws_identity(practice),
                **(allowed(practice) if practice else {}),
            },
            clock=clock,
            time_machine=time_machine,
            slack=slack,
            practice=practice,
            cluster=cluster,
            ca_file=_authorities(folder, practice, environment.get("EGRESS_CA_FILE", "")),
        )


def _free_port() -> int:
    """A port for the bot's own web server: its pages are linked to, so it is known beforehand.

    Below the range that systems give out by themselves, so that it is still free a moment later.
    """
    for _ in range(100):
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise SettingsError("No port is free for the sandbox.")


def _names(database: Path) -> dict[str, list[str]]:
    """What can be named, for completion, by its placeholder; the page is not told by the bot."""
    return {
        "NAME": _read(database, "SELECT name FROM registry WHERE state = 'live' ORDER BY name"),
        "CLUSTER": _read(
            database, "SELECT name FROM cluster WHERE deleted_at IS NULL ORDER BY name"
        ),
    }


def _read(database: Path, query: str) -> list[str]:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reading:
            return [name for (name,) in reading.execute(query).fetchmany(1000)]
    except sqlite3.Error:  # the bot has not made its tables yet
        return []


def _authorities(folder: Path, practice: Practice | None, operators: str) -> Path | None:
    """The practice authority and the operator's own ones in one bundle."""
    if practice is None:
        return None
    bundle = folder / "authorities.pem"
    bundle.write_bytes(
        practice.ca_file.read_bytes() + (Path(operators).read_bytes() if operators else b"")
    )
    return bundle


def _aws_identity(practice: Practice | None) -> dict[str, str]:
    """What the sandbox's own AWS identity is called in the settings."""
    if practice is None:
        return {}
    identity = practice.aws_identity
    return {
        "AWS_IDENTITY_ACCESS_KEY_ID": identity.access_key_id,
        "AWS_IDENTITY_SECRET_ACCESS_KEY": identity.secret_access_key.reveal(),
    }


async def _practice(allowed: str, clock: Clock) -> Practice:
    """Practice names are answered by this machine; what the operator allowed is looked up."""
    allow = AllowList.parse(allowed)
    fallback = SystemResolver() if allowed else None
    return await Practice.start(clock=clock, fallback=fallback, allow=allow)
