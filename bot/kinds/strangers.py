"""Comparing with nobody: a sign-in counts only where somebody made up is refused."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from typing import Final

from bot.core.secret import Secret
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution, Login

# Once a day a host sees a made-up user name; one that accepts anybody is asked again sooner,
# because it does not count failures and may have been fixed.
_REFUSES_KEPT: Final = timedelta(days=1)
_ACCEPTS_KEPT: Final = timedelta(minutes=5)


def stranger() -> Login:
    """Nobody: never the real user with a wrong password, which could lock them out."""
    return Login(f"registrar-{secrets.token_hex(6)}", Secret(secrets.token_urlsafe(24)))


def token_for_stranger(
    registry: Distribution, challenge: Challenge
) -> Callable[[], Awaitable[bool]]:
    """The question whether the token service gives a token to somebody made up."""

    async def question() -> bool:
        answer = await registry.token(challenge, stranger())
        if answer.token is None and not answer.refused and answer.status not in {400, 404, 405}:
            raise registry.unclear(answer)
        return answer.token is not None

    return question


async def remembered(
    registry: Distribution,
    challenge: Challenge | None,
    what: Hashable,
    question: Callable[[], Awaitable[bool]],
) -> bool:
    """The answer to `question` about strangers, as long as the host asks to sign in as it did."""
    asks = (challenge.scheme, challenge.realm, challenge.service) if challenge else ()
    return await registry.visit.memory.ask((what, registry.base, asks), question, _keep)


def _keep(accepts: bool) -> timedelta:
    return _ACCEPTS_KEPT if accepts else _REFUSES_KEPT
