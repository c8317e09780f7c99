"""Azure Resource Manager as a service principal sees it: signing in, asking, waiting for the end.

The addresses are fixed for each cloud, by the domain of the registry; nothing that Azure or anybody
answers can add one. Source: Microsoft identity platform, client credentials; Azure Resource
Manager, asynchronous operations; Azure CLI, cloud.py, for the addresses.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import httpx

from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.net import LARGE
from bot.kinds.rotation.base import Errand
from bot.kinds.rotation.manners import call, told_secret, unexpected
from bot.kinds.visit import json_object, parsed

_PAUSE: Final = 2.0  # seconds, where Azure names none
_SHORTEST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 15.0
_TENANT: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*")
_FORM: Final = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
}
_REFUSED: Final = (
    "Entra refused the service principal: its tenant, its client ID or its secret is wrong, or the "
    "secret has expired."
)


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Microsoft's clouds: where to sign in, and where resources are managed."""

    login: str
    management: str


CLOUDS: Final[Mapping[str, Cloud]] = {
    "azurecr.io": Cloud("login.microsoftonline.com", "management.azure.com"),
    "azurecr.cn": Cloud("login.chinacloudapi.cn", "management.chinacloudapi.cn"),
    "azurecr.us": Cloud("login.microsoftonline.us", "management.usgovcloudapi.net"),
}
"""By the domain of a registry. That of Germany, azurecr.de, was closed in 2021."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A service principal, as a person gave it."""

    tenant: str
    client_id: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class Manager:
    """Azure Resource Manager in one cloud, asked with a token that lasts for an hour."""

    errand: Errand
    cloud: Cloud
    token: Secret

    @classmethod
    async def sign_in(cls, errand: Errand, cloud: Cloud, principal: Principal) -> Manager:
        """NotDone where Entra does not know the principal."""
        if not _TENANT.fullmatch(principal.tenant):
            raise NotDone("The tenant ID is a UUID, or a domain such as acme.onmicrosoft.com.")
        body = {
            "grant_type": "client_credentials",
            "client_id": principal.client_id,
            "client_secret": principal.secret.reveal(),
            "scope": f"https://{cloud.management}/.default",
        }
        url = f"https://{cloud.login}/{principal.tenant}/oauth2/v2.0/token"
        answer = await errand.visit.request(
            "POST", url, dict(_FORM), urlencode(body).encode(), auth=True, limit=LARGE
        )
        if answer.status_code in {400, 401, 403}:
            raise NotDone(_REFUSED)
        if answer.status_code != 200:
            raise unexpected(answer)
        return cls(errand, cloud, told_secret(json_object(answer).get("access_token"), "A token"))

    async def call(
        self, method: str, path: str, version: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        url = f"https://{self.cloud.management}{path}?api-version={version}"
        return await self._send(method, url, body)

    async def outcome(self, answer: httpx.Response) -> dict[str, object]:
        """What an operation that was accepted leads to; it is waited for.

        Unclear where that cannot be told: whether it was done shows only by looking.
        """
        where = answer.headers.get("location", "")
        self.errand.takes_long()
        while answer.status_code == 202 or _is_under_way(answer):
            url = self._vetted(where)
            await asyncio.sleep(_pause(answer))
            answer = await self._send("GET", url)
        told = json_object(answer)
        if answer.status_code != 200 or told.get("status") in {"Failed", "Canceled"}:
            raise unexpected(answer)
        return told

    def _vetted(self, where: str) -> str:
        """The address at which Azure says that it tells the outcome; it is sent our token."""
        try:
            url = parsed(where)
        except httpx.InvalidURL:
            url = httpx.URL("")
        if url.scheme != "https" or url.netloc != self.cloud.management.encode():
            raise Unclear("Azure took the request, but did not say where to hear of its outcome.")
        return where

    async def _send(
        self, method: str, url: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token.reveal()}"}
        return await call(self.errand, method, url, headers, body)


def _is_under_way(answer: httpx.Response) -> bool:
    """Some operations tell how they stand by a 200; those three words are the end of one."""
    if answer.status_code != 200:
        return False
    status = json_object(answer).get("status")
    return isinstance(status, str) and status not in {"Succeeded", "Failed", "Canceled"}


def _pause(answer: httpx.Response) -> float:
    text = answer.headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return min(max(float(text[:6]), _SHORTEST_PAUSE), _LONGEST_PAUSE)
    return _PAUSE


def allows(permissions: object, action: str) -> bool:
    """Whether Azure's list of what one may do has an action; they hold `*` for any text.

    Source: Azure RBAC, role definitions: each entry allows its actions less its notActions.
    """
    if not isinstance(permissions, list):
        return False
    entries = [one for one in permissions if isinstance(one, dict)]
    return any(
        _names(one.get("actions"), action) and not _names(one.get("notActions"), action)
        for one in entries
    )


def _names(patterns: object, action: str) -> bool:
    found = patterns if isinstance(patterns, list) else []
    return any(_is_like(one, action) for one in found if isinstance(one, str))


def _is_like(pattern: str, action: str) -> bool:
    """Whether the pattern's texts stand in the action in turn; an expression would try them all."""
    first, *parts = pattern.lower().split("*")
    rest = action.lower()
    if not parts:
        return rest == first
    *between, last = parts
    if not rest.startswith(first):
        return False
    rest = rest.removeprefix(first)
    for part in between:
        _, found, rest = rest.partition(part) if part else ("", "*", rest)
        if not found:
            return False
    return rest.endswith(last)
