"""The application: health, metrics, Slack's requests (HTTP mode), and what others add."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.core.clock import Clock
from bot.errors import StoreError
from bot.web.slack_events import SeenSignatures, slack_events

BODY_LIMIT: Final = 1024 * 1024
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Ready = Callable[[], Awaitable[dict[str, bool]]]
Metrics = Callable[[], Awaitable[bytes]]


def web_application(
    *,
    app: AsyncApp | None,
    ready: Ready,
    clock: Clock,
    metrics: Metrics | None = None,
    routes: Iterable[web.AbstractRouteDef] = (),
) -> web.Application:
    """The application; with `app` it also serves Slack's signed requests on `/slack/events`.

    `ready` answers which parts are in order; `/readyz` is 503 while one is not. `metrics` makes the
    page of `/metrics` in Prometheus' text format. `routes` are those of the other files here.
    """
    application = web.Application(client_max_size=BODY_LIMIT)
    application.router.add_get("/healthz", _alive)
    application.router.add_get("/readyz", _readiness(ready))
    if metrics is not None:
        application.router.add_get("/metrics", _metrics(metrics))
    application.router.add_routes(routes)
    if app is not None:
        application.router.add_post("/slack/events", slack_events(app, SeenSignatures(clock)))
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
