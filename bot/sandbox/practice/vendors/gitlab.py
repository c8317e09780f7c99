"""GitLab: the registry, `jwt/auth` and `personal_access_tokens/self`; hosted and self-managed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import unquote

from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text, refusal
from bot.sandbox.practice.keyring import Held, Keyring
from bot.sandbox.practice.paging import numbered
from bot.sandbox.practice.shapes import gitlab_deploy_token, gitlab_token
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import AccountVendor, Bench, PracticeField, Standing

SERVICE = "container_registry"
DEPLOY_TOKENS = re.compile(
    r"/api/v4/(?P<kind>groups|projects)/(?P<place>[^/]+)/deploy_tokens(?:/(?P<id>[0-9]+))?"
)
PERSONAL = re.compile(r"/api/v4/personal_access_tokens/(?P<id>[0-9]+)")
LONGEST = timedelta(days=365)
WITHOUT_DATE = timedelta(days=7)
DEPLOY_USER = "gitlab+deploy-token-7"
LISTS = re.compile(r"/api/v4/(?P<kind>groups|projects)/(?P<place>[^/]+)/registry/repositories")
REASONS = {
    State.EXPIRED: "Token is expired. You can either do re-authorization or token refresh.",
    State.REVOKED: "Token was revoked. You have to re-authorize from the user.",
}


class GitLab(AccountVendor):
    """`registry.gitlab.com`, and `registry.gitlab.practice.example` of a self-managed one."""

    slug: ClassVar = "gitlab"
    label: ClassVar = "GitLab Container Registry"
    host: ClassVar = "registry.gitlab.com"
    hosts: ClassVar = re.compile(r"(?:registry\.)?gitlab\.(?:com|practice\.example)")
    planes: ClassVar = re.compile(r"registry\.gitlab\.(?:com|practice\.example)")
    realm: ClassVar = "https://{parent}/jwt/auth"
    service: ClassVar = SERVICE
    asks_for: ClassVar = "Token"
    lifetime: ClassVar = timedelta(days=45)

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._made = 0
        self.make("practice")
        self.deploy_tokens = Keyring(bench.clock)
        self.deploy_tokens.add("7", gitlab_deploy_token(), login=DEPLOY_USER, label="ci")
        self.rotates_itself = True
        self._replaced_by: dict[str, str] = {}
        self.managers = Keyring(bench.clock)
        self.managers.add("9", gitlab_token(), label="registrar", expires_at=self.new_expiry())

    @property
    def deploy_token(self) -> str:
        """The deploy token to copy."""
        return self.deploy_tokens.shown.secret

    def make(self, label: str = "") -> Held:
        self._made += 1
        return self.keyring.add(
            str(41 + self._made), gitlab_token(), label=label, expires_at=self.new_expiry()
        )

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), *self.deploy_tokens.secrets(), *self.managers.secrets())

    def managing(self) -> tuple[PracticeField, ...]:
        deploy, manager = self.deploy_tokens.shown, self.managers.shown
        return (
            PracticeField("Username of the deploy token", deploy.login),
            PracticeField("Deploy token", deploy.secret, secret=True),
            PracticeField("Access token that manages deploy tokens", manager.secret, secret=True),
        )

    def side(self, ask: Ask) -> Answer:
        match ask.method, ask.path:
            case "GET", "/jwt/auth":
                return self._jwt(ask)
            case "GET", "/api/v4/personal_access_tokens/self":
                return self._self(ask)
            case "POST", "/api/v4/personal_access_tokens/self/rotate":
                return self._rotate(ask)
            case "GET", path if PERSONAL.fullmatch(path):
                return self._one(ask)
            case _, path if DEPLOY_TOKENS.fullmatch(path):
                return self._deploy_tokens(ask)
            case "GET", path if LISTS.fullmatch(path):
                return self._list(ask)
            case "GET", "/api/v4/version":
                return as_json(401, {"message": "401 Unauthorized"})
        return as_text(404, "404 page not found")

    def _held(self, given: tuple[str, str] | None) -> Held | None:
        # The user name counts for deploy tokens only.
        if given is None:
            return None
        login, secret = given
        return self.keyring.holding(secret) or self.deploy_tokens.holding(secret, login)

    def _jwt(self, ask: Ask) -> Answer:
        if ask.first("service") != SERVICE:
            return as_json(404, {"errors": [{"code": "UNAVAILABLE", "message": "not found"}]})
        sent = "authorization" in ask.headers
        given = ask.basic
        standing = self.standing(given or sent or None, self._held(given))
        if standing is Standing.REFUSED:
            return refusal(401, "UNAUTHORIZED", "HTTP Basic: Access denied")
        granted = self.granted(ask, standing)
        no_ability = self.now_state is State.LACKS_SCOPE
        if (standing is Standing.NOBODY and not granted) or (sent and no_ability):
            return refusal(403, "DENIED", "access forbidden")
        subject = given[0] if given else ""
        auth_type = "personal_access_token" if given else "none"
        issued = self.bench.desk.issue(subject, SERVICE, granted, seconds=900, auth_type=auth_type)
        return as_json(200, {"token": issued["token"]})

    def _self(self, ask: Ask) -> Answer:
        token = ask.headers.get("private-token") or ask.bearer
        held = self.keyring.holding(token) or self.managers.holding(token)
        standing = self.standing(token or None, held)
        if standing is Standing.NOBODY or held is None:
            return as_json(401, {"message": "401 Unauthorized"})
        if standing is Standing.REFUSED:
            ended = held.dead_from is not None
            reason = REASONS.get(State.REVOKED if ended else self.state_of(held))
            if reason is None:
                return as_json(401, {"message": "401 Unauthorized"})
            return as_json(401, {"error": "invalid_token", "error_description": reason})
        return as_json(200, self._about(held))

    def _rotate(self, ask: Ask) -> Answer:
        """The token replaces itself; one that did so before takes its whole family along."""
        held = self.keyring.holding(ask.headers.get("private-token", ""))
        if self.standing("sent", held) is Standing.REFUSED or held is None:
            after = self._replaced_by.get(held.handle, "") if held else ""
            while after:
                self.keyring.end(after)
                after = self._replaced_by.get(after, "")
            return as_json(401, {"message": "401 Unauthorized"})
        if not self.rotates_itself or self.now_state is State.LACKS_SCOPE:
            return as_json(403, {"error": "insufficient_scope", "scope": "api self_rotate"})
        now, given = self.bench.clock.now(), str(ask.json.get("expires_at", ""))
        ends = datetime.fromisoformat(f"{given}T00:00:00+00:00") if given else now + WITHOUT_DATE
        if ends > now + LONGEST:
            return as_json(400, {"message": "400 Bad request - Expires at must be sooner"})
        made = self.make(held.label)
        made.expires_at = ends.replace(hour=0, minute=0, second=0, microsecond=0)
        self._replaced_by[held.handle] = made.handle
        self.keyring.end(held.handle)
        return as_json(200, {**self._about(made), "token": made.secret})

    def _one(self, ask: Ask) -> Answer:
        """A token of the same person, alive or not."""
        asks = self.keyring.holding(ask.headers.get("private-token", ""))
        found = PERSONAL.fullmatch(ask.path)
        held = self.keyring.ever(found["id"]) if found else None
        if self.standing("sent", asks) is Standing.REFUSED:
            return as_json(401, {"message": "401 Unauthorized"})
        if held is None:
            return as_json(404, {"message": "404 Not Found"})
        gone = held.dead_from is not None
        return as_json(200, {**self._about(held), "revoked": gone, "active": not gone})

    def _deploy_tokens(self, ask: Ask) -> Answer:
        """The deploy tokens of the group `team`, for an access token with api alone."""
        token = ask.headers.get("private-token", "")
        held = self.managers.holding(token)
        if self.standing("sent", held) is Standing.REFUSED:
            known = self.standing("sent", self.keyring.holding(token)) is not Standing.REFUSED
            return as_json(403 if known else 401, {"error": "insufficient_scope"})
        found = DEPLOY_TOKENS.fullmatch(ask.path)
        assert found is not None
        if (found["kind"], unquote(found["place"])) != ("groups", "team"):
            return as_json(404, {"message": "404 Not Found"})
        if ask.method == "DELETE":
            gone = self.deploy_tokens.end(found["id"] or "")
            return Answer(204) if gone else as_json(404, {"message": "404 Not Found"})
        if ask.method == "POST":
            return self._new_deploy_token(ask)
        tokens = [_about_deploy_token(one) for one in self.deploy_tokens]
        return as_json(200, numbered(tokens, ask, "per_page"))

    def _new_deploy_token(self, ask: Ask) -> Answer:
        name, scopes = str(ask.json.get("name", "")), ask.json.get("scopes")
        if not name or scopes != ["read_registry"]:
            return as_json(400, {"message": "400 Bad request"})
        self._made += 1
        number = str(100 + self._made)
        given = ask.json.get("expires_at")
        held = self.deploy_tokens.add(
            number,
            gitlab_deploy_token(),
            login=str(ask.json.get("username") or f"gitlab+deploy-token-{number}"),
            label=name,
            expires_at=datetime.fromisoformat(given) if given else None,
        )
        return as_json(201, {**_about_deploy_token(held), "token": held.secret})

    def _list(self, ask: Ask) -> Answer:
        """The repositories of a group; the practice group has no project of its name."""
        token = ask.headers.get("private-token")
        standing = self.standing(token, self.keyring.holding(token or ""))
        if standing in {Standing.NOBODY, Standing.REFUSED}:
            return as_json(401, {"message": "401 Unauthorized"})
        if self.now_state is State.LACKS_SCOPE:
            return as_json(403, {"error": "insufficient_scope", "scope": "api read_api"})
        match = LISTS.fullmatch(ask.path)
        assert match is not None
        place = unquote(match["place"])
        names = [n for n in self.bench.shelf.repositories() if n.startswith(f"{place}/")]
        project = match["kind"] == "projects"
        if project:
            names = [n for n in self.bench.shelf.repositories() if n == place]
        if (project and not names) or place.partition("/")[0] not in {"team", "public"}:
            return as_json(404, {"message": f"404 {match['kind']} Not Found"})
        found = [{"id": at, "name": "", "path": name} for at, name in enumerate(names)]
        return as_json(200, numbered(found, ask, "per_page"))

    def _about(self, held: Held) -> dict[str, object]:
        lacks = self.now_state is State.LACKS_SCOPE
        scopes = ["read_user"] if lacks else ["read_api", "read_registry"]
        scopes += ["self_rotate"] if self.rotates_itself and not lacks else []
        scopes = ["api"] if held in self.managers else scopes
        assert held.expires_at is not None
        made = held.expires_at - timedelta(days=90)
        return {
            "id": int(held.handle),
            "name": held.label,
            "revoked": False,
            "created_at": made.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "scopes": scopes,
            "user_id": 7,
            "last_used_at": None,
            "active": True,
            "expires_at": held.expires_at.date().isoformat(),
        }


def _about_deploy_token(held: Held) -> dict[str, object]:
    ends = held.expires_at
    return {
        "id": int(held.handle),
        "name": held.label,
        "username": held.login,
        "expires_at": ends.isoformat() if ends is not None else None,
        "scopes": ["read_registry"],
        "revoked": False,
        "expired": False,
    }
