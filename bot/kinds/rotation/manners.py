"""How errands are run: one request at a time, and what providers have in common."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import ClassVar, Final

import httpx

from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.net import LARGE
from bot.kinds.rotation.base import Errand, Issued, Strategy
from bot.kinds.visit import json_object

REFUSALS: Final = frozenset({400, 401, 403, 404, 405, 409, 410, 412, 415, 422})
"""Answers by which a request was looked at and turned down, so that nothing was done."""
PAGES: Final = 20
PER_PAGE: Final = 100
NOTHING: Final = "Without a credential there is nothing to rotate."
NOBODYS: Final = (
    "Of other registries, robots of Harbor (robot$NAME) and Quay (OWNER+NAME), and tokens of Azure "
    "Container Registry can be rotated."
)
"""Why a user name of a generic registry is nobody's to rotate; the same for all who look at it."""
_TOLD: Final = re.compile(r"[\x21-\x7e]{1,1000}")
_READS: Final = frozenset({"GET", "HEAD"})


async def call(
    errand: Errand,
    method: str,
    url: str | httpx.URL,
    headers: Mapping[str, str],
    body: Mapping[str, object] | None = None,
) -> httpx.Response:
    """Send one request. What changes anything is never sent again by itself."""
    content = None if body is None else json.dumps(body).encode()
    more = {} if body is None else {"Content-Type": "application/json"}
    return await errand.visit.request(
        method,
        url,
        {"Accept": "application/json", **headers, **more},
        content,
        auth=True,
        limit=LARGE,
        once=method not in _READS,
    )


def unexpected(answer: httpx.Response) -> Unclear:
    """For an answer that the provider's reference does not have."""
    host = answer.request.url.host
    return Unclear(f"{host} gave an unexpected answer ({answer.status_code}).")


def told_secret(value: object, what: str) -> Secret:
    """The secret in an answer that says that one was made; Unclear when there is none."""
    return Secret(told_name(value, what))


def told_name(value: object, what: str) -> str:
    """The name of what was made, in the same answer."""
    if not isinstance(value, str) or not _TOLD.fullmatch(value):
        raise Unclear(f"{what} was made, but the answer does not hold it.")
    return value


def json_list(answer: httpx.Response) -> list[object] | None:
    """The body as a JSON list; None when it is anything else."""
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


async def paged(
    ask: Callable[[int], Awaitable[httpx.Response]], name: str
) -> AsyncIterator[Mapping[str, object]]:
    """The objects that the pages hold under `name`; Unclear where that is not all of them."""
    for page in range(1, PAGES + 1):
        answer = await ask(page)
        found = json_object(answer).get(name)
        if answer.status_code != 200 or not isinstance(found, list):
            raise unexpected(answer)
        for one in found:
            if isinstance(one, dict):
                yield one
        if len(found) < PER_PAGE:
            return
    raise unexpected(answer)


def end_of(errand: Errand, lasts: timedelta) -> str:
    """When what is made now ends, as providers are told a time."""
    return (errand.visit.clock.now() + lasts).strftime("%Y-%m-%dT%H:%M:%SZ")


class SideBySide:
    """Of providers where old and new both work: the label finds what was made."""

    strategy: ClassVar = Strategy.DUAL

    async def recover(self, errand: Errand, proposed: Secret) -> Issued | None:
        return None


class Unstoppable:
    """Of providers that can end a credential, but not stop it for a while."""

    reversible: ClassVar = False

    async def disable(self, errand: Errand, handle: str) -> None:
        raise NotDone("This provider cannot stop a credential for a while.")

    async def enable(self, errand: Errand, handle: str) -> None:
        raise NotDone("This provider cannot start a credential again.")
