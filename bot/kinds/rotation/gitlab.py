"""GitLab's API for tokens: where it is, and what it tells of the token that asks.

Source: GitLab documentation, personal access token API; its specification of self rotation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

import httpx

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.age import moment
from bot.kinds.base import Field
from bot.kinds.gitlab_api import api_url, realm_of
from bot.kinds.rotation.base import Errand, Issued, Labelled, Readiness, Right, Strategy
from bot.kinds.rotation.manners import NOTHING, REFUSALS, Unstoppable, call, told_secret, unexpected
from bot.kinds.visit import json_object

_DEPLOY: Final = ("gldt-", "gitlab+deploy-token-")
_ROTATES: Final = frozenset({"api", "self_rotate"})
_SCOPE: Final = re.compile(r"[a-z_]{1,60}")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_UNKNOWN: Final = (
    "GitLab does not know this as an access token of a person, project or group; no other replaces "
    "itself."
)
_SELF: Final = "personal_access_tokens/self"


@dataclass(frozen=True, slots=True)
class Api:
    """GitLab's API as one token sees it; found by the registry's own challenge, which is vetted."""

    errand: Errand
    realm: httpx.URL
    token: Secret

    @classmethod
    async def find(cls, errand: Errand, token: Secret) -> Api:
        return cls(errand, await realm_of(errand.visit), token)

    async def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        """`path` is below the API, with its query."""
        url = api_url(self.realm, path)
        return await call(self.errand, method, url, {"PRIVATE-TOKEN": self.token.reveal()}, body)


def is_deploy_token(config: Config) -> bool:
    """Whether a credential is a deploy token, by its own shape or its user's."""
    secret = config.secrets["token"].reveal()
    return secret.startswith(_DEPLOY[0]) or config.values.get("username", "").startswith(_DEPLOY[1])


def number_of(about: Mapping[str, object]) -> str:
    """A token's number, by which GitLab names it; empty for anything else, of whatever length."""
    told = str(about.get("id", ""))
    return told if _NUMBER.fullmatch(told) else ""


def scopes_of(about: Mapping[str, object]) -> tuple[str, ...]:
    found = about.get("scopes")
    listed = found if isinstance(found, list) else []
    return tuple(one for one in listed if isinstance(one, str) and _SCOPE.fullmatch(one))[:40]


class GitlabToken(Unstoppable):
    """An access token of a person, project or group replaces itself, and is dead from then on.

    Whoever rotates one that was replaced already ends the new one too (GitLab 16.3, reuse
    detection), so an answer that says neither yes nor no is never followed by another request.
    """

    slug: ClassVar = "gitlab_token"
    strategy: ClassVar = Strategy.IN_PLACE
    settles: ClassVar = timedelta()
    rights: ClassVar[tuple[Right, ...]] = (
        Right("self_rotate", "for the token to replace itself; api will do as well"),
    )
    fields: ClassVar[tuple[Field, ...]] = ()

    def unsuited(self, config: Config) -> str:
        if config.anonymous:
            return NOTHING
        return "A deploy token cannot replace itself." if is_deploy_token(config) else ""

    async def ready(self, errand: Errand) -> Readiness:
        api = await Api.find(errand, errand.config.secrets["token"])
        answer = await api.call("GET", _SELF)
        if answer.status_code == 401:
            return Readiness(problems=(_UNKNOWN,))
        about = json_object(answer)
        if answer.status_code != 200 or not isinstance(about.get("scopes"), list):
            raise unexpected(answer)
        handle, scopes = number_of(about), scopes_of(about)
        if not _ROTATES & set(scopes):
            has = ", ".join(scopes)[:200] or "none"
            problem = (
                f"The token lacks self_rotate (has: {has}). Create one with read_registry and "
                "self_rotate, and put it in."
            )
            return Readiness(handle, (problem,))
        return Readiness(handle, notes=("GitLab ends the old token when it makes the new one.",))

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        api = await Api.find(errand, errand.config.secrets["token"])
        # Without a date the new one lives for a week.
        ends = (errand.visit.clock.now() + lasts).date().isoformat()
        answer = await api.call("POST", f"{_SELF}/rotate", {"expires_at": ends})
        _must_be_rotated(answer, lasts)
        made = json_object(answer)
        secret = told_secret(made.get("token"), "A new token")
        handle, expires = number_of(made), moment(made.get("expires_at"))
        return Issued(handle, {"token": secret}, expires_at=expires)

    async def recover(self, errand: Errand, proposed: Secret) -> Issued | None:
        return None

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        return ()  # it takes the place of the old one, under the old one's name

    async def revoke(self, errand: Errand, handle: str) -> None:
        raise NotDone("GitLab ended the old token when it made the new one.")

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        if not _NUMBER.fullmatch(handle):
            return None
        api = await Api.find(errand, errand.config.secrets["token"])
        answer = await api.call("GET", f"personal_access_tokens/{handle}")
        active = json_object(answer).get("active")
        return active if answer.status_code == 200 and isinstance(active, bool) else None


def _must_be_rotated(answer: httpx.Response, lasts: timedelta) -> None:
    status = answer.status_code
    if status in {200, 201}:
        return
    if status == 401:  # an earlier request may have replaced it: the old one will show
        raise Unclear("GitLab refused the token when it was to be replaced.")
    if status == 403:
        raise NotDone("GitLab does not let this token replace itself; it needs self_rotate.")
    if status == 404:
        raise NotDone("This GitLab cannot replace tokens; 16.10 and later can.")
    if status == 405:
        raise NotDone("GitLab replaces access tokens of persons, projects and groups only.")
    if status in REFUSALS:
        raise NotDone(
            f"GitLab did not replace the token. Its administrator may allow none that lasts "
            f"{lasts.days} days; let new ones last for less."
        )
    raise unexpected(answer)
