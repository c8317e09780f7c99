"""A practice Azure: a container registry with a token of two passwords, Entra, Resource Manager.

Source: Azure REST API, container registry, registries and tokens; Azure CLI, acr/token.py. A
password is made by a request that is accepted first and answered where `Location` says; what is
made in a slot ends what was there; both take a minute to be known; an update that names some
passwords ends the others.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from bot.kinds.age import moment
from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text, refusal
from bot.sandbox.practice.keyring import Held
from bot.sandbox.practice.shapes import random_text
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import Bench, PracticeField, Standing, TokenVendor

REGISTRY = "acmepractice"
ACR = f"{REGISTRY}.azurecr.io"
ENTRA = "login.microsoftonline.com"
MANAGEMENT = "management.azure.com"
TOKEN = "ci-pull"  # noqa: S105 - a name
SETTLES = timedelta(seconds=60)
KIND = "Microsoft.ContainerRegistry/registries"
PERMISSIONS = "/providers/Microsoft.Authorization/permissions"
RIGHTS = (
    f"{KIND}/read",
    f"{KIND}/tokens/read",
    f"{KIND}/tokens/write",
    f"{KIND}/generateCredentials/action",
    f"{KIND}/operationStatuses/read",
)


class Azure(TokenVendor):
    """One registry with one token, and one service principal; `may` is what that may do.

    `polls` is how often the outcome of making a password is asked for before it is there,
    `tells_rights` whether the principal may ask what it may do.
    """

    slug: ClassVar = "generic"
    label: ClassVar = "Azure Container Registry"
    host: ClassVar = ACR
    hosts: ClassVar = re.compile("|".join(map(re.escape, (ACR, ENTRA, MANAGEMENT))))
    planes: ClassVar = re.compile(re.escape(ACR))
    realm: ClassVar = "https://{host}/oauth2/token"
    own_states: ClassVar[tuple[State, ...]] = ()

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.tenant, self.client = str(uuid.uuid4()), str(uuid.uuid4())
        self.client_secret = f"{random_text(3)}8Q~{random_text(34)}"
        self.path = f"/subscriptions/{uuid.uuid4()}/resourceGroups/practice/providers/{KIND}/"
        self.path += REGISTRY
        self.login_server = ACR
        self.may = list(RIGHTS)
        self.tells_rights = True
        self.enabled = True
        self.polls = 1
        self._sessions: set[str] = set()
        self._outcomes: dict[str, tuple[int, dict[str, object]]] = {}
        self.keyring.add("password1", random_text(52), login=TOKEN)

    def make(self, label: str = "") -> Held:
        """A password in a slot; what was there ends."""
        return self.fill(label or "password2", None, SETTLES)

    def fill(self, slot: str, expires_at: datetime | None, settles: timedelta) -> Held:
        self.keyring.end(slot, lingers=settles)
        return self.keyring.add(
            slot, random_text(52), login=TOKEN, expires_at=expires_at, settles=settles
        )

    def fields_of(self, held: Held) -> tuple[PracticeField, ...]:
        return (
            PracticeField("Registry URL of Azure", self.registry_url),
            PracticeField("Token of Azure", held.login),
            PracticeField("Password of that token", held.secret, secret=True),
        )

    def managing(self) -> tuple[PracticeField, ...]:
        """The token and what rotates it, beside what else is behind the generic kind."""
        return (
            *self.fields_of(self.shown),
            PracticeField("Tenant ID of the service principal", self.tenant),
            PracticeField("Client ID of the service principal", self.client),
            PracticeField(
                "Client secret of the service principal", self.client_secret, secret=True
            ),
            PracticeField("Resource ID of the registry", self.path),
        )

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), self.client_secret)

    def own(self, ask: Ask) -> Answer:
        if ask.host == ENTRA:
            return self._entra(ask)
        return self._manage(ask) if ask.host == MANAGEMENT else super().own(ask)

    def side(self, ask: Ask) -> Answer:
        """The registry's own token service, which tells its token by one name only."""
        if (ask.method, ask.path) != ("GET", "/oauth2/token"):
            return as_text(404, "404 page not found")
        given = ask.basic
        held = self.keyring.holding(given[1], given[0]) if given and self.enabled else None
        standing = self.standing(given, held)
        if standing in {Standing.NOBODY, Standing.REFUSED}:
            return refusal(401, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr")
        issued = self.bench.desk.issue(TOKEN, ask.host, self.granted(ask, standing), seconds=4500)
        return as_json(200, {"access_token": issued["access_token"]})

    def _entra(self, ask: Ask) -> Answer:
        form, asked = ask.form, (ask.method, ask.path)
        if asked != ("POST", f"/{self.tenant}/oauth2/v2.0/token"):
            return _entra_error(400, "invalid_request", 90002)
        if form.get("client_id") != self.client:
            return _entra_error(400, "unauthorized_client", 700016)
        if form.get("client_secret") != self.client_secret:
            return _entra_error(401, "invalid_client", 7000215)
        if form.get("scope") != f"https://{MANAGEMENT}/.default":
            return _entra_error(400, "invalid_scope", 70011)
        session = random_text(200)
        self._sessions.add(session)
        told = {"token_type": "Bearer", "expires_in": 3599, "access_token": session}
        return as_json(200, told)

    def _manage(self, ask: Ask) -> Answer:
        if ask.bearer not in self._sessions:
            return _arm_error(401, "AuthenticationFailed")
        token = f"{self.path}/tokens/{TOKEN}"
        match ask.method, ask.path:
            case "GET", self.path:
                about = {"loginServer": self.login_server}
                return self._if_allowed("read", {"id": self.path, "properties": about})
            case "GET", path if path == token:
                return self._if_allowed("tokens/read", self._token())
            case "PATCH", path if path == token:
                return self._update(ask)
            case "POST", path if path == f"{self.path}/generateCredentials":
                return self._generate(ask, token)
            case "GET", path if path.startswith(f"{self.path}/operationStatuses/"):
                return self._outcome(path)
            case "GET", path if (
                path == f"{self.path}/providers/Microsoft.Authorization/permissions"
            ):
                if not self.tells_rights:
                    return _arm_error(403, "AuthorizationFailed")
                return as_json(200, {"value": [{"actions": self.may, "notActions": []}]})
        return _arm_error(404, "ResourceNotFound")

    def _if_allowed(self, action: str, told: dict[str, object]) -> Answer:
        if f"{KIND}/{action}" not in self.may:
            return _arm_error(403, "AuthorizationFailed")
        return as_json(200, told)

    def _token(self) -> dict[str, object]:
        passwords = [_shown(one) for one in sorted(self.keyring, key=lambda one: one.handle)]
        status = "enabled" if self.enabled else "disabled"
        about = {"status": status, "credentials": {"passwords": passwords}}
        return {"name": TOKEN, "properties": {**about, "provisioningState": "Succeeded"}}

    def _update(self, ask: Ask) -> Answer:
        allowed = self._if_allowed("tokens/write", {})
        if allowed.status != 200:
            return allowed
        given = ask.json.get("properties", {}).get("credentials", {}).get("passwords", [])
        staying = {one["name"] for one in given}
        for one in self.keyring:
            if one.handle not in staying:
                self.keyring.end(one.handle, lingers=SETTLES)
        return as_json(200, self._token())

    def _generate(self, ask: Ask, token: str) -> Answer:
        allowed = self._if_allowed("generateCredentials/action", {})
        if allowed.status != 200:
            return allowed
        wanted = ask.json
        if str(wanted.get("tokenId", "")).lower() != token.lower():
            return _arm_error(400, "InvalidTokenId")
        named = wanted.get("name")
        slots = [str(named)] if named else ["password1", "password2"]
        made = [self.fill(slot, moment(wanted.get("expiry")), SETTLES) for slot in slots]
        passwords = [{**_shown(one), "value": one.secret} for one in made]
        place = f"{self.path}/operationStatuses/registries-{uuid.uuid4()}"
        self._outcomes[place] = (self.polls, {"username": TOKEN, "passwords": passwords})
        return _accepted(place)

    def _outcome(self, place: str) -> Answer:
        left, told = self._outcomes.get(place, (0, {}))
        if f"{KIND}/operationStatuses/read" not in self.may:
            return _arm_error(403, "AuthorizationFailed")
        if left:
            self._outcomes[place] = (left - 1, told)
            return _accepted(place)
        return as_json(200, told) if told else _arm_error(404, "NotFound")


def _accepted(place: str) -> Answer:
    where = f"https://{MANAGEMENT}{place}?api-version=2023-07-01"
    return Answer(202, b"", (("Location", where), ("Retry-After", "0")))


def _shown(held: Held) -> dict[str, object]:
    ends = held.expires_at
    return {
        "name": held.handle,
        "creationTime": f"{held.made_at:%Y-%m-%dT%H:%M:%S}.1234567Z",
        "expiry": f"{ends:%Y-%m-%dT%H:%M:%SZ}" if ends else None,
    }


def _arm_error(status: int, code: str) -> Answer:
    return as_json(status, {"error": {"code": code, "message": "A practice refusal."}})


def _entra_error(status: int, error: str, code: int) -> Answer:
    told = {"error": error, "error_description": f"AADSTS{code}", "error_codes": [code]}
    return as_json(status, told)
