"""Docker Hub: `auth.docker.io`, `hub.docker.com` and the registry."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text
from bot.sandbox.practice.keyring import Held, Keyring
from bot.sandbox.practice.paging import numbered
from bot.sandbox.practice.shapes import docker_organisation_token, docker_token, random_text
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import (
    RETRY_SECONDS,
    AccountVendor,
    Bench,
    PracticeField,
    Standing,
)

SERVICE = "registry.docker.io"
PERSONAL = re.compile(r"/v2/access-tokens(?:/(?P<uuid>[0-9a-f-]{36}))?")
ACCOUNT = "hub.docker.com/account"
LOCKED_AFTER = 5
LISTS = re.compile(
    r"/v2/(?:repositories/(?P<owner>[^/]+)/"
    r"|namespaces/(?P<namespace>[^/]+)/repositories/(?P<repository>[^/]+)/tags)"
)


class DockerHub(AccountVendor):
    """The account is a person's; `organisation` signs in with a token of its own, which expires."""

    slug: ClassVar = "docker_hub"
    label: ClassVar = "Docker Hub"
    host: ClassVar = "docker.io"
    hosts: ClassVar = re.compile(r"(?:(?:registry-1|index|auth)\.)?docker\.io|hub\.docker\.com")
    planes: ClassVar = re.compile(r"(?:registry-1|index)\.docker\.io")
    realm: ClassVar = "https://auth.docker.io/token"
    service: ClassVar = SERVICE
    asks_for: ClassVar = "Password or access token"

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.make("practice")
        self.organisation = "acme"
        self.organisation_tokens = Keyring(bench.clock)
        self.organisation_tokens.add(
            str(uuid.uuid4()), docker_organisation_token(), login=self.organisation
        )
        self.password = random_text(20)
        self.two_factor = False
        self._failures: list[datetime] = []
        self.made_at = bench.clock.now().replace(microsecond=0) - timedelta(days=30)
        self.ends_at = self.made_at + timedelta(days=90)

    @property
    def organisation_token(self) -> str:
        """The token of the organisation to copy."""
        return self.organisation_tokens.shown.secret

    def make(self, label: str = "") -> Held:
        return self.keyring.add(str(uuid.uuid4()), docker_token(), login=self.username, label=label)

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), *self.organisation_tokens.secrets(), self.password)

    def managing(self) -> tuple[PracticeField, ...]:
        return (PracticeField("Password of the Docker account", self.password, secret=True),)

    def side(self, ask: Ask) -> Answer:
        match ask.method, ask.host, ask.path:
            case "GET", "auth.docker.io", "/token":
                return self._token(ask)
            case "POST", "hub.docker.com", "/v2/auth/token":
                return self._api_token(ask)
            case "GET", "hub.docker.com", "/v2/orgs/acme/access-tokens":
                return self._tokens(ask)
            case _, "hub.docker.com", path if PERSONAL.fullmatch(path):
                return self._personal(ask)
            case "GET", "hub.docker.com", path if LISTS.fullmatch(path):
                return self._list(ask)
            case _, "docker.io", _:
                return Answer(301, b"", (("Location", "https://www.docker.com/"),))
        return as_text(404, "404 page not found")

    def limited(self, ask: Ask) -> Answer:
        if ask.host == "hub.docker.com":
            # The Hub's API says when in Unix time, in a header of its own.
            at = int(self.bench.clock.now().timestamp()) + RETRY_SECONDS
            return as_json(429, {"detail": "Rate limit exceeded"}, ("X-Retry-After", str(at)))
        return super().limited(ask)

    def _standing(self, given: tuple[str, str] | None) -> Standing:
        if given is None:
            return Standing.NOBODY
        login, secret = given
        held = self.keyring.holding(secret, login)
        return self.standing(given, held or self.organisation_tokens.holding(secret, login))

    def _token(self, ask: Ask) -> Answer:
        given = ask.basic
        standing = self._standing(given)
        if standing is Standing.REFUSED:
            return as_json(401, {"details": "incorrect username or password"})
        subject = given[0] if given else ""
        return as_json(
            200, self.bench.desk.issue(subject, SERVICE, self.granted(ask, standing), seconds=300)
        )

    def _api_token(self, ask: Ask) -> Answer:
        given = (str(ask.json.get("identifier", "")), str(ask.json.get("secret", "")))
        now = self.bench.clock.now()
        self._failures = [at for at in self._failures if now - at < timedelta(minutes=15)]
        if len(self._failures) >= LOCKED_AFTER:
            return self.limited(ask)
        if given == (self.username, self.password) and not self.two_factor:
            issued = self.bench.desk.issue(given[0], ACCOUNT, seconds=600)
            return as_json(200, {"access_token": issued["token"]})
        if self._standing(given) is Standing.REFUSED:
            self._failures.append(now)
            return as_json(401, {"detail": "Incorrect authentication credentials"})
        issued = self.bench.desk.issue(given[0], "hub.docker.com", seconds=600)
        return as_json(200, {"access_token": issued["token"]})

    def _personal(self, ask: Ask) -> Answer:
        """The account's access tokens, for whoever signed in with its password."""
        if self.bench.desk.open(ask.bearer, ACCOUNT) is None:
            if self.bench.desk.open(ask.bearer, "hub.docker.com") is None:
                return as_json(401, {"detail": "unauthorized"})
            message = "token issued from personal access token is not allowed"
            return as_json(403, {"detail": message, "message": message})
        found = PERSONAL.fullmatch(ask.path)
        assert found is not None
        if not found["uuid"]:
            return self._new_token(ask) if ask.method == "POST" else self._own_tokens(ask)
        held = self.keyring.find(found["uuid"])
        if held is None:
            return as_json(404, {"detail": "not found"})
        if ask.method == "DELETE":
            self.keyring.end(held.handle)
            return Answer(204)
        if ask.method == "PATCH":
            held.active = bool(ask.json.get("is_active", held.active))
        return as_json(200, _about(held))

    def _own_tokens(self, ask: Ask) -> Answer:
        tokens = [_about(held) for held in self.keyring]
        return as_json(200, {"count": len(tokens), "results": numbered(tokens, ask)})

    def _new_token(self, ask: Ask) -> Answer:
        label, scopes = str(ask.json.get("token_label", "")), ask.json.get("scopes")
        if not 1 <= len(label) <= 100 or scopes != ["repo:read"]:
            return as_json(400, {"detail": "bad request"})
        held = self.make(label)
        if ask.json.get("expires_at"):
            held.expires_at = datetime.fromisoformat(ask.json["expires_at"])
        return as_json(201, {**_about(held), "token": held.secret})

    def _list(self, ask: Ask) -> Answer:
        """The repositories of a namespace, or the tags of one."""
        match = LISTS.fullmatch(ask.path)
        assert match is not None
        known = self.bench.desk.open(ask.bearer, "hub.docker.com") is not None
        shelf = self.bench.shelf
        if known and self.now_state in {State.LACKS_SCOPE, State.NO_ACCESS}:
            return as_json(403, {"detail": "forbidden", "message": "forbidden"})
        at = f"{shelf.pushed:%Y-%m-%dT%H:%M:%S.000000Z}"
        namespace = match["owner"] or match["namespace"]
        if match["repository"]:
            name = f"{namespace}/{match['repository']}"
            if not shelf.holds(name) or not (known or shelf.is_public(name)):
                return as_json(404, {"message": "object not found"})
            found = [
                {"name": tag, "digest": digest, "tag_last_pushed": at, "last_updated": at}
                for tag, digest in shelf.tags(name).items()
            ]
        else:
            found = [
                {"name": name.partition("/")[2], "namespace": namespace, "last_updated": at}
                for name in shelf.repositories()
                if name.startswith(f"{namespace}/") and (known or shelf.is_public(name))
            ]
        page = numbered(found, ask)
        more = bool(page) and page[-1] is not found[-1]
        link = f"https://hub.docker.com{ask.path}?page=next" if more else None
        return as_json(200, {"count": len(found), "next": link, "results": page})

    def _tokens(self, ask: Ask) -> Answer:
        claims = self.bench.desk.open(ask.bearer, "hub.docker.com")
        if claims is None or claims.subject != self.organisation:
            return as_json(403, {"detail": "forbidden", "message": "forbidden"})
        made, ends = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (self.made_at, self.ends_at))
        token_id = self.organisation_tokens.shown.handle
        ours = {"id": token_id, "is_active": True, "created_at": made, "expires_at": ends}
        gone = {"id": str(uuid.uuid4()), "is_active": False, "created_at": made, "expires_at": None}
        return as_json(200, {"total": 2, "next": None, "results": [gone, ours]})


def _about(held: Held) -> dict[str, object]:
    """A token as its list shows it: never with its secret."""
    ends = held.expires_at
    return {
        "uuid": held.handle,
        "token_label": held.label,
        "scopes": ["repo:read"],
        "is_active": held.active,
        "created_at": f"{held.made_at:%Y-%m-%dT%H:%M:%SZ}",
        "expires_at": f"{ends:%Y-%m-%dT%H:%M:%SZ}" if ends is not None else None,
    }
