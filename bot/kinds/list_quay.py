"""Listing by Quay's API, for its OAuth tokens; robots may only use the protocol.

Source: Quay source, endpoints/api/repository.py and endpoints/api/tag.py.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

import httpx

from bot.core.check import Stage
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.kinds.age import unix_moment
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution
from bot.kinds.lists import (
    PER_PAGE,
    Turn,
    must_be_listed,
    number_of,
    objects,
    repositories_of,
    tags_of,
    token_of,
)
from bot.kinds.net import LARGE
from bot.kinds.visit import Visit, json_object, parsed

OAUTH: Final = "$oauthtoken"
_READS: Final = "an OAuth token with “View all visible repositories”"


def is_quay(visit: Visit, challenge: Challenge | None, registry: Distribution) -> bool:
    """Whether this is a Quay, signed in to with a token of its API, in one organisation."""
    if challenge is None or visit.config.values.get("username") != OAUTH:
        return False
    realm = parsed(challenge.realm)
    return realm.path == "/v2/auth" and realm.host == registry.host and bool(_organisation(visit))


def repositories(visit: Visit, registry: Distribution) -> Turn[FoundRepository]:
    """Those of the organisation that the path scope begins with."""

    async def turn(page: str) -> Page[FoundRepository]:
        query = {"namespace": _organisation(visit), "last_modified": "true"}
        if page:
            query["next_page"] = page
        answer = await _get(visit, registry, f"repository?{urlencode(query)}")
        must_be_listed(visit, answer, "the repositories", _READS)
        named = (
            (f"{one.get('namespace')}/{one.get('name')}", unix_moment(one.get("last_modified")))
            for one in objects(answer, "repositories")
        )
        return repositories_of(named, token_of(json_object(answer).get("next_page")))

    return turn


def tags(visit: Visit, registry: Distribution, repository: str) -> Turn[FoundTag]:
    """The tags of a repository, the newest first, as Quay has them."""

    async def turn(page: str) -> Page[FoundTag]:
        number = number_of(page)
        query = f"onlyActiveTags=true&limit={PER_PAGE}&page={number}"
        answer = await _get(visit, registry, f"repository/{quote(repository)}/tag/?{query}")
        must_be_listed(visit, answer, f"the tags of {repository}", _READS)
        more = json_object(answer).get("has_additional") is True
        found = (
            (one.get("name"), one.get("manifest_digest"), unix_moment(one.get("start_ts")))
            for one in objects(answer, "tags")
        )
        return tags_of(found, str(number + 1) if more else "")

    return turn


def _organisation(visit: Visit) -> str:
    return visit.config.path_scope.partition("/")[0]


async def _get(visit: Visit, registry: Distribution, path: str) -> httpx.Response:
    token = visit.config.secrets["password"]
    visit.enter(Stage.PULL)
    return await visit.request(
        "GET",
        f"{registry.base}/api/v1/{path}",
        {"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"},
        auth=True,
        limit=LARGE,
    )
