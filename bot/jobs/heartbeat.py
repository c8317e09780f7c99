"""A sign of life for an outside monitor, which raises the alarm when it stays away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import structlog

log = structlog.get_logger(__name__)

EVERY: Final = 60.0  # seconds
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)

InOrder = Callable[[], Awaitable[bool]]


class Heartbeat:
    """Calls the operator's URL while everything is in order; says nothing when it is not.

    The URL is the operator's, so the rules for registries' addresses do not hold for it, and a
    secret, so it is in no log.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, in_order: InOrder) -> None:
        self._session = session
        self._url = url
        self._in_order = in_order

    async def beat(self) -> bool:
        """One sign of life; True when it was heard."""
        if not await self._in_order():
            log.warning("no heartbeat: something is stuck")
            return False
        try:
            async with self._session.get(
                self._url, timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                if answer.status < 400:
                    return True
                log.warning("heartbeat refused", status=answer.status)
        except (aiohttp.ClientError, OSError) as error:
            log.warning("heartbeat not heard", error=type(error).__name__)
        return False
