"""Egress: the one way out. Hosts, realms and redirects come from others, so they are hostile.

Names are resolved here, every address is judged, and the connection goes to exactly the judged
addresses, so a second DNS answer changes nothing. TLS is verified for the name. Redirects are
never followed, cookies never kept, the environment's proxies ignored, bodies and times bounded.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

import aiohttp
import httpx
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.core.check import Cause
from bot.errors import EgressError
from bot.kinds import tls
from bot.kinds.addresses import parse_address
from bot.kinds.allow import AllowList

__all__ = ["Address", "AllowList", "Egress", "Resolver", "SystemResolver"]

SMALL: Final = 64 * 1024
LARGE: Final = 4 * 1024 * 1024
USER_AGENT: Final = "registrar/0.1 (container registry credential check)"

_CONNECT_SECONDS: Final = 5.0
_TOTAL_SECONDS: Final = 30.0  # a safety net; a check has its own, shorter, limit
_KEEP_ALIVE_SECONDS: Final = 15.0
_CONNECTIONS: Final = 512
_CONNECTIONS_PER_HOST: Final = 64
_LOOKUPS: Final = 32
_VETTED: Final = 10_000
_SENDABLE: Final = re.compile(r"[\t\x20-\x7e]*").fullmatch
_ALWAYS: Final = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
_NOTHING: Final = httpx.ByteStream(b"")
_OURS: Final = frozenset(
    {b"host", b"content-length", b"accept-encoding", b"user-agent", b"connection"}
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a name leads.

    `trusted` addresses are not judged: only a resolver that this process wired to its own practice
    registries may say so.
    """

    ip: str
    port: int
    trusted: bool = False


