"""Rotating API keys of Scaleway, of a user or of an application. Source: Scaleway IAM API."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final
from urllib.parse import urlencode

import httpx

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone
from bot.kinds.age import moment
from bot.kinds.base import Field
from bot.kinds.rotation.base import Errand, Issued, Labelled, Readiness, Right
from bot.kinds.rotation.manners import (
    PER_PAGE,
    REFUSALS,
    SideBySide,
    Unstoppable,
    call,
    end_of,
    paged,
    told_name,
    told_secret,
    unexpected,
)
from bot.kinds.shape import UUID
from bot.kinds.visit import json_object

_KEYS: Final = "https://api.scaleway.com/iam/v1alpha1/api-keys"
_ACCESS_KEY: Final = re.compile(r"SCW[A-Z0-9]{17}")
_NEEDS: Final = (
    "Give its owner the permission set IAMManager, or put in the Secret Key of one that has it."
)
_UNPAIRED: Final = (
    "Scaleway does not tell whether an Access Key and a Secret Key belong together. {} is what "
    "will be deleted, so be sure that it is the one in use here."
)


class ScalewayKeys(SideBySide, Unstoppable):
    """A key may read, make and delete keys with IAMManager; those of its own user without."""

    slug: ClassVar = "scaleway"
    settles: ClassVar = timedelta(minutes=1)
    rights: ClassVar[tuple[Right, ...]] = (
        Right("IAMManager", "to make and delete API keys; a user's key needs none for its user's"),
    )
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "iam_secret_key",
            "Secret Key that manages API keys",
            secret=True,
            required=False,
            hint="Of a key with IAMManager; only where the key that pulls has no such right.",
            max_length=100,
        ),
    )

    def unsuited(self, config: Config) -> str:
        return ""

    async def ready(self, errand: Errand) -> Readiness:
        own = errand.config.values["access_key"]
        answer = await _get(errand, f"/{own}")
        problem = _problem(errand, answer, own)
        if problem:
            return Readiness(own, (problem,))
        about = json_object(answer)
        _owner(about, answer)
        if about.get("deletable") is False:
            return Readiness(own, ("Scaleway does not let anybody delete this API key.",))
        async for _ in _listed(errand, about, answer):  # what finds a key made in doubt
            break
        if errand.made == own:
            return Readiness(own)
        return Readiness(own, notes=(_UNPAIRED.format(own),))

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        answer = await _get(errand, f"/{errand.config.values['access_key']}")
        about = _known(errand, answer)
        kind, owner = _owner(about, answer)
        expires = end_of(errand, lasts)
        body = {kind: owner, "description": label, "expires_at": expires}
        project = about.get("default_project_id")
        if isinstance(project, str) and UUID.fullmatch(project):
            body["default_project_id"] = project
        answer = await call(errand, "POST", _KEYS, _headers(errand), body)
        if answer.status_code in {401, 403}:
            raise NotDone(f"Scaleway does not let this key make another one. {_NEEDS}")
        if answer.status_code in REFUSALS:
            raise NotDone(
                f"Scaleway made no key. Its organisation may allow none that lasts {lasts.days} "
                "days, or no more keys."
            )
        if answer.status_code not in {200, 201}:
            raise unexpected(answer)
        made = json_object(answer)
        secret = told_secret(made.get("secret_key"), "An API key")
        access_key = told_name(made.get("access_key"), "An API key")
        return Issued(
            access_key,
            {"secret_key": secret},
            {"access_key": access_key},
            moment(made.get("expires_at")),
        )

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        answer = await _get(errand, f"/{errand.config.values['access_key']}")
        about = _known(errand, answer)
        return tuple(
            [
                Labelled(str(one.get("access_key")), moment(one.get("created_at")))
                async for one in _listed(errand, about, answer)
                if one.get("description") == label
            ]
        )

    async def revoke(self, errand: Errand, handle: str) -> None:
        if not _ACCESS_KEY.fullmatch(handle):
            raise NotDone("This is not the Access Key of an API key.")
        answer = await call(errand, "DELETE", f"{_KEYS}/{handle}", _headers(errand))
        if answer.status_code in {401, 403}:
            raise NotDone(f"Scaleway does not let this key delete {handle[:7]}…. {_NEEDS}")
        if answer.status_code not in {200, 204, 404}:
            raise unexpected(answer)

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        answer = await _get(errand, f"/{handle}")
        return {200: True, 404: False}.get(answer.status_code)


def _headers(errand: Errand) -> dict[str, str]:
    given = errand.access.get("iam_secret_key") or errand.config.secrets["secret_key"]
    return {"X-Auth-Token": given.reveal()}


async def _get(errand: Errand, rest: str) -> httpx.Response:
    return await call(errand, "GET", f"{_KEYS}{rest}", _headers(errand))


def _problem(errand: Errand, answer: httpx.Response, own: str) -> str:
    """What the answer about the key in force shows to be missing."""
    whose = "The Secret Key that manages" if errand.access.get("iam_secret_key") else "This API key"
    if answer.status_code == 401:
        return f"Scaleway refused {whose[0].lower()}{whose[1:]}: it is wrong, expired or deleted."
    if answer.status_code == 403:
        return f"{whose} may not read API keys. {_NEEDS}"
    if answer.status_code == 404:
        return f"Scaleway knows no Access Key {own[:7]}…; correct it first."
    if answer.status_code != 200:
        raise unexpected(answer)
    return ""


def _known(errand: Errand, answer: httpx.Response) -> dict[str, object]:
    problem = _problem(errand, answer, errand.config.values["access_key"])
    if problem:
        raise NotDone(problem)
    return json_object(answer)


def _owner(about: Mapping[str, object], answer: httpx.Response) -> tuple[str, str]:
    """Whose key it is: a user's or an application's."""
    for kind in ("application_id", "user_id"):
        value = about.get(kind)
        if isinstance(value, str) and UUID.fullmatch(value):
            return kind, value
    raise unexpected(answer)


async def _listed(
    errand: Errand, about: Mapping[str, object], known: httpx.Response
) -> AsyncIterator[Mapping[str, object]]:
    """Every key of the owner; Unclear where that cannot be told."""
    _, owner = _owner(about, known)

    async def ask(page: int) -> httpx.Response:
        query = urlencode({"bearer_id": owner, "page": page, "page_size": PER_PAGE})
        answer = await _get(errand, f"?{query}")
        if answer.status_code in {401, 403}:
            raise NotDone(f"Scaleway does not let this key list API keys. {_NEEDS}")
        return answer

    async for one in paged(ask, "api_keys"):
        if _ACCESS_KEY.fullmatch(str(one.get("access_key"))):
            yield one
