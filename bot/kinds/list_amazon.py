"""Listing at Amazon's two registries. Source: botocore service models ecr and ecr-public."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from bot.core.check import Stage
from bot.core.listing import FoundRepository, FoundTag, Page, newest_first
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.aws import AwsError, Keys
from bot.kinds.aws_login import ABSENT, LISTED_BADLY, assumed_keys, given_keys, list_page
from bot.kinds.ecr import place_of
from bot.kinds.list_protocol import tags_list
from bot.kinds.lists import PER_PAGE, Turn, falling_back, may_not, repositories_of, tags_of
from bot.kinds.visit import Visit

IMAGES_AT_ONCE: Final = 1000
_PUBLIC_HOST: Final = "public.ecr.aws"
_PUBLIC_REGION: Final = "us-east-1"


class EcrLists:
    async def repositories(self, visit: Visit) -> Turn[FoundRepository]:
        account, region = place_of(visit.config.host)
        keys = await _keys(visit, region)

        async def turn(page: str) -> Page[FoundRepository]:
            answer = await _listed(
                visit,
                keys,
                ("ecr", region, "describe_repositories"),
                "the repositories",
                {"registryId": account, "maxResults": PER_PAGE, **_going_on(page)},
            )
            found = answer.get("repositories", ())
            named = ((one.get("repositoryName"), None) for one in found)
            return repositories_of(named, answer.get("nextToken", ""))

        return turn

    async def tags(self, visit: Visit, repository: str) -> Turn[FoundTag]:
        account, region = place_of(visit.config.host)
        keys = await _keys(visit, region)

        async def turn(page: str) -> Page[FoundTag]:
            answer = await _listed(
                visit,
                keys,
                ("ecr", region, "describe_images"),
                f"the tags of {repository}",
                {
                    "registryId": account,
                    "repositoryName": repository,
                    "filter": {"tagStatus": "TAGGED"},
                    "maxResults": IMAGES_AT_ONCE,
                    **_going_on(page),
                },
            )
            found = tags_of(
                (
                    (tag, image.get("imageDigest"), _utc(image.get("imagePushedAt")))
                    for image in answer.get("imageDetails", ())
                    for tag in image.get("imageTags", ())
                ),
                answer.get("nextToken", ""),
            )
            return Page(tuple(newest_first(found.items)), found.next, found.left_out)

        return falling_back(turn, partial(tags_list, visit, repository))


class PublicEcrLists:
    """Amazon lists the repositories of one's own alias only; tags are open to everybody."""

    async def repositories(self, visit: Visit) -> Turn[FoundRepository]:
        if visit.config.anonymous:
            raise Unseen(
                Absence.NOT_ASKED,
                "AWS Public ECR lists repositories to their owner only, and this registry has no "
                "access keys.",
            )
        visit.enter(Stage.LOGIN)
        keys = given_keys(visit)

        async def turn(page: str) -> Page[FoundRepository]:
            answer = await _listed(
                visit,
                keys,
                ("ecr-public", _PUBLIC_REGION, "describe_repositories"),
                "the repositories",
                {"maxResults": PER_PAGE, **_going_on(page)},
            )
            named = ((_below(one), None) for one in answer.get("repositories", ()))
            return repositories_of(named, answer.get("nextToken", ""))

        return turn

    async def tags(self, visit: Visit, repository: str) -> Turn[FoundTag]:
        if visit.config.anonymous:
            return await tags_list(visit, repository)
        visit.enter(Stage.LOGIN)
        keys, name = given_keys(visit), repository.partition("/")[2]
        ours = False

        async def turn(page: str) -> Page[FoundTag]:
            nonlocal ours
            if not ours:
                await _must_be_ours(visit, keys, repository)
                ours = True
            answer = await _listed(
                visit,
                keys,
                ("ecr-public", _PUBLIC_REGION, "describe_image_tags"),
                f"the tags of {repository}",
                {"repositoryName": name, "maxResults": IMAGES_AT_ONCE, **_going_on(page)},
            )
            found = tags_of(
                (
                    (tag.get("imageTag"), _digest(tag), _utc(tag.get("createdAt")))
                    for tag in answer.get("imageTagDetails", ())
                ),
                answer.get("nextToken", ""),
            )
            return Page(tuple(newest_first(found.items)), found.next, found.left_out)

        return falling_back(turn, partial(tags_list, visit, repository))


async def _keys(visit: Visit, region: str) -> Keys:
    visit.enter(Stage.LOGIN)
    if visit.config.variant == "assume_role":
        return await assumed_keys(visit, region)
    return given_keys(visit)


async def _must_be_ours(visit: Visit, keys: Keys, repository: str) -> None:
    """The API knows repositories without their alias: another's may have the same name."""
    name = repository.partition("/")[2]
    answer = await _listed(
        visit,
        keys,
        ("ecr-public", _PUBLIC_REGION, "describe_repositories"),
        f"the tags of {repository}",
        {"repositoryNames": [name]},
    )
    if repository not in {_below(one) for one in answer.get("repositories", ())}:
        raise Unseen(Absence.HIDDEN, f"{repository} is another publisher's.")


async def _listed(
    visit: Visit,
    keys: Keys,
    call: tuple[str, str, str],
    what: str,
    arguments: Mapping[str, object],
) -> dict[str, Any]:
    """One page of (service, region, operation), or why there is none."""
    service, region, operation = call
    try:
        return await list_page(visit, keys, service, region, operation, **arguments)
    except AwsError as error:
        if error.code in ABSENT:
            named = what.removeprefix("the tags of ")
            host = _PUBLIC_HOST if service == "ecr-public" else visit.config.host
            raise Unseen(Absence.HIDDEN, f"{host} has no repository {named}.") from None
        if error.code in LISTED_BADLY:
            raise Unseen(Absence.UNREACHABLE, "The list has changed since; begin again.") from None
        action = "".join(word.capitalize() for word in operation.split("_"))
        raise may_not(what, f"{service}:{action} in its IAM policy") from None


def _going_on(page: str) -> dict[str, str]:
    return {"nextToken": page} if page else {}


def _below(repository: Mapping[str, Any]) -> str:
    uri = repository.get("repositoryUri")
    return uri.removeprefix(f"{_PUBLIC_HOST}/") if isinstance(uri, str) else ""


def _digest(tag: Mapping[str, Any]) -> object:
    detail = tag.get("imageDetail")
    return detail.get("imageDigest") if isinstance(detail, dict) else None


def _utc(at: object) -> datetime | None:
    return at.astimezone(UTC) if isinstance(at, datetime) else None
