"""GitHub's container registry: on github.com, with data residency, and on a server of one's own."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import unquote

from bot.sandbox.practice.ask import Answer, Ask, as_html, as_json, as_text, refusal
from bot.sandbox.practice.keyring import Held
from bot.sandbox.practice.paging import numbered
from bot.sandbox.practice.shapes import github_token, random_text
from bot.sandbox.practice.states import OF_A_TOKEN, State
from bot.sandbox.practice.vendor import (
    RETRY_SECONDS,
    AccountVendor,
    Bench,
    Denial,
    Standing,
)

PACKAGES = re.compile(
    r"/(?:(?P<kind>orgs|users)/(?P<owner>[^/]+)|user)/packages"
    r"(?:/container/(?P<package>[^/]+)/versions)?"
)


REVOCATIONS = 60  # an hour
REVOKED_WITHIN = timedelta(minutes=5)


class Ghcr(AccountVendor):
    """`ghcr.io` and `api.github.com`. The user name is not evaluated, as at the real one."""

    slug: ClassVar = "ghcr"
    label: ClassVar = "GitHub Container Registry"
    host: ClassVar = "ghcr.io"
    hosts: ClassVar = re.compile(r"ghcr\.io|api\.github\.com")
    planes: ClassVar = re.compile(r"ghcr\.io")
    realm: ClassVar = "https://{host}/token"
    hint: ClassVar = "repository:user/image:pull"
    own_states: ClassVar[tuple[State, ...]] = (*OF_A_TOKEN, State.SSO_REQUIRED)
    asks_for: ClassVar = "Personal access token"
    lifetime: ClassVar = timedelta(days=60)

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.make("practice")
        self._revocations: list[datetime] = []

    def make(self, label: str = "") -> Held:
        handle = random_text(7, "123456789")
        return self.keyring.add(handle, github_token(), label=label, expires_at=self.new_expiry())

    def side(self, ask: Ask) -> Answer:
        if self.is_plane(ask.host):
            known = ask.path == "/token" and ask.method == "GET"
            return self._token(ask) if known else as_text(404, "404 page not found")
        return self._api(ask)

    def denied(self, denial: Denial) -> Answer:
        if not denial.claims.subject:
            return refusal(401, "UNAUTHORIZED", "authentication required")
        if self.now_state is State.LACKS_SCOPE:
            message = "permission_denied: The token provided does not match expected scopes."
            return refusal(403, "DENIED", message)
        if self.bench.shelf.holds(denial.pull.repository):
            return refusal(403, "DENIED", "permission_denied: read_package")
        return refusal(404, "NAME_UNKNOWN", "repository name not known to registry")

    def limited(self, ask: Ask) -> Answer:
        if self.is_plane(ask.host):
            return refusal(
                429,
                "TOOMANYREQUESTS",
                "retry-after: 880.092µs, allowed: 44000/minute",
                ("Retry-After", str(RETRY_SECONDS)),
            )
        return as_json(
            429,
            {"message": "You have exceeded a secondary rate limit."},
            ("Retry-After", str(RETRY_SECONDS)),
            ("X-RateLimit-Remaining", "0"),
        )

    def _standing(self, token: str | None) -> Standing:
        standing = self.standing(token, self.keyring.holding(token or ""))
        sso = self.now_state is State.SSO_REQUIRED
        return Standing.GUEST if sso and standing is Standing.MEMBER else standing

    def _token(self, ask: Ask) -> Answer:
        sent = "authorization" in ask.headers
        given = ask.basic
        standing = self._standing((given[1] if given else "") if sent else None)
        if standing is Standing.REFUSED:
            # Also for public packages: a bad stored token breaks pulls that work without any.
            return refusal(403, "DENIED", "denied")
        subject = given[0] if given else ""
        granted = self.granted(ask, standing)
        return as_json(200, self.bench.desk.issue(subject, ask.host, granted))

    def _api(self, ask: Ask) -> Answer:
        path = ask.path.removeprefix("/api/v3")
        if not ask.headers.get("user-agent"):
            return as_text(403, "Request forbidden by administrative rules.")
        if ask.host == "api.github.com" and path == "/credentials/revoke":
            return self._revoke(ask)
        standing = self._standing(ask.bearer or None)
        if standing is Standing.REFUSED or (standing is Standing.NOBODY and path == "/user"):
            message = "Bad credentials" if ask.shows else "Requires authentication"
            held = self.keyring.holding(ask.bearer)
            over = held is not None and self.state_of(held) is State.EXPIRED
            headers = [self._expiry(ask)] if over else []
            return as_json(401, {"message": message, "status": "401"}, *headers)
        if ask.method == "GET" and path == "/user":
            return as_json(200, {"login": self.username, "id": 7}, *self._headers(ask))
        if ask.method == "GET" and (found := PACKAGES.fullmatch(path)):
            return self._packages(ask, standing, found)
        return as_json(404, {"message": "Not Found", "status": "404"})

    def _revoke(self, ask: Ask) -> Answer:
        """Ends tokens that anybody has found, for whoever does not sign in; after a while."""
        now, tokens = self.bench.clock.now(), ask.json.get("credentials")
        if ask.method != "POST" or ask.shows:
            return as_json(403, {"message": "Must not be authenticated", "status": "403"})
        self._revocations = [at for at in self._revocations if now - at < timedelta(hours=1)]
        if len(self._revocations) >= REVOCATIONS:
            return as_json(403, {"message": "rate limit"}, ("X-RateLimit-Remaining", "0"))
        if not isinstance(tokens, list) or not 1 <= len(tokens) <= 1000:
            return as_json(422, {"message": "Validation Failed", "status": "422"})
        self._revocations.append(now)
        for token in tokens:
            held = self.keyring.holding(str(token))
            if held is not None:
                self.keyring.end(held.handle, lingers=REVOKED_WITHIN)
        return as_json(202, {})

    def _packages(self, ask: Ask, standing: Standing, asked: re.Match[str]) -> Answer:
        """The packages of an organisation, or the versions of one of them."""
        if standing is not Standing.MEMBER:
            message = "You need at least read:packages scope to list packages."
            if self.now_state is State.SSO_REQUIRED:
                message = "Resource protected by organization SAML enforcement."
            return as_json(403, {"message": message}, *self._headers(ask))
        shelf, owner = self.bench.shelf, asked["owner"] or "team"
        if asked["kind"] == "users" or owner not in {"team", "public"}:
            return as_json(404, {"message": "Not Found", "status": "404"})
        at = f"{shelf.pushed:%Y-%m-%dT%H:%M:%SZ}"
        if asked["package"]:
            name = f"{owner}/{unquote(asked['package'])}"
            if not shelf.holds(name):
                return as_json(404, {"message": "Package not found.", "status": "404"})
            found: list[dict[str, object]] = [
                {"name": digest, "updated_at": at, "metadata": {"container": {"tags": [tag]}}}
                for tag, digest in shelf.tags(name).items()
            ]
        else:
            found = [
                {
                    "name": name.partition("/")[2],
                    "package_type": "container",
                    "owner": {"login": owner.capitalize()},
                    "updated_at": at,
                }
                for name in shelf.repositories()
                if name.startswith(f"{owner}/")
            ]
        return as_json(200, numbered(found, ask, "per_page"), *self._headers(ask))

    def _expiry(self, ask: Ask) -> tuple[str, str]:
        held = self.keyring.holding(ask.bearer) or self.shown
        at = held.expires_at
        assert at is not None
        if self.state is State.EXPIRED:
            at = min(at, self.bench.clock.now() - timedelta(hours=2))
        return ("GitHub-Authentication-Token-Expiration", at.strftime("%Y-%m-%d %H:%M:%S UTC"))

    def _headers(self, ask: Ask) -> list[tuple[str, str]]:
        scopes = "repo" if self.now_state is State.LACKS_SCOPE else "read:packages"
        found = [("X-OAuth-Scopes", scopes), self._expiry(ask)]
        if self.now_state is State.SSO_REQUIRED:
            url = "https://github.com/orgs/acme/sso?authorization_request=practice"
            found.append(("X-GitHub-SSO", f"required; url={url}"))
        return found


class GitHubEnterprise(Ghcr):
    """`containers.SUB.ghe.com` with `api.SUB.ghe.com`, and `containers.HOST` with `HOST/api/v3`."""

    slug: ClassVar = "github_enterprise"
    label: ClassVar = "GitHub Enterprise Container Registry"
    host: ClassVar = "containers.acme.ghe.com"
    hosts: ClassVar = re.compile(
        r"(?:containers|api)\.[a-z0-9-]+\.ghe\.com|(?:containers\.)?github\.practice\.example"
    )
    planes: ClassVar = re.compile(
        r"containers\.[a-z0-9-]+\.ghe\.com|containers\.github\.practice\.example"
    )

    def side(self, ask: Ask) -> Answer:
        own_server = ask.host == "github.practice.example"
        if own_server and not ask.path.startswith("/api/v3/"):
            return as_html(200, "GitHub Enterprise Server")
        return super().side(ask)
