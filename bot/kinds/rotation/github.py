"""Ending a classic token of github.com by the endpoint for tokens that anybody has found.

Source: docs.github.com, REST, revocation. It must be asked without a sign-in, takes 60 requests an
hour, ends the token a little later, and tells its owner. There is no way back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.core.secret import Secret
from bot.errors import NotDone
from bot.kinds.github import HEADERS
from bot.kinds.rotation.base import Errand
from bot.kinds.rotation.manners import REFUSALS, call, unexpected

TAKES: Final = timedelta(minutes=10)
_REVOKE: Final = "https://api.github.com/credentials/revoke"
_CLASSIC: Final = "ghp_"


def is_revocable(kind: str, token: Secret) -> bool:
    return kind == "ghcr" and token.reveal().startswith(_CLASSIC)


async def revoke(errand: Errand, token: Secret) -> None:
    """Have GitHub end a token; asking again does no harm. Raises NotDone or Unclear."""
    answer = await call(errand, "POST", _REVOKE, HEADERS, {"credentials": [token.reveal()]})
    if answer.status_code == 403:
        raise NotDone("GitHub takes no more such requests for now; try again in an hour.")
    if answer.status_code in REFUSALS:
        raise NotDone("GitHub did not take this for a token of its own.")
    if answer.status_code != 202:
        raise unexpected(answer)
