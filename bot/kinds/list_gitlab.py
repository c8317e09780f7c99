"""Listing at GitLab. Source: GitLab documentation, container registry API.

Its list of tags tells no more than the registry's own, which needs less; so that one is asked.
"""

from __future__ import annotations

from typing import Final

import httpx

from bot.core.check import Stage
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.gitlab_api import api_url, places_of, realm_of
from bot.kinds.list_protocol import tags_list
from bot.kinds.lists import (
    PER_PAGE,
    Turn,
    must_be_listed,
    next_number,
    number_of,
    objects,
    repositories_of,
)
from bot.kinds.net import LARGE
from bot.kinds.visit import Visit

_READS: Final = "a token with read_api (pulling needs read_registry only)"
_DEPLOY: Final = "gldt-"


class GitlabLists:
    async def repositories(self, visit: Visit) -> Turn[FoundRepository]:
        """Those of the project or group in the path scope."""
        _must_be_askable(visit)
        realm = await realm_of(visit)
        visit.enter(Stage.LOGIN)
        places = places_of(visit.config.path_scope)

        async def turn(page: str) -> Page[FoundRepository]:
            at, _, number = page.partition(":")
            known, answer = await _first_known(visit, realm, places, at, number)
            must_be_listed(visit, answer, "the repositories", _READS)
            found = objects(answer)
            following = next_number(number, len(found))
            named = ((one.get("path"), None) for one in found)
            return repositories_of(named, f"{known}:{following}" if following else "")

        return turn

    async def tags(self, visit: Visit, repository: str) -> Turn[FoundTag]:
        return await tags_list(visit, repository)


def _must_be_askable(visit: Visit) -> None:
    config = visit.config
    if not config.path_scope:
        raise Unseen(
            Absence.NOT_ASKED,
            "GitLab lists one group or project at a time, and this registry names none.",
            "Add a path scope to it.",
        )
    if config.anonymous or config.secrets["token"].reveal().startswith(_DEPLOY):
        raise Unseen(
            Absence.DENIED,
            "GitLab lists repositories to no deploy token, and to nobody without a token.",
            f"It needs {_READS}.",
        )


async def _first_known(
    visit: Visit, realm: httpx.URL, places: list[str], at: str, number: str
) -> tuple[int, httpx.Response]:
    """The first of the places that GitLab knows, or the one that is `at` in them already."""
    for index, place in enumerate(places):
        if at.isdigit() and index != int(at):
            continue
        answer = await _get(visit, realm, place, number)
        if answer.status_code != 404 or index == len(places) - 1:
            return index, answer
    return await _first_known(visit, realm, places, "", "")  # a token of another path scope


async def _get(visit: Visit, realm: httpx.URL, place: str, number: str) -> httpx.Response:
    query = f"per_page={PER_PAGE}&page={number_of(number)}"
    url = api_url(realm, f"{place}/registry/repositories?{query}")
    token = visit.config.secrets["token"]
    return await visit.request(
        "GET", url, {"PRIVATE-TOKEN": token.reveal()}, auth=True, limit=LARGE
    )
