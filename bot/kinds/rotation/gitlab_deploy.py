"""Rotating deploy tokens of GitLab in pairs. Source: GitLab documentation, deploy tokens API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone
from bot.kinds.age import moment
from bot.kinds.base import Field
from bot.kinds.gitlab_api import places_of
from bot.kinds.rotation.base import Errand, Issued, Labelled, Readiness, Right
from bot.kinds.rotation.gitlab import Api, is_deploy_token, number_of, scopes_of
from bot.kinds.rotation.manners import (
    NOTHING,
    PAGES,
    PER_PAGE,
    REFUSALS,
    SideBySide,
    Unstoppable,
    end_of,
    json_list,
    told_name,
    told_secret,
    unexpected,
)
from bot.kinds.visit import json_object

_HANDLE: Final = re.compile(
    r"(?:projects|groups)/[A-Za-z0-9._%~-]{1,1000}/deploy_tokens/[0-9]{1,18}"
)
_NEEDS: Final = "It needs api, of a Maintainer of the project or an Owner of the group."
Token = Mapping[str, object]


class GitlabDeployTokens(SideBySide, Unstoppable):
    """Deploy tokens cannot manage themselves: an access token makes and deletes them."""

    slug: ClassVar = "gitlab_deploy_token"
    settles: ClassVar = timedelta()
    rights: ClassVar[tuple[Right, ...]] = (
        Right("api", "of an access token that makes and deletes deploy tokens"),
        Right("Maintainer", "of the project, or Owner of the group, for that access token"),
    )
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "access_token",
            "Access token that manages deploy tokens",
            secret=True,
            hint="With api, of a Maintainer of the project or an Owner of the group.",
            max_length=500,
        ),
        Field(
            "place",
            "Project or group of the deploy token",
            required=False,
            hint="Such as my-group/my-project; empty: the path scope.",
            max_length=255,
        ),
    )

    def unsuited(self, config: Config) -> str:
        if config.anonymous:
            return NOTHING
        return "" if is_deploy_token(config) else "This is not a deploy token."

    async def ready(self, errand: Errand) -> Readiness:
        try:
            api = await _api(errand)
            await _must_have_api(api)
            handle, _ = await _in_force(api)
        except NotDone as error:
            return Readiness(problems=(str(error),))
        return Readiness(handle)

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        api = await _api(errand)
        handle, old = await _in_force(api)
        below = handle.rpartition("/")[0]
        ends = end_of(errand, lasts)
        scopes = list(scopes_of(old)) or ["read_registry"]
        body = {"name": label, "scopes": scopes, "expires_at": ends}
        answer = await api.call("POST", below, body)
        if answer.status_code in {401, 403}:
            raise NotDone(f"GitLab does not let the access token make deploy tokens. {_NEEDS}")
        if answer.status_code in REFUSALS:
            raise NotDone(
                "GitLab made no deploy token. Its administrator may allow none that lasts "
                f"{lasts.days} days."
            )
        if answer.status_code not in {200, 201}:
            raise unexpected(answer)
        made = json_object(answer)
        secret = told_secret(made.get("token"), "A deploy token")
        username = told_name(made.get("username"), "A deploy token")
        return Issued(
            f"{below}/{number_of(made)}",
            {"token": secret},
            {"username": username},
            moment(made.get("expires_at")),
        )

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        api = await _api(errand)
        found: list[Labelled] = []
        seen = False
        for place in _places(errand):
            tokens = await _listed(api, place)
            seen = seen or tokens is not None
            found += [
                Labelled(_handle(place, one))
                for one in tokens or ()
                if one.get("name") == label and one.get("revoked") is not True
            ]
        if not seen:
            raise NotDone(_no_place(errand))
        return tuple(found)

    async def revoke(self, errand: Errand, handle: str) -> None:
        if not _HANDLE.fullmatch(handle):
            raise NotDone("This is not a deploy token.")
        api = await _api(errand)
        answer = await api.call("DELETE", handle)
        if answer.status_code in {200, 202, 204}:
            return
        if answer.status_code in {401, 403}:
            raise NotDone(f"GitLab does not let the access token delete deploy tokens. {_NEEDS}")
        if answer.status_code != 404:
            raise unexpected(answer)
        # A project that this token may not see any more is "not found" as well.
        if await self._lists(api, handle) is not False:
            raise NotDone("GitLab does not show the project or group of the deploy token any more.")

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        return await self._lists(await _api(errand), handle)

    async def _lists(self, api: Api, handle: str) -> bool | None:
        place = handle.partition("/deploy_tokens/")[0]
        tokens = await _listed(api, place)
        if tokens is None:
            return None
        return any(_handle(place, one) == handle and _is_live(one) for one in tokens)


async def _api(errand: Errand) -> Api:
    token = errand.access.get("access_token")
    if token is None:
        raise NotDone(f"Put in an access token that manages deploy tokens. {_NEEDS}")
    if not _places(errand):
        raise NotDone("Say which project or group the deploy token belongs to.")
    return await Api.find(errand, token)


async def _must_have_api(api: Api) -> None:
    answer = await api.call("GET", "personal_access_tokens/self")
    if answer.status_code == 401:
        raise NotDone("GitLab refused the access token: it is wrong, expired or revoked.")
    about = json_object(answer)
    if answer.status_code != 200 or not isinstance(about.get("scopes"), list):
        raise unexpected(answer)
    if "api" not in scopes_of(about):
        has = ", ".join(scopes_of(about))[:200] or "none"
        raise NotDone(f"The access token may not make deploy tokens (has: {has}). {_NEEDS}")


def _places(errand: Errand) -> list[str]:
    """What the path may be; none when there is no path."""
    path = _path(errand).strip("/ ")
    return places_of(path) if path else []


def _path(errand: Errand) -> str:
    given = errand.access.get("place")
    return given.reveal() if given is not None else errand.config.path_scope


async def _in_force(api: Api) -> tuple[str, Token]:
    """The deploy token that the registry signs in with: its user name is its own."""
    username = api.errand.config.values["username"]
    for place in _places(api.errand):
        tokens = await _listed(api, place)
        mine = [one for one in tokens or () if one.get("username") == username and _is_live(one)]
        if len(mine) > 1:
            raise NotDone("Several deploy tokens have this user name, so none can be told apart.")
        if mine:
            return _handle(place, mine[0]), mine[0]
    raise NotDone(_no_place(api.errand))


def _no_place(errand: Errand) -> str:
    path = _path(errand)[:200]
    return (
        f"GitLab shows the access token no deploy token of this user name at {path}. "
        f"Name its project or group. {_NEEDS}"
    )


async def _listed(api: Api, place: str) -> Sequence[Token] | None:
    """All deploy tokens of a project or group; None where the access token may not see it."""
    found: list[Token] = []
    for page in range(1, PAGES + 1):
        query = f"per_page={PER_PAGE}&page={page}"
        answer = await api.call("GET", f"{place}/deploy_tokens?{query}")
        if answer.status_code in {401, 403, 404}:
            return None
        listed = json_list(answer)
        if answer.status_code != 200 or listed is None:
            raise unexpected(answer)
        found += [one for one in listed if isinstance(one, dict)]
        if len(listed) < PER_PAGE:
            return found
    raise unexpected(answer)


def _handle(place: str, token: Token) -> str:
    return f"{place}/deploy_tokens/{number_of(token)}"


def _is_live(token: Token) -> bool:
    return token.get("revoked") is not True and token.get("expired") is not True
