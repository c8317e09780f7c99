"""Listing at Artifact Registry. Source: Artifact Registry REST reference, repositories, packages,
versions.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

import httpx

from bot.core.check import Stage
from bot.core.listing import FoundRepository, FoundTag, Page, newest_first
from bot.core.secret import Secret
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.age import moment
from bot.kinds.gcp_artifact_registry import exchange, location_of, place_of
from bot.kinds.list_protocol import tags_list
from bot.kinds.lists import (
    PER_PAGE,
    Turn,
    falling_back,
    must_be_listed,
    objects,
    repositories_of,
    tags_of,
    token_of,
)
from bot.kinds.net import LARGE
from bot.kinds.service_account import ServiceAccountKey
from bot.kinds.visit import Visit, json_object

_API: Final = "https://artifactregistry.googleapis.com/v1"
_READER: Final = "the role Artifact Registry Reader"


class GoogleLists:
    async def repositories(self, visit: Visit) -> Turn[FoundRepository]:
        """The images of one repository, or of all of a project, one after the other."""
        location = location_of(visit.config.host)
        if not location:
            raise Unseen(Absence.NOT_ASKED, "Google lists no images by the old names at gcr.io.")
        key = ServiceAccountKey.parse(visit.config.secrets["service_account_json"])
        visit.enter(Stage.LOGIN)
        token, _ = await exchange(visit, key)
        project, repository = place_of(visit.config.path_scope) or (key.project, "")
        below = f"projects/{quote(project, safe=':')}/locations/{location}/repositories"
        known = [repository] if repository else await _docker(visit, token, below)

        async def turn(page: str) -> Page[FoundRepository]:
            name, _, page_token = page.partition(":")
            name = name or next(iter(known), "")
            if name not in known:
                return Page(())
            query = _paged(page_token)
            answer = await _get(visit, token, f"{below}/{quote(name, safe='')}/packages?{query}")
            must_be_listed(visit, answer, "the images", _READER, proven=True)
            prefix = f"{project.replace(':', '/')}/{name}/"
            found = (
                (prefix + _last(one), moment(one.get("updateTime")))
                for one in objects(answer, "packages")
            )
            return repositories_of(found, _after(known, name, json_object(answer)))

        return turn

    async def tags(self, visit: Visit, repository: str) -> Turn[FoundTag]:
        location, place = location_of(visit.config.host), place_of(repository)
        if not location or place is None:
            return await tags_list(visit, repository)
        key = ServiceAccountKey.parse(visit.config.secrets["service_account_json"])
        visit.enter(Stage.LOGIN)
        token, _ = await exchange(visit, key)
        project, name = place
        above = f"{project.replace(':', '/')}/{name}/"
        image = quote(repository.removeprefix(above), safe="")
        below = (
            f"projects/{quote(project, safe=':')}/locations/{location}/repositories/"
            f"{quote(name, safe='')}/packages/{image}"
        )

        async def turn(page: str) -> Page[FoundTag]:
            answer = await _get(visit, token, f"{below}/versions?view=FULL&{_paged(page)}")
            must_be_listed(visit, answer, f"the tags of {repository}", _READER, proven=True)
            found = tags_of(
                (
                    (_last(tag), _last(version), moment(version.get("createTime")))
                    for version in objects(answer, "versions")
                    for tag in version.get("relatedTags") or ()
                    if isinstance(tag, dict)
                ),
                token_of(json_object(answer).get("nextPageToken")),
            )
            return Page(tuple(newest_first(found.items)), found.next, found.left_out)

        return falling_back(turn, partial(tags_list, visit, repository))


async def _docker(visit: Visit, token: Secret, below: str) -> list[str]:
    """The repositories of a project that hold images, by name; the first hundred."""
    answer = await _get(visit, token, f"{below}?pageSize={PER_PAGE}")
    must_be_listed(visit, answer, "the repositories", _READER, proven=True)
    found = objects(answer, "repositories")
    return sorted({_last(one) for one in found if one.get("format") == "DOCKER"} - {""})


def _after(known: list[str], name: str, answer: dict[str, object]) -> str:
    """The token of the next page: of this repository, or the next one's first."""
    more = token_of(answer.get("nextPageToken"))
    if more:
        return f"{name}:{more}"
    at = known.index(name) + 1
    return f"{known[at]}:" if at < len(known) else ""


def _last(resource: dict[str, Any]) -> str:
    """The last part of a resource's name, which holds slashes in their encoded form."""
    name = resource.get("name")
    return unquote(name.rpartition("/")[2]) if isinstance(name, str) else ""


def _paged(page_token: str) -> str:
    query = {"pageSize": str(PER_PAGE)}
    return urlencode({**query, "pageToken": page_token} if page_token else query)


async def _get(visit: Visit, token: Secret, path: str) -> httpx.Response:
    return await visit.request(
        "GET",
        f"{_API}/{path}",
        {"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"},
        auth=True,
        limit=LARGE,
    )
