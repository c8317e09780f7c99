"""Keeps other web sites out: the sandbox holds practice credentials and acts for people.

A page on the internet can make a browser send requests to 127.0.0.1 (CSRF), or point its own name
at it (DNS rebinding). The first is stopped by Origin and Sec-Fetch-Site, the second by Host.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

LOCAL: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def _local(host: str) -> bool:
    name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    return (name or host) in LOCAL and (not port or port.isdigit())


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuses foreign hosts and origins with 403, and sets the headers of every answer."""
    origin = request.headers.get("Origin")
    same = origin is None or _same(origin, request.host)
    if not _local(request.host) or not same:
        return web.Response(status=403, text="Only this machine's own page may use the sandbox.")
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        return web.Response(status=403, text="Only this machine's own page may use the sandbox.")
    response = await handler(request)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def _same(origin: str, host: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme == "http" and parts.netloc == host
