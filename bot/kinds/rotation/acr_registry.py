"""A registry of Azure as its management shows it: a token, and the slots of its two passwords.

Source: Azure REST API, container registry, registries and tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx

from bot.core.secret import Secret
from bot.errors import NotDone
from bot.kinds.age import moment, unix_moment
from bot.kinds.base import Field
from bot.kinds.rotation.azure import CLOUDS, Manager, Principal
from bot.kinds.rotation.base import Errand
from bot.kinds.rotation.manners import unexpected
from bot.kinds.shape import UUID
from bot.kinds.visit import json_object

SLOTS: Final = ("password1", "password2")
HOST: Final = re.compile(
    r"(?P<name>[a-z0-9]{5,50})(?:-[a-z0-9]{1,50})?\.(?P<cloud>azurecr\.(?:io|cn|us))"
)
REGISTRY: Final = re.compile(
    r"/subscriptions/[0-9a-fA-F-]{36}/resourceGroups/(?!\.)[A-Za-z0-9_.()-]{1,90}"
    r"/providers/Microsoft\.ContainerRegistry/registries/(?P<name>[A-Za-z0-9]{5,50})",
    re.IGNORECASE,
)
HANDLE: Final = re.compile(r"(?P<slot>password[12])(?:@(?P<made>[0-9]{1,12}))?")
KIND: Final = "Microsoft.ContainerRegistry/registries"
MAKES: Final = f"{KIND}/generateCredentials/action"
WRITES: Final = f"{KIND}/tokens/write"
FIELDS: Final = (
    Field("tenant", "Tenant ID of the service principal", max_length=255),
    Field("client", "Client ID of the service principal", max_length=36),
    Field("client_secret", "Client secret of the service principal", secret=True),
    Field(
        "registry",
        "Resource ID of the registry",
        hint="As az acr show --query id prints it: /subscriptions/…/registries/NAME.",
        max_length=400,
    ),
)
_VERSION: Final = "2023-07-01"
_SAME: Final = timedelta(minutes=2)
"""By so much two answers may differ on when a password was made."""
_DOES: Final = {
    "GET": f"look at the token. It needs {KIND}/read and {KIND}/tokens/read.",
    "POST": f"make a password. It needs {MAKES}.",
    "PATCH": f"end a password. It needs {WRITES}.",
}


@dataclass(frozen=True, slots=True)
class Password:
    """A password as Azure lists it, without itself."""

    slot: str
    made_at: datetime | None

    @classmethod
    def read(cls, slot: str, told: Mapping[str, object]) -> Password:
        return cls(slot, moment(told.get("creationTime")))

    @property
    def handle(self) -> str:
        return f"{self.slot}@{self.made_at.timestamp():.0f}" if self.made_at else self.slot

    def is_called(self, handle: str) -> bool:
        """Whether it is the one of a handle, and not one that was made in its slot since."""
        match = HANDLE.fullmatch(handle)
        if match is None or match["slot"] != self.slot:
            return False
        made_at = unix_moment(int(match["made"])) if match["made"] else None
        if made_at is None or self.made_at is None:
            return True
        return abs(self.made_at - made_at) <= _SAME


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its passwords, in the order of their slots."""

    enabled: bool
    passwords: tuple[Password, ...]

    @property
    def slots(self) -> tuple[str, ...]:
        return tuple(one.slot for one in self.passwords)


@dataclass(frozen=True, slots=True)
class Place:
    """The registry at Azure; `registry` and `token_path` are its and its token's resource IDs."""

    manager: Manager
    host: str
    registry: str
    token_path: str

    @classmethod
    async def find(cls, errand: Errand) -> Place:
        """Signed in; NotDone where what was given does not fit this registry."""
        given = {one.name: errand.access.get(one.name) for one in FIELDS}
        if not all(given.values()):
            raise NotDone("Put in a service principal that may make and end passwords of tokens.")
        told = {name: secret.reveal().strip() for name, secret in given.items() if secret}
        host = HOST.fullmatch(errand.config.host)
        assert host is not None, "asked for registries of Azure only"
        path = REGISTRY.fullmatch(told["registry"].rstrip("/"))
        if path is None or path["name"].lower() != host["name"]:
            raise NotDone(
                f"The resource ID is not that of {host['name']}. It looks like "
                "/subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/"
                f"registries/{host['name']}."
            )
        if not UUID.fullmatch(told["client"]):
            raise NotDone("The client ID of a service principal is a UUID.")
        principal = Principal(told["tenant"], told["client"], Secret(told["client_secret"]))
        manager = await Manager.sign_in(errand, CLOUDS[host["cloud"]], principal)
        token = f"{path[0]}/tokens/{errand.config.values['username']}"
        return cls(manager, errand.config.host, path[0], token)

    async def ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        answer = await self.manager.call(method, path, _VERSION, body)
        if answer.status_code in {401, 403}:
            raise NotDone(f"Azure does not let the service principal {_DOES[method]}")
        return answer

    async def must_be_this_registry(self) -> None:
        """Names are given anew in other groups: only Azure tells the address of this one."""
        answer = await self.ask("GET", self.registry)
        if answer.status_code == 404:
            raise NotDone("Azure knows no registry of this resource ID.")
        if answer.status_code != 200:
            raise unexpected(answer)
        about = json_object(answer).get("properties")
        server = about.get("loginServer") if isinstance(about, dict) else None
        if not isinstance(server, str):
            raise unexpected(answer)
        if server.lower() != self.host:
            raise NotDone(f"The registry of this resource ID is not at {self.host}.")

    async def token(self) -> Token:
        answer = await self.ask("GET", self.token_path)
        if answer.status_code == 404:
            raise NotDone("Azure knows no token of this name in the registry.")
        about = json_object(answer).get("properties")
        if answer.status_code != 200 or not isinstance(about, dict):
            raise unexpected(answer)
        credentials = about.get("credentials")
        listed = credentials.get("passwords") if isinstance(credentials, dict) else None
        found = {
            str(one["name"]): Password.read(str(one["name"]), one)
            for one in (listed if isinstance(listed, list) else [])
            if isinstance(one, dict) and one.get("name") in SLOTS
        }
        if len(found) != len(listed or []):  # one that is not understood must not be overwritten
            raise unexpected(answer)
        return Token(
            about.get("status") != "disabled", tuple(found[one] for one in SLOTS if one in found)
        )
