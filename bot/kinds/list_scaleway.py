"""Listing at Scaleway. Source: Scaleway API reference, Container Registry."""

from __future__ import annotations

from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from bot.core.check import Stage
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.age import moment
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
from bot.kinds.shape import UUID
from bot.kinds.visit import Visit

_API: Final = "https://api.scaleway.com/registry/v1/regions"
_READS: Final = "the permission set ContainerRegistryReadOnly in Scaleway's IAM"


class ScalewayLists:
    async def repositories(self, visit: Visit) -> Turn[FoundRepository]:
        """The images of the namespace in the path scope, or of the project."""
        visit.enter(Stage.LOGIN)
        namespace = visit.config.path_scope.partition("/")[0]
        names = await _namespaces(visit, namespace)
        within = {"project_id": visit.config.values["project_id"]}
        if namespace:
            within = {"namespace_id": _only(names, namespace)}

        async def turn(page: str) -> Page[FoundRepository]:
            query = {**within, "order_by": "name_asc", **_paged(page)}
            found = await _get(visit, "images", query, "the images")
            named = (
                (f"{names[one['namespace_id']]}/{one.get('name')}", moment(one.get("updated_at")))
                for one in found
                if one.get("namespace_id") in names
            )
            return repositories_of(named, next_number(page, len(found)))

        return turn

    async def tags(self, visit: Visit, repository: str) -> Turn[FoundTag]:
        image_id = ""

        async def turn(page: str) -> Page[FoundTag]:
            nonlocal image_id
            image_id = image_id or await _image_id(visit, repository)
            query = {"order_by": "created_at_desc", **_paged(page)}
            found = await _get(visit, f"images/{image_id}/tags", query, "the tags")
            tags = ((t.get("name"), t.get("digest"), moment(t.get("updated_at"))) for t in found)
            return tags_of(tags, next_number(page, len(found)))

        visit.enter(Stage.LOGIN)
        return falling_back(turn, partial(tags_list, visit, repository))


async def _image_id(visit: Visit, repository: str) -> str:
    namespace, _, name = repository.partition("/")
    within = _only(await _namespaces(visit, namespace), namespace)
    query = {"namespace_id": within, "name": name, "page_size": "1"}
    for image in await _get(visit, "images", query, "the images"):
        if image.get("name") == name and _is_id(image.get("id")):
            return str(image["id"])
    raise _gone(repository)


async def _namespaces(visit: Visit, name: str) -> dict[str, str]:
    """Names by id: of the one namespace, or the first hundred of the project."""
    query = {"name": name} if name else {"project_id": visit.config.values["project_id"]}
    query["page_size"] = str(PER_PAGE)
    found = await _get(visit, "namespaces", query, "the namespaces")
    return {str(one["id"]): str(one.get("name")) for one in found if _is_id(one.get("id"))}


def _only(names: dict[str, str], namespace: str) -> str:
    for namespace_id, name in names.items():
        if name == namespace:
            return namespace_id
    raise _gone(namespace)


def _gone(name: str) -> Unseen:
    return Unseen(
        Absence.HIDDEN,
        f"Scaleway has no {name} in this region: it does not exist, or is hidden from this key.",
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and UUID.fullmatch(value) is not None


def _paged(page: str) -> dict[str, str]:
    return {"page": str(number_of(page)), "page_size": str(PER_PAGE)}


async def _get(visit: Visit, what: str, query: dict[str, str], words: str) -> list[dict[str, Any]]:
    """The objects of a list, which has the last word of its path for a name."""
    region = visit.config.host.split(".")[1]
    answer = await visit.request(
        "GET",
        f"{_API}/{region}/{what}?{urlencode(query)}",
        {"X-Auth-Token": visit.config.secrets["secret_key"].reveal()},
        auth=True,
        limit=LARGE,
    )
    must_be_listed(visit, answer, words, _READS)
    return objects(answer, what.rpartition("/")[2])
