"""Listing by Harbor's API. Source: Harbor, api/v2.0/swagger.yaml.

A robot needs `list repository` and `list artifact` for it, which those that pull mostly have.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import httpx

from bot.core.check import Stage
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.kinds.age import moment
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution, Login
from bot.kinds.harbor import SERVICE
from bot.kinds.lists import (
    PER_PAGE,
    Turn,
    must_be_listed,
    next_number,
    number_of,
    objects,
    repositories_of,
    tags_of,
)
from bot.kinds.net import LARGE
from bot.kinds.visit import Visit, parsed

_LISTS: Final = "the permissions “List repository” and “List artifact” in Harbor"


def is_harbor(challenge: Challenge | None, registry: Distribution) -> bool:
    """Whether this is a Harbor whose API is where its registry is."""
    if challenge is None or challenge.service != SERVICE:
        return False
    return parsed(challenge.realm).host == registry.host


def repositories(visit: Visit, registry: Distribution) -> Turn[FoundRepository]:
    """Those of the project in the path scope, or all that the sign-in may see."""
    project = visit.config.path_scope.partition("/")[0]
    below = f"projects/{quote(project, safe='')}/" if project else ""

    async def turn(page: str) -> Page[FoundRepository]:
        path = f"{below}repositories?sort=-update_time&{_paged(page)}"
        answer = await _get(visit, registry, path)
        must_be_listed(visit, answer, "the repositories", _LISTS)
        found = objects(answer)
        named = ((one.get("name"), moment(one.get("update_time"))) for one in found)
        return repositories_of(named, next_number(page, len(found)))

    return turn


def tags(visit: Visit, registry: Distribution, repository: str) -> Turn[FoundTag]:
    """The tags of a repository, the newest push first."""
    project, _, name = repository.partition("/")
    # Harbor wants the slash in the name of a repository encoded twice.
    below = (
        f"projects/{quote(project, safe='')}/repositories/{quote(quote(name, safe=''), safe='')}"
    )

    async def turn(page: str) -> Page[FoundTag]:
        path = f"{below}/artifacts?with_tag=true&sort=-push_time&{_paged(page)}"
        answer = await _get(visit, registry, path)
        must_be_listed(visit, answer, f"the tags of {repository}", _LISTS)
        found = objects(answer)
        return tags_of(_tags_in(found), next_number(page, len(found)))

    return turn


def _tags_in(artifacts: list[dict[str, Any]]) -> list[tuple[object, object, object]]:
    return [
        (tag.get("name"), artifact.get("digest"), moment(tag.get("push_time")))
        for artifact in artifacts
        for tag in artifact.get("tags") or ()
        if isinstance(tag, dict)
    ]


def _paged(page: str) -> str:
    return f"page={number_of(page)}&page_size={PER_PAGE}"


async def _get(visit: Visit, registry: Distribution, path: str) -> httpx.Response:
    config = visit.config
    headers = {"Accept": "application/json"}
    if not config.anonymous:
        login = Login(config.values["username"], config.secrets["password"])
        headers["Authorization"] = login.basic()
    visit.enter(Stage.PULL)
    return await visit.request(
        "GET",
        f"{registry.base}/api/v2.0/{path}",
        headers,
        auth=not config.anonymous,
        limit=LARGE,
    )
