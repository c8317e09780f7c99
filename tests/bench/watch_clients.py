"""Ways to check a credential with three requests over TLS: ours, and what one would write instead.

Each check asks for `/v2/` without a credential, for a token with it, and for `/v2/` with the token,
and is sure of all three answers. All of them verify the certificate for the host's name.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import httpcore
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.core.check import Verdict
from bot.core.clock import SystemClock
from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.aws import AwsGateway
from bot.kinds.checker import Checker
from bot.kinds.net import Address, AllowList, Egress
from tests.programs import program

Check = Callable[[str, str], Awaitable[None]]
"""Checks a user of a host; raises when the answers are not those of a good credential."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where all hosts are: one port on loopback, and the authority of its certificate."""

    port: int
    ca_file: Path


def password(user: str) -> str:
    return f"password-of-{user}"


class _Everywhere(AbstractResolver):
    """Leads every name to one port, for us and for aiohttp."""

    def __init__(self, place: Place) -> None:
        self._port = place.port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self._port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


class Trusted:
    """The same for our egress."""

    def __init__(self, place: Place) -> None:
        self._found = [Address("127.0.0.1", place.port, trusted=True)]

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        return self._found


@asynccontextmanager
async def registrar(place: Place, hosts: Sequence[str]) -> AsyncIterator[Check]:
    """The checker of the bot as it is; every host has seen its made-up user of the day."""
    egress = Egress(allow=AllowList(), ca_file=place.ca_file, resolver=Trusted(place))
    aws = AwsGateway()
    checker = Checker(egress=egress, aws=aws, clock=SystemClock())

    async def check(host: str, user: str) -> None:
        secrets = {"password": Secret(password(user))}
        config = Config("generic", "account", f"https://{host}", {"username": user}, secrets)
        result = await checker.check(config)
        assert result.verdict is Verdict.PROVEN, result.sentence

    for host in hosts:
        await check(host, "somebody")
    yield check
    await egress.close()
    aws.close()


@asynccontextmanager
async def aiohttp_shared(place: Place, _hosts: Sequence[str]) -> AsyncIterator[Check]:
    """One session for all."""
    async with _session(place, _trust(place)) as session:

        async def check(host: str, user: str) -> None:
            await _by_aiohttp(session, host, user)

        yield check


@asynccontextmanager
async def aiohttp_new(place: Place, _hosts: Sequence[str]) -> AsyncIterator[Check]:
    """A session per check, one TLS context."""
    context = _trust(place)

    async def check(host: str, user: str) -> None:
        async with _session(place, context) as session:
            await _by_aiohttp(session, host, user)

    yield check


@asynccontextmanager
async def httpx_per_host(place: Place, hosts: Sequence[str]) -> AsyncIterator[Check]:
    """A client per host, one TLS context; a single client for all is many times slower still."""
    context = _trust(place)
    async with contextlib.AsyncExitStack() as stack:
        by_host = {host: await stack.enter_async_context(_client(place, context)) for host in hosts}

        async def check(host: str, user: str) -> None:
            await _by_httpx(by_host[host], host, user)

        yield check


@asynccontextmanager
async def httpx_new(place: Place, _hosts: Sequence[str]) -> AsyncIterator[Check]:
    """A client per check, one TLS context."""
    context = _trust(place)

    async def check(host: str, user: str) -> None:
        async with _client(place, context) as client:
            await _by_httpx(client, host, user)

    yield check


def skopeo_logins(place: Place, folder: Path, users: Sequence[str]) -> None:
    """`skopeo login` for each user, one process each."""
    skopeo = program("skopeo")
    certificates = folder / "certificates"
    certificates.mkdir(exist_ok=True)
    (certificates / "ca.crt").write_bytes(place.ca_file.read_bytes())
    for user in users:
        subprocess.run(
            [
                *(skopeo, "login", "--cert-dir", str(certificates)),
                *("--authfile", str(folder / f"{user}.json"), "--username", user),
                *("--password-stdin", f"127.0.0.1:{place.port}"),
            ],
            input=password(user).encode(),
            stdout=subprocess.DEVNULL,
            check=True,
        )


def _trust(place: Place) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(place.ca_file))


def _basic(user: str) -> dict[str, str]:
    pair = f"{user}:{password(user)}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def _session(place: Place, context: ssl.SSLContext) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=context, resolver=_Everywhere(place), limit=512)
    return aiohttp.ClientSession(connector=connector)


async def _by_aiohttp(session: aiohttp.ClientSession, host: str, user: str) -> None:
    base = f"https://{host}"
    async with session.get(f"{base}/v2/") as ping:
        await ping.read()
        assert ping.status == 401
        assert ping.headers["www-authenticate"].startswith("Bearer")
    url = f"{base}/token?service=bench&account={user}"
    async with session.get(url, headers=_basic(user)) as answer:
        assert answer.status == 200
        token = (await answer.json())["token"]
    async with session.get(f"{base}/v2/", headers={"Authorization": f"Bearer {token}"}) as used:
        await used.read()
        assert used.status == 200


class _Loopback(httpcore.AnyIOBackend):
    """httpx's network, with every name led to one port."""

    def __init__(self, place: Place) -> None:
        self._port = place.port

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return await super().connect_tcp(
            "127.0.0.1", self._port, timeout, local_address, socket_options
        )


def _client(place: Place, context: ssl.SSLContext) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
    transport._pool = httpcore.AsyncConnectionPool(
        ssl_context=context,
        max_connections=512,
        max_keepalive_connections=512,
        network_backend=_Loopback(place),
    )
    return httpx.AsyncClient(transport=transport, trust_env=False)


async def _by_httpx(client: httpx.AsyncClient, host: str, user: str) -> None:
    base = f"https://{host}"
    ping = await client.get(f"{base}/v2/")
    assert ping.status_code == 401
    assert ping.headers["www-authenticate"].startswith("Bearer")
    answer = await client.get(f"{base}/token?service=bench&account={user}", headers=_basic(user))
    assert answer.status_code == 200
    token = answer.json()["token"]
    used = await client.get(f"{base}/v2/", headers={"Authorization": f"Bearer {token}"})
    assert used.status_code == 200


async def run_all(check: Check, work: Sequence[tuple[str, str]], at_once: int) -> None:
    """Every (host, user) once, `at_once` at a time."""
    left = iter(work)

    async def worker() -> None:
        for host, user in left:
            await check(host, user)

    await asyncio.gather(*(worker() for _ in range(at_once)))
