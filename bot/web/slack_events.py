"""Slack's signed requests over HTTP, each answered once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.core.clock import Clock

log = structlog.get_logger(__name__)

REPLAY_WINDOW: Final = 5 * 60.0  # seconds that a Slack signature stays valid


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


def slack_events(
    app: AsyncApp, seen: SeenSignatures
) -> Callable[[web.Request], Awaitable[web.Response]]:
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
