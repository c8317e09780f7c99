"""A tiny HTTP server on loopback that answers exactly the bytes a test wants."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bot.kinds.net import Address, AllowList, Egress

Handler = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived; header names in lower case. `number` counts from 0 per server."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    number: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(slots=True)
class Wire:
    """A running server; `asked` holds every request it got."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def allow(self) -> AllowList:
        return AllowList.parse(self.url)


def answer(
    status: int,
    body: bytes | str = b"",
    headers: Sequence[tuple[str, str]] = (),
    *,
    length: bool = True,
) -> bytes:
    """The bytes of an HTTP answer."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers)]
    if length:
        lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join([*lines, "", ""]).encode() + data


def reply(asked: Asked, data: bytes) -> bytes:
    """The answer as it may be sent to `asked`: a HEAD gets no body."""
    return data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if asked.method == "HEAD" else data


def always(*answers: bytes) -> Handler:
    """Give the answers in turn, the last one for ever."""

    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[min(asked.number, len(answers) - 1)])

    return handle


@contextlib.asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[Wire]:
    """Serve on a free loopback port until the end of the block."""
    wire = Wire()
    tasks: set[asyncio.Task[None]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await converse(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                asked = await _read(reader, len(wire.asked))
                wire.asked.append(asked)
                await handler(asked, writer)
                await writer.drain()
            await writer.wait_closed()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, number: int) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body, number)


class Names:
    """A resolver whose answers are a script, one per look-up, the last one for ever."""

    def __init__(self, *answers: Sequence[Address]) -> None:
        self._answers = answers
        self.asked = 0

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        found = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return found


@contextlib.asynccontextmanager
async def egress_for(wire: Wire) -> AsyncIterator[Egress]:
    """An egress that may reach `wire`."""
    egress = Egress(allow=wire.allow)
    try:
        yield egress
    finally:
        await egress.close()