class Resolver(Protocol):
    """Looks a name up. An unknown name is an OSError or an empty answer."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]: ...


class SystemResolver:
    """The machine's resolver, in threads of its own.

    asyncio would use the default executor, where a few names without answer hold up all others.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="resolve")

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _lookup, host, port)
        return [Address(ip, port) for ip in dict.fromkeys(found)]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lookup(host: str, port: int) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Egress(httpx.AsyncBaseTransport):
    """Sends requests out, by httpx's types over aiohttp's connections.

    Use `send` (one bounded answer) or give the object to an `httpx.AsyncClient` as its transport.
    Raises EgressError for everything that is not an HTTP answer. Belongs to one event loop.
    """

    def __init__(
        self,
        *,
        allow: AllowList,
        ca_file: Path | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self.allow = allow
        self._tls = tls.trust(ca_file)
        self._own_resolver = SystemResolver() if resolver is None else None
        self._pinning = _PinningResolver(resolver or self._own_resolver or SystemResolver(), allow)
        self._session: aiohttp.ClientSession | None = None
        self._vetted: set[tuple[str, bytes]] = set()

    async def send(
        self,
        method: str,
        url: str | httpx.URL,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        limit: int = SMALL,
        *,
        query: str = "",
        once: bool = False,
    ) -> httpx.Response:
        """One request, one whole answer of at most `limit` bytes.

        `query` is put behind a URL that has none, encoded as it is sent; a query that differs each
        time costs little that way, since the URL before it is parsed once.

        A longer body is not read on: the answer has none, and its extension `truncated` is true.
        `once` is for what must not happen twice: if the connection ends without an answer, the
        request is not sent again.
        """
        target = httpx.URL(url) if isinstance(url, str) else url
        asked = _Asked(method, target, headers or {}, content, limit, query, once)
        return await self._ask(asked)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {
            name.decode("ascii"): value.decode("ascii")
            for name, value in request.headers.raw
            if name.lower() not in _OURS
        }
        limit = request.extensions.get("limit", LARGE)
        return await self._ask(
            _Asked(request.method, request.url, headers, request.content or None, limit)
        )

    async def _ask(self, asked: _Asked) -> httpx.Response:
        if not all(map(_SENDABLE, asked.headers.values())):
            # Said here, because a library's error would hold the header.
            raise EgressError(
                Cause.MALFORMED, "The credential holds characters that cannot be sent."
            )
        url = asked.url
        target = _target(str(url))
        if asked.query:
            target = yarl.URL(f"{target}?{asked.query}", encoded=True)
        # Two libraries read the URL; were they to see two hosts, the wrong one would be judged.
        if (target.raw_host or "").encode() != url.raw_host:
            raise EgressError(Cause.BLOCKED_HOST, "This address is not allowed.")
        self._vet(url)
        try:
            return await self._exchange(asked, target)
        except _Stale as error:
            if asked.once:
                raise _hung_up(url.host) from error
        # The server closed a kept connection while we wrote on it; a fresh one tells the truth.
        try:
            return await self._exchange(asked, target)
        except _Stale as error:
            raise _hung_up(url.host) from error

    async def aclose(self) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections and the threads of the resolver."""
        if self._session is not None:
            await self._session.close()
        if self._own_resolver is not None:
            self._own_resolver.close()

    def _vet(self, url: httpx.URL) -> None:
        origin = (url.scheme, url.netloc)
        if origin in self._vetted and not url.userinfo:
            return
        # Not `url.host`, which turns the `xn--` of the wire and of the lists into other letters.
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        if url.userinfo or not host:
            raise EgressError(Cause.BLOCKED_HOST, "This address is not allowed.")
        if url.scheme != "https" and not (
            url.scheme == "http" and self.allow.permits_plain(host, port)
        ):
            raise EgressError(
                Cause.BLOCKED_HOST, f"Plain HTTP is not allowed for {host}; only https is."
            )
        if not self.allow.permits_name(host, port):
            raise EgressError(Cause.BLOCKED_HOST, f"The address of {host} is not allowed.")
        if len(self._vetted) < _VETTED:
            self._vetted.add(origin)

    async def _exchange(self, asked: _Asked, target: yarl.URL) -> httpx.Response:
        host = asked.url.host
        try:
            async with self._connections().request(
                asked.method,
                target,
                headers={**_ALWAYS, **asked.headers},
                data=asked.content,
                allow_redirects=False,
            ) as answer:
                body = await _bounded(answer, asked.limit)
        except aiohttp.ClientConnectorError as error:
            raise _connector_failure(host, error) from error
        except TimeoutError as error:
            raise EgressError(Cause.TIMEOUT, f"{host} did not answer in time.") from error
        except aiohttp.ClientConnectionError as error:
            raise _Stale from error
        except aiohttp.ClientPayloadError as error:
            raise EgressError(Cause.CONNECT_FAILED, f"{host} broke off its answer.") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise EgressError(
                Cause.NOT_A_REGISTRY, f"{host} answered something that is not HTTP."
            ) from error
        return _Answer(asked, answer, body)

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._pinning,
                    use_dns_cache=False,
                    ssl=self._tls,
                    limit=_CONNECTIONS,
                    limit_per_host=_CONNECTIONS_PER_HOST,
                    keepalive_timeout=_KEEP_ALIVE_SECONDS,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=_TOTAL_SECONDS, sock_connect=_CONNECT_SECONDS),
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
            )
        return self._session


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request; `headers` are those of the caller, `limit` is in bytes."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(repr=False)
    limit: int
    query: str = field(default="", repr=False)
    once: bool = False


class _Stale(Exception):
    """The connection ended before an answer began."""


def _hung_up(host: str) -> EgressError:
    return EgressError(Cause.CONNECT_FAILED, f"{host} closed the connection without an answer.")


class _PinningResolver(AbstractResolver):
    """What aiohttp asks before it connects: only judged addresses come back."""

    def __init__(self, resolver: Resolver, allow: AllowList) -> None:
        self._resolver = resolver
        self._allow = allow

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - both are judged
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port)
        if not found:
            raise OSError(socket.EAI_NONAME, "no addresses")
        return [self._judged(host, port, address) for address in found]

    async def close(self) -> None:
        """Nothing is held."""

    def _judged(self, host: str, port: int, address: Address) -> ResolveResult:
        ip = parse_address(address.ip)
        # One bad address condemns the name: which one is used is up to the connection.
        if ip is None or not (address.trusted or self._allow.permits_address(ip, port, host)):
            raise EgressError(Cause.BLOCKED_HOST, f"The address of {host} is not allowed.")
        return ResolveResult(
            hostname=host,
            host=address.ip,
            port=address.port,
            family=socket.AF_INET if ip.version == 4 else socket.AF_INET6,
            proto=0,
            flags=socket.AI_NUMERICHOST,
        )


async def _bounded(answer: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body, or None (and the connection closed) when it is longer than `limit` bytes."""
    if answer.headers.get("Content-Encoding", "identity").lower() not in {"identity", ""}:
        answer.close()  # compressed though we asked for none: it may be a bomb
        raise EgressError(
            Cause.REGISTRY_ERROR,
            f"{answer.url.host} sent a compressed answer although none was asked for.",
        )
    if answer.content_length is not None and answer.content_length > limit:
        if answer.method == "HEAD":
            return b""
        answer.close()
        return None
    if answer.content_length is not None and "Transfer-Encoding" not in answer.headers:
        return await answer.read()  # the connection keeps to this length; chunks could be endless
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > limit:
            answer.close()
            return None
    return bytes(body)


class _Answer(httpx.Response):
    """An answer whose whole body is here; httpx would take it through its decoders once more."""

    def __init__(self, asked: _Asked, answer: aiohttp.ClientResponse, body: bytes | None) -> None:
        self._body = body or b""
        self._method, self._url = asked.method, asked.url
        super().__init__(
            answer.status,
            headers=answer.raw_headers,
            stream=httpx.ByteStream(self._body),
            extensions={"truncated": body is None},
        )
        self.headers.encoding = "iso-8859-1"  # else every header is tried in two others first

    @property
    def content(self) -> bytes:
        return self._body

    @property
    def request(self) -> httpx.Request:
        """What was asked, without its headers: nobody needs the secret any more."""
        return httpx.Request(self._method, self._url, stream=_NOTHING)

    @request.setter
    def request(self, value: httpx.Request) -> None:
        """An `httpx.AsyncClient` sets its own."""
        self._method, self._url = value.method, value.url


@lru_cache(maxsize=4096)
def _target(url: str) -> yarl.URL:
    return yarl.URL(url, encoded=True)


def _connector_failure(host: str, error: aiohttp.ClientConnectorError) -> EgressError:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _lookup_failure(host, error.os_error)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return EgressError(Cause.TLS_FAILURE, f"{host}: {tls.reason(error.certificate_error)}.")
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return EgressError(Cause.TLS_FAILURE, f"{host}: {tls.reason(error.os_error)}.")
    if isinstance(error.os_error, ConnectionRefusedError):
        return EgressError(Cause.CONNECT_FAILED, f"{host} refused the connection.")
    return EgressError(Cause.CONNECT_FAILED, f"{host} could not be reached.")


def _lookup_failure(host: str, error: OSError) -> EgressError:
    if error.errno == socket.EAI_AGAIN:
        return EgressError(Cause.HOST_NOT_FOUND, f"{host} could not be looked up in DNS just now.")
    return EgressError(Cause.HOST_NOT_FOUND, f"{host} does not exist in DNS.")
