"""A registry with a token service that answers as fast as Python can, over TLS, in its own process.

    python -m tests.bench.token_registry CERTIFICATE_AND_KEY.pem

prints two ports: at the first one connections are kept, at the second one the connection ends with
the third request of a check, as if the next check were an hour away. Everybody whose password is
`password-of-USER` may sign in. It takes any host name, so one process plays all hosts.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import ssl
import sys
from pathlib import Path
from typing import cast

from bot.event_loop import run

_TOKEN = b"token-that-opens-the-registry"
_VERSION = b"Docker-Distribution-Api-Version: registry/2.0\r\n"
_ERROR = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
_CLOSE = b"Connection: close\r\n"


class Connection(asyncio.Protocol):
    """Reads requests without a body, one after the other."""

    def __init__(self, *, once: bool) -> None:
        self._once = once
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its type

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while b"\r\n\r\n" in self._rest:
            head, _, self._rest = self._rest.partition(b"\r\n\r\n")
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        first, *lines = head.split(b"\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in lines)
        }
        path = first.split(b" ")[1].partition(b"?")[0]
        if path == b"/token":
            self._send(*_token(headers.get(b"authorization", b"")))
        elif path != b"/v2/":
            self._send(b"404 Not Found", b"{}")
        elif headers.get(b"authorization") == b"Bearer " + _TOKEN:
            self._send(b"200 OK", b"{}", _VERSION, close=self._once)
        else:
            realm = b"https://" + headers[b"host"] + b"/token"
            challenge = b'Www-Authenticate: Bearer realm="%s",service="bench"\r\n' % realm
            self._send(b"401 Unauthorized", _ERROR, challenge + _VERSION)

    def _send(self, status: bytes, body: bytes, more: bytes = b"", *, close: bool = False) -> None:
        self._transport.write(
            b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s%s\r\n%s"
            % (status, len(body), more, _CLOSE if close else b"", body)
        )
        if close:
            self._transport.close()


def _token(authorization: bytes) -> tuple[bytes, bytes]:
    if authorization.startswith(b"Basic "):
        user, _, password = base64.b64decode(authorization[6:]).partition(b":")
        if password == b"password-of-" + user:
            return b"200 OK", b'{"token":"%s","expires_in":300}' % _TOKEN
    return b"401 Unauthorized", _ERROR


async def serve(certificate: Path) -> None:
    """Print the ports, and serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    ports = []
    for once in (False, True):
        connection = functools.partial(Connection, once=once)
        server = await loop.create_server(connection, "127.0.0.1", 0, ssl=context, backlog=1024)
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(serve(Path(sys.argv[1])))
