"""Rotating personal access tokens of Docker Hub. Source: Docker documentation, Hub API.

Only the account's password may manage tokens: what was signed in with a token is refused (403,
docker/hub-feedback issue 2478), and so are passwords where two-factor or single sign-on is on. No
answer tells which token a secret is. So a token that Registrar did not make is not touched; a
person removes it, and from then on all goes by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

import httpx

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone
from bot.kinds.age import moment
from bot.kinds.base import Field
from bot.kinds.rotation.base import Errand, Issued, Labelled, Readiness, Right
from bot.kinds.rotation.manners import (
    NOTHING,
    PER_PAGE,
    REFUSALS,
    SideBySide,
    call,
    end_of,
    paged,
    told_name,
    told_secret,
    unexpected,
)
from bot.kinds.shape import UUID
from bot.kinds.visit import json_object

_API: Final = "https://hub.docker.com/v2"
_TOKENS: Final = f"{_API}/access-tokens"
_PERSONAL: Final = "dckr_pat_"
_JWT: Final = re.compile(r"[\x21-\x7e]{1,65536}")
# Docker Hub locks an account for about 15 minutes after several wrong sign-ins.
_APART: Final = timedelta(minutes=20)
_REFUSED: Final = (
    "Docker Hub refused the account's password. Where two-factor or single sign-on is on it takes "
    "none, and a person has to rotate. It is asked every 20 minutes at most, lest it locks the "
    "account."
)
_ONLY_PASSWORDS: Final = (
    "Access tokens may not manage access tokens at Docker Hub; only the account's password may."
)
_NOT_OURS: Final = (
    "Docker Hub does not tell which of its tokens the old one is, and Registrar did not make it. "
    "It stays until a person removes it; those made from now on are ended by Registrar."
)


class DockerHubTokens(SideBySide):
    slug: ClassVar = "docker_hub"
    settles: ClassVar = timedelta(minutes=1)
    reversible: ClassVar = True
    rights: ClassVar[tuple[Right, ...]] = (
        Right("the account's password", "to make, stop and delete its access tokens"),
    )
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "account_password",
            "Password of the Docker account",
            secret=True,
            hint="An access token may not manage tokens; nor a password with two-factor sign-in.",
            max_length=500,
        ),
    )

    def unsuited(self, config: Config) -> str:
        if config.anonymous:
            return NOTHING
        secret = config.secrets["password"].reveal()
        if secret.startswith("dckr_oat_"):
            return "Docker Hub's organisation tokens are made by an owner of the organisation."
        if not secret.startswith(_PERSONAL):
            return "Docker Hub's API changes no password; put in a personal access token first."
        return ""

    async def ready(self, errand: Errand) -> Readiness:
        try:
            tokens = await _listed(errand, await _signed_in(errand))
        except NotDone as error:
            return Readiness(problems=(str(error),))
        if any(_uuid(one) == errand.made for one in tokens if errand.made):
            return Readiness(errand.made)
        return Readiness(notes=(_NOT_OURS,))

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        headers = await _signed_in(errand)
        expires = end_of(errand, lasts)
        body = {"token_label": label, "scopes": ["repo:read"], "expires_at": expires}
        answer = await call(errand, "POST", _TOKENS, headers, body)
        _must_be_allowed(answer)
        if answer.status_code in REFUSALS:
            raise NotDone(
                "Docker Hub made no token. The account may have as many as it may, or none may "
                f"last {lasts.days} days."
            )
        if answer.status_code not in {200, 201}:
            raise unexpected(answer)
        made = json_object(answer)
        secret = told_secret(made.get("token"), "An access token")
        uuid = told_name(made.get("uuid"), "An access token")
        return Issued(uuid, {"password": secret}, expires_at=moment(made.get("expires_at")))

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        tokens = await _listed(errand, await _signed_in(errand))
        return tuple(
            Labelled(_uuid(one), moment(one.get("created_at")))
            for one in tokens
            if one.get("token_label") == label
        )

    async def disable(self, errand: Errand, handle: str) -> None:
        await _switch(errand, handle, active=False)

    async def enable(self, errand: Errand, handle: str) -> None:
        await _switch(errand, handle, active=True)

    async def revoke(self, errand: Errand, handle: str) -> None:
        url = _url(handle)
        answer = await call(errand, "DELETE", url, await _signed_in(errand))
        if answer.status_code == 404:
            return
        _must_be_allowed(answer)
        if answer.status_code not in {200, 202, 204}:
            raise unexpected(answer)

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        tokens = await _listed(errand, await _signed_in(errand))
        return any(_uuid(one) == handle and one.get("is_active") is True for one in tokens)


async def _switch(errand: Errand, handle: str, *, active: bool) -> None:
    url, headers = _url(handle), await _signed_in(errand)
    answer = await call(errand, "PATCH", url, headers, {"is_active": active})
    _must_be_allowed(answer)
    if answer.status_code == 404:
        raise NotDone("Docker Hub does not know this access token any more.")
    if answer.status_code not in {200, 202, 204}:
        raise unexpected(answer)


async def _signed_in(errand: Errand) -> dict[str, str]:
    """The headers of an API session; a password that was refused is left alone for a while."""
    password, username = errand.access.get("account_password"), errand.config.values["username"]
    if password is None:
        raise NotDone("Put in the password of the Docker account; it makes and deletes tokens.")
    if password.reveal().startswith("dckr_"):
        raise NotDone(_ONLY_PASSWORDS)
    session: dict[str, str] = {}

    async def accepted() -> bool:
        body = {"identifier": username, "secret": password.reveal()}
        answer = await call(errand, "POST", f"{_API}/auth/token", {}, body)
        if answer.status_code in {401, 403}:
            return False
        token = json_object(answer).get("access_token")
        if answer.status_code != 200 or not isinstance(token, str) or not _JWT.fullmatch(token):
            raise unexpected(answer)
        session["Authorization"] = f"Bearer {token}"
        return True

    key = ("docker hub account", username)
    keep = lambda good: timedelta() if good else _APART  # noqa: E731
    if not await errand.visit.memory.ask(key, accepted, keep):
        raise NotDone(_REFUSED)
    return session


async def _listed(errand: Errand, headers: Mapping[str, str]) -> Sequence[Mapping[str, object]]:
    """All tokens of the account."""

    async def ask(page: int) -> httpx.Response:
        url = f"{_TOKENS}?page={page}&page_size={PER_PAGE}"
        answer = await call(errand, "GET", url, headers)
        _must_be_allowed(answer)
        return answer

    return [one async for one in paged(ask, "results") if _uuid(one)]


def _must_be_allowed(answer: httpx.Response) -> None:
    if answer.status_code in {401, 403}:
        raise NotDone(
            f"Docker Hub does not let this sign-in manage access tokens. {_ONLY_PASSWORDS}"
        )


def _uuid(token: Mapping[str, object]) -> str:
    found = token.get("uuid")
    return found if isinstance(found, str) and UUID.fullmatch(found) else ""


def _url(handle: str) -> str:
    if not UUID.fullmatch(handle):
        raise NotDone("This is not an access token of Docker Hub.")
    return f"{_TOKENS}/{handle}"
