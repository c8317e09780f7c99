"""Listing by the distribution protocol, which every registry speaks and some restrict.

Source: distribution spec, api.md (catalog, tags, pagination); OCI distribution spec, end-8.
"""

from __future__ import annotations

from typing import Final

import httpx

from bot.core.check import Stage
from bot.core.listing import FoundRepository, FoundTag, Page, newest_version_first
from bot.kinds import challenge as challenges
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution
from bot.kinds.lists import (
    PER_PAGE,
    Turn,
    may_not,
    must_be_listed,
    next_of,
    repositories_of,
    tags_of,
)
from bot.kinds.net import LARGE
from bot.kinds.reader import authorization_for, denied, hidden, sign_in_refused, token_for
from bot.kinds.registry_kinds import KINDS
from bot.kinds.visit import Visit, error_code, json_object

TAGS_AT_ONCE: Final = 1000  # the most that ECR takes
_NO_CATALOG: Final = frozenset({400, 401, 403, 404, 405, 501})
CATALOG_RIGHT: Final = "the right to the registry's catalog, which often only administrators have"


async def catalog(
    visit: Visit, registry: Distribution, challenge: Challenge | None
) -> Turn[FoundRepository]:
    """All repositories, by `_catalog`."""
    visit.enter(Stage.PULL)
    authorization = None
    if challenge is not None:
        answer = await token_for(visit, registry, challenge, "registry:catalog:*")
        if answer is None or isinstance(answer, str):
            authorization = answer
        elif answer.token is None or not answer.grants("catalog", "*"):
            raise may_not("the repositories", CATALOG_RIGHT)
        else:
            authorization = f"Bearer {answer.token.reveal()}"

    async def turn(page: str) -> Page[FoundRepository]:
        answer = await _get(visit, registry, f"_catalog?{page or f'n={PER_PAGE}'}", authorization)
        if _refused_basic(visit, answer):
            raise sign_in_refused(registry)
        if answer.status_code in _NO_CATALOG:
            raise may_not("the repositories", CATALOG_RIGHT)
        must_be_listed(visit, answer, "the repositories", CATALOG_RIGHT)
        names = json_object(answer).get("repositories")
        listed = names if isinstance(names, list) else []
        return repositories_of(((name, None) for name in listed), next_of(answer))

    return turn


async def tags_list(visit: Visit, repository: str) -> Turn[FoundTag]:
    """The tags of one repository, by `tags/list`: names alone, the newest version first."""
    registry = KINDS[visit.config.kind].registry(visit)
    challenge = await registry.ping()
    return await tags_known(visit, registry, challenge, repository)


async def tags_known(
    visit: Visit, registry: Distribution, challenge: Challenge | None, repository: str
) -> Turn[FoundTag]:
    """The same, after the ping."""
    visit.enter(Stage.PULL)
    authorization = await authorization_for(visit, registry, challenge, repository)

    async def turn(page: str) -> Page[FoundTag]:
        nonlocal authorization
        path = f"{repository}/tags/list?{page or f'n={TAGS_AT_ONCE}'}"
        answer = await _get(visit, registry, path, authorization)
        offered = challenges.choose(challenges.parse(answer.headers.get_list("www-authenticate")))
        if challenge is None and answer.status_code == 401 and offered is not None:
            # The root is open and the repository is not.
            authorization = await authorization_for(visit, registry, offered, repository)
            answer = await _get(visit, registry, path, authorization)
        _must_be_readable(visit, registry, repository, answer)
        names = json_object(answer).get("tags")
        plain = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        found = newest_version_first(plain)
        return tags_of(((name, "", None) for name in found), next_of(answer))

    return turn


def _must_be_readable(
    visit: Visit, registry: Distribution, repository: str, answer: httpx.Response
) -> None:
    if _refused_basic(visit, answer):
        raise sign_in_refused(registry)
    if answer.status_code == 401:
        raise denied(visit, registry, repository)
    if answer.status_code == 403:
        known = error_code(answer) is not None
        raise denied(visit, registry, repository) if known else registry.turned_away()
    if answer.status_code == 404:
        raise hidden(registry, repository)
    must_be_listed(visit, answer, f"the tags of {repository}", "the right to pull it")


def _refused_basic(visit: Visit, answer: httpx.Response) -> bool:
    """Whoever signed in by Basic is refused a repository with 403."""
    basic = answer.headers.get("www-authenticate", "").lower().startswith("basic")
    generic = visit.config.kind == "generic" and not visit.config.anonymous
    return answer.status_code == 401 and basic and generic


async def _get(
    visit: Visit, registry: Distribution, path: str, authorization: str | None
) -> httpx.Response:
    headers = {"Accept": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    return await visit.request(
        "GET",
        f"{registry.base}/v2/{path}",
        headers,
        auth=authorization is not None,
        limit=LARGE,
    )
