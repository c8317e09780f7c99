"""The sockets of the practice registries: one with TLS, one without, both on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from urllib.parse import parse_qs

from aiohttp import web

from bot.sandbox.practice.ask import Answer, Ask
from bot.sandbox.practice.certificates import Certificates
from bot.sandbox.practice.states import State

Site = Callable[[Ask], Answer]
"""Answers a request; called for every host of a listener."""

StateOf = Callable[[str], State | None]


class Listener:
    """Serves `site` on a free port of 127.0.0.1; with certificates it speaks TLS."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=0.1)
        self._busy: set[asyncio.BaseTransport | None] = set()
        self.port = 0

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        await self._runner.cleanup()

    def hang_up(self) -> None:
        """Close kept connections, so that a new certificate is seen at once."""
        for connection in self._server.connections:
            if connection.transport in self._busy:
                connection.close()  # once it has answered
            else:
                connection.force_close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        self._busy.add(transport)
        try:
            return await self._respond(request)
        finally:
            self._busy.discard(transport)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        ask = await read_ask(request)
        answer = self._site(ask)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        response = web.StreamResponse(status=answer.status)
        response.headers["Server"] = "practice"
        response.headers.extend(answer.headers)
        response.content_length = len(answer.body)
        await response.prepare(request)
        # A client may have had enough, of a dripping registry for one.
        with contextlib.suppress(ConnectionError):
            if request.method != "HEAD":
                await self._send(response, answer)
            await response.write_eof()
        return response

    async def _send(self, response: web.StreamResponse, answer: Answer) -> None:
        if not answer.drip:
            await response.write(answer.body)
            return
        for byte in answer.body:
            await response.write(bytes([byte]))
            await asyncio.sleep(answer.drip)


async def read_ask(request: web.BaseRequest) -> Ask:
    """The request without anything of the library that received it."""
    path, _, query = request.raw_path.partition("?")
    return Ask(
        request.method,
        request.host.partition(":")[0].lower(),
        path,
        parse_qs(query, keep_blank_values=True),
        {name.lower(): value for name, value in request.headers.items()},
        await request.read(),
        request.secure,
    )


def tls_context(certificates: Certificates, state_of: StateOf) -> ssl.SSLContext:
    """A server context that picks the certificate by the name a client asks for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)

    def pick(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        host = name or "localhost"
        connection.context = certificates.context(host, state_of(host) or State.HEALTHY)

    # A client that sends no name at all gets the certificate of localhost from the start.
    certificates.equip(context, "localhost")
    context.sni_callback = pick
    return context
