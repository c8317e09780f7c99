"""GitLab: the registry, `jwt/auth` and `personal_access_tokens/self`; hosted and self-managed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import ClassVar
from urllib.parse import unquote

from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text, refusal
from bot.sandbox.practice.keyring import Held, Keyring
from bot.sandbox.practice.paging import numbered
from bot.sandbox.practice.shapes import gitlab_deploy_token, gitlab_token
from bot.sandbox.practice.shelf import PRIVATE_IMAGE
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import Bench, PracticeField, Standing, TokenVendor

SERVICE = "container_registry"
DEPLOY_USER = "gitlab+deploy-token-7"
LISTS = re.compile(r"/api/v4/(?P<kind>groups|projects)/(?P<place>[^/]+)/registry/repositories")
REASONS = {
    State.EXPIRED: "Token is expired. You can either do re-authorization or token refresh.",
    State.REVOKED: "Token was revoked. You have to re-authorize from the user.",
}


class GitLab(TokenVendor):
    """`registry.gitlab.com`, and `registry.gitlab.practice.example` of a self-managed one."""

    slug: ClassVar = "gitlab"
    label: ClassVar = "GitLab Container Registry"
    host: ClassVar = "registry.gitlab.com"
    hosts: ClassVar = re.compile(r"(?:registry\.)?gitlab\.(?:com|practice\.example)")
    planes: ClassVar = re.compile(r"registry\.gitlab\.(?:com|practice\.example)")
    realm: ClassVar = "https://{parent}/jwt/auth"
    service: ClassVar = SERVICE
    own_states: ClassVar[tuple[State, ...]] = (
        State.WRONG_SECRET,
        State.EXPIRED,
        State.REVOKED,
        State.LACKS_SCOPE,
        State.NO_ACCESS,
    )
    lifetime: ClassVar = timedelta(days=45)

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.username = "acme-ci"
        self._made = 0
        self.make("practice")
        self.deploy_tokens = Keyring(bench.clock)
        self.deploy_tokens.add("7", gitlab_deploy_token(), login=DEPLOY_USER)

    @property
    def token(self) -> str:
        """The personal token to copy."""
        return self.shown.secret

    @property
    def deploy_token(self) -> str:
        """The deploy token to copy."""
        return self.deploy_tokens.shown.secret

    def make(self, label: str = "") -> Held:
        self._made += 1
        return self.keyring.add(
            str(41 + self._made), gitlab_token(), label=label, expires_at=self.new_expiry()
        )

    def fields_of(self, held: Held) -> tuple[PracticeField, ...]:
        return (
            PracticeField("Registry URL", self.registry_url),
            PracticeField("Username", self.username),
            PracticeField("Token", held.secret, secret=True),
            PracticeField("Path scope", "team"),
            PracticeField("Test image", PRIVATE_IMAGE),
        )

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), *self.deploy_tokens.secrets())

    def side(self, ask: Ask) -> Answer:
        match ask.method, ask.path:
            case "GET", "/jwt/auth":
                return self._jwt(ask)
            case "GET", "/api/v4/personal_access_tokens/self":
                return self._self(ask)
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
        held = self.keyring.holding(token)
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
