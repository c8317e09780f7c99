"""One aiohttp application: Slack's requests (HTTP mode), health and metrics."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.core.clock import Clock
from bot.errors import StoreError

log = structlog.get_logger(__name__)

BODY_LIMIT: Final = 1024 * 1024
REPLAY_WINDOW: Final = 5 * 60.0  # seconds that a Slack signature stays valid
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Ready = Callable[[], Awaitable[dict[str, bool]]]
Metrics = Callable[[], Awaitable[bytes]]


class SeenSignatures:
    """Signatures of the last minutes: Slack's check of the timestamp lets a copy pass till then.

    In memory: a copy sent to another replica passes; listeners are safe to repeat.
    """

    def __init__(self, clock: Clock, most: int = 100_000) -> None:
        self._clock = clock
        self._most = most
        self._seen: OrderedDict[str, float] = OrderedDict()

    def first_time(self, signature: str) -> bool:
        now = self._clock.now().timestamp()
        while self._seen:
            oldest, at = next(iter(self._seen.items()))
            if now - at <= 2 * REPLAY_WINDOW and len(self._seen) < self._most:
                break
            del self._seen[oldest]
        if signature in self._seen:
            return False
        self._seen[signature] = now
        return True

    def forget(self, signature: str) -> None:
        """Not Slack's after all: strangers fill no memory, and push nothing out of it."""
        self._seen.pop(signature, None)


def web_application(
    *, app: AsyncApp | None, ready: Ready, clock: Clock, metrics: Metrics | None = None
) -> web.Application:
    """The application; with `app` it also serves Slack's signed requests on `/slack/events`.

    `ready` answers which parts are in order; `/readyz` is 503 while one is not. `metrics` makes the
    page of `/metrics` in Prometheus' text format.
    """
    application = web.Application(client_max_size=BODY_LIMIT)
    application.router.add_get("/healthz", _alive)
    application.router.add_get("/readyz", _readiness(ready))
    if metrics is not None:
        application.router.add_get("/metrics", _metrics(metrics))
    if app is not None:
        application.router.add_post("/slack/events", _slack(app, SeenSignatures(clock)))
    return application


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"ok": True})


def _readiness(ready: Ready) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        parts = await ready()
        fine = all(parts.values())
        return web.json_response({"ok": fine, **parts}, status=200 if fine else 503)

    return handler


def _metrics(page: Metrics) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        try:
            body = await page()
        except StoreError as error:
            return web.Response(status=503, text=str(error))
        return web.Response(body=body, headers={"Content-Type": METRICS_TYPE})

    return handler


def _slack(app: AsyncApp, seen: SeenSignatures) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        signature = request.headers.get("X-Slack-Signature", "")
        if signature and not seen.first_time(signature):
            log.warning("replayed request refused")
            return web.json_response({"error": "this request was already answered"}, status=401)
        response = await app.async_dispatch(await to_bolt_request(request))
        if response.status == 401:
            seen.forget(signature)
        return await to_aiohttp_response(response)

    return handler
