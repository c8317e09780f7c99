"""Listing at GitHub's registries, hosted and enterprise.

Source: docs.github.com, REST API endpoints for packages.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final
from urllib.parse import quote

import httpx

from bot.core.check import Stage
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.age import moment
from bot.kinds.github import HEADERS, rate_limited
from bot.kinds.github_enterprise import addresses
from bot.kinds.list_protocol import tags_list
from bot.kinds.lists import (
    PER_PAGE,
    Turn,
    falling_back,
    must_be_listed,
    next_number,
    number_of,
    objects,
    repositories_of,
    tags_of,
)
from bot.kinds.net import LARGE
from bot.kinds.visit import Visit

_HOSTED: Final = "ghcr.io"
_READS: Final = "a classic token with read:packages, authorised for the organisation"


class GithubLists:
    """`owner` is an organisation, or where GitHub knows none by that name, a person."""

    async def repositories(self, visit: Visit) -> Turn[FoundRepository]:
        """The packages of the owner in the path scope, or of the token's own user."""
        if visit.config.anonymous:
            raise Unseen(
                Absence.NOT_ASKED,
                "GitHub lists packages to nobody without a token, and this registry has none.",
            )
        visit.enter(Stage.LOGIN)
        owner = visit.config.path_scope.partition("/")[0]

        async def turn(page: str) -> Page[FoundRepository]:
            kind, _, number = page.partition(":")
            query = f"packages?package_type=container&{_paged(number)}"
            kind, answer = await _owned(visit, kind, owner, query)
            must_be_listed(visit, answer, "the packages", _READS)
            found = objects(answer)
            named = ((_name(one), moment(one.get("updated_at"))) for one in found)
            return repositories_of(named, _next(kind, number, len(found)))

        return turn

    async def tags(self, visit: Visit, repository: str) -> Turn[FoundTag]:
        if visit.config.anonymous:
            return await tags_list(visit, repository)
        visit.enter(Stage.LOGIN)
        owner, _, name = repository.partition("/")

        async def turn(page: str) -> Page[FoundTag]:
            kind, _, number = page.partition(":")
            path = f"packages/container/{quote(name, safe='')}/versions?{_paged(number)}"
            kind, answer = await _owned(visit, kind, owner, path)
            must_be_listed(visit, answer, f"the tags of {repository}", _READS)
            found = objects(answer)
            return tags_of(_tags_in(found), _next(kind, number, len(found)))

        return falling_back(turn, partial(tags_list, visit, repository))


async def _owned(visit: Visit, kind: str, owner: str, path: str) -> tuple[str, httpx.Response]:
    """What is asked of an owner, and whether that is `orgs`, `users` or the token's own `user`."""
    if not owner:
        return "user", await _get(visit, f"user/{path}")
    first = kind if kind in {"orgs", "users"} else "orgs"
    answer = await _get(visit, f"{first}/{quote(owner, safe='')}/{path}")
    if answer.status_code != 404 or kind:
        return first, answer
    return "users", await _get(visit, f"users/{quote(owner, safe='')}/{path}")


def _tags_in(versions: list[dict[str, Any]]) -> list[tuple[object, object, object]]:
    """GitHub calls a version by its digest."""
    return [
        (tag, version.get("name"), moment(version.get("updated_at")))
        for version in versions
        for tag in _container(version).get("tags") or ()
    ]


def _container(version: dict[str, Any]) -> dict[str, Any]:
    metadata = version.get("metadata")
    container = metadata.get("container") if isinstance(metadata, dict) else None
    return container if isinstance(container, dict) else {}


def _name(package: dict[str, Any]) -> str:
    owner = package.get("owner")
    login = owner.get("login") if isinstance(owner, dict) else ""
    return f"{login}/{package.get('name')}".lower()


def _next(kind: str, number: str, count: int) -> str:
    following = next_number(number, count)
    return f"{kind}:{following}" if following else ""


def _paged(number: str) -> str:
    return f"per_page={PER_PAGE}&page={number_of(number)}"


async def _get(visit: Visit, path: str) -> httpx.Response:
    host, token = visit.config.host, visit.config.secrets["token"]
    api = "https://api.github.com" if host == _HOSTED else addresses(host)[0]
    headers = {"Authorization": f"Bearer {token.reveal()}", **HEADERS}
    answer = await visit.request("GET", f"{api}/{path}", headers, auth=True, limit=LARGE)
    if answer.status_code == 403 and (stop := rate_limited(visit, answer)) is not None:
        raise stop
    return answer
