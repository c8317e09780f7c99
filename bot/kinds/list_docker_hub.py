"""Listing at Docker Hub. Source: docker/docs, reference/api/hub, repositories and tags.

The API refuses some routes to what was signed in with an access token (docker/hub-feedback issue
2478); the registry itself still lists the tags then.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final
from urllib.parse import quote

import httpx

from bot.core.check import Stage
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.secret import Secret
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.age import moment
from bot.kinds.distribution import Login
from bot.kinds.docker_hub import identify
from bot.kinds.list_protocol import tags_list
from bot.kinds.lists import (
    PER_PAGE,
    Turn,
    falling_back,
    must_be_listed,
    number_of,
    objects,
    repositories_of,
    tags_of,
)
from bot.kinds.net import LARGE
from bot.kinds.visit import Visit, json_object

_API: Final = "https://hub.docker.com/v2"
_READS: Final = "an access token that may read the repositories, or an organisation's token"


class DockerHubLists:
    async def repositories(self, visit: Visit) -> Turn[FoundRepository]:
        """Those of the namespace in the path scope, or of the account."""
        scope, username = visit.config.path_scope, visit.config.values.get("username", "")
        namespace = scope.partition("/")[0] or ("" if "@" in username else username.lower())
        if not namespace:
            raise Unseen(
                Absence.NOT_ASKED,
                "Docker Hub lists one organisation or person at a time, and this registry names "
                "none.",
                "Add a path scope to it.",
            )
        token = await _token(visit)

        async def turn(page: str) -> Page[FoundRepository]:
            query = f"page_size={PER_PAGE}&page={number_of(page)}"
            answer = await _get(visit, token, f"repositories/{quote(namespace)}/?{query}")
            must_be_listed(visit, answer, f"the repositories of {namespace}", _READS, proven=True)
            named = (
                (f"{namespace}/{one.get('name')}", moment(one.get("last_updated")))
                for one in objects(answer, "results")
            )
            return repositories_of(named, _next(answer, page))

        return turn

    async def tags(self, visit: Visit, repository: str) -> Turn[FoundTag]:
        namespace, _, name = repository.partition("/")
        token = await _token(visit)

        async def turn(page: str) -> Page[FoundTag]:
            query = f"page_size={PER_PAGE}&page={number_of(page)}&ordering=last_updated"
            path = f"namespaces/{quote(namespace)}/repositories/{quote(name, safe='')}/tags"
            answer = await _get(visit, token, f"{path}?{query}")
            must_be_listed(visit, answer, f"the tags of {repository}", _READS, proven=True)
            found = (
                (one.get("name"), one.get("digest"), _pushed(one))
                for one in objects(answer, "results")
            )
            return tags_of(found, _next(answer, page))

        return falling_back(turn, partial(tags_list, visit, repository))


async def _token(visit: Visit) -> Secret | None:
    visit.enter(Stage.LOGIN)
    config = visit.config
    if config.anonymous:
        return None
    return await identify(visit, Login(config.values["username"], config.secrets["password"]))


def _pushed(tag: dict[str, Any]) -> object:
    return moment(tag.get("tag_last_pushed")) or moment(tag.get("last_updated"))


def _next(answer: httpx.Response, page: str) -> str:
    """The next number when the Hub names a next page; its link is not followed."""
    return str(number_of(page) + 1) if json_object(answer).get("next") else ""


async def _get(visit: Visit, token: Secret | None, path: str) -> httpx.Response:
    headers = {"Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token.reveal()}"
    return await visit.request(
        "GET", f"{_API}/{path}", headers, auth=token is not None, limit=LARGE
    )
