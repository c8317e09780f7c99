"""When a credential was made and when it ends, asked of its provider once a day beside a check.

A check leaves a question behind once it knows who signed in. The answer never changes its verdict:
most credentials that may pull may not read about themselves, and that is no fault of theirs.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from bot.core.check import Expiry
from bot.core.clock import Clock
from bot.core.config import Config
from bot.errors import EgressError
from bot.kinds.aws import AwsError, AwsUnreachable
from bot.kinds.finding import Stop

KEPT: Final = timedelta(days=1)
KEPT_FAULT: Final = timedelta(hours=1)
SECONDS: Final = 4.0
_MOST: Final = 50_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider told; None where it did not."""

    expiry: Expiry | None = None
    issued_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """How to ask, and how many requests that takes at most.

    `ask` may raise whatever a request raises; then it is asked again in an hour.
    """

    ask: Callable[[], Awaitable[Answer]]
    requests: int


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answer
    until: datetime


class Ages:
    """The answers by credential, each for a day, so that a check seldom costs more than itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._pepper = secrets.token_bytes(32)

    async def of(self, config: Config, question: Question, left: int) -> Answer:
        """The answer; nothing when this check has fewer than enough requests `left` for it."""
        key = self._key(config)
        known = self._kept.get(key)
        if known is not None and known.until > self._clock.now():
            return known.answer
        if left < question.requests:
            return Answer()
        return await self._ask(key, question)

    async def _ask(self, key: bytes, question: Question) -> Answer:
        answer, keep = Answer(), KEPT
        try:
            async with asyncio.timeout(SECONDS):
                answer = await question.ask()
        except (Stop, EgressError, AwsError, AwsUnreachable, TimeoutError):
            keep = KEPT_FAULT
        self._kept[key] = _Kept(answer, self._clock.now() + keep)
        self._kept.move_to_end(key)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return answer

    def _key(self, config: Config) -> bytes:
        """Tells credentials apart without keeping them."""
        mac = blake2b(key=self._pepper, digest_size=16)
        values = sorted(config.values.items())
        hidden = sorted((name, secret.reveal()) for name, secret in config.secrets.items())
        for part in (
            config.kind,
            config.host,
            *(text for pair in values + hidden for text in pair),
        ):
            mac.update(len(part).to_bytes(4) + part.encode())
        return mac.digest()


def moment(text: object) -> datetime | None:
    """A date (midnight UTC) or a time of an API's JSON, in UTC; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unix_moment(seconds: object) -> datetime | None:
    """A Unix time of an API's JSON, in UTC; None for anything else."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
