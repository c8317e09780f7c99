"""Google Artifact Registry: token exchange, IAM, the repository's permissions, and the registry."""

from __future__ import annotations

import base64
import re
import secrets as randomness
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote, unquote

import jwt

from bot.core.clock import SystemClock
from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text, refusal
from bot.sandbox.practice.keyring import Held, Keyring
from bot.sandbox.practice.paging import after_token
from bot.sandbox.practice.shapes import ServiceAccount, service_account
from bot.sandbox.practice.shelf import PRIVATE_IMAGE
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import Bench, PracticeField, Standing, TokenVendor

PROJECT = "acme-practice"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
CERTIFICATES = "/robot/v1/metadata/x509/"
KEY_AGE = timedelta(days=20)
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TEST_PERMISSIONS = re.compile(
    r"/v1/projects/[^/]+/locations/[^/]+/repositories/[^/]+:testIamPermissions"
)
LISTS = re.compile(
    r"/v1/(?P<above>projects/[^/]+/locations/[^/]+/repositories)"
    r"(?:/(?P<repository>[^/]+)/packages(?:/(?P<package>[^/]+)/versions)?)?"
)
ACCOUNT = re.compile(
    r"/v1/projects/(?P<project>[^/]+)/serviceAccounts/(?P<email>[^/:]+)"
    r"(?:/(?P<keys>keys)(?:/(?P<key>[0-9a-f]+))?)?(?::(?P<verb>[A-Za-z]+))?"
)
MOST_KEYS = 10
SETTLES = timedelta(seconds=60)
KEY_RIGHTS = tuple(
    f"iam.serviceAccountKeys.{verb}"
    for verb in ("get", "list", "create", "disable", "enable", "delete")
)
BLOCKED = "constraints/iam.disableServiceAccountKeyCreation"
READ_PERMISSIONS = frozenset(
    {
        "artifactregistry.repositories.downloadArtifacts",
        "artifactregistry.repositories.list",
        "artifactregistry.tags.list",
    }
)
REASONS = {
    State.WRONG_SECRET: "Invalid JWT Signature.",
    State.REVOKED: "Invalid grant: account not found",
    State.CLOCK_SKEW: (
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
        "timeframe. Check your iat and exp values in the JWT claim."
    ),
}


class GoogleArtifactRegistry(TokenVendor):
    """Really verifies the signature of the JWT, with the public half of the key it gave out.

    `rights` are those that the account has on its own keys in IAM; the public certificate tells
    their age to everyone. `blocked` is an organisation's policy against keys.
    """

    slug: ClassVar = "gcp_artifact_registry"
    label: ClassVar = "GCP Artifact Registry"
    host: ClassVar = "europe-west1-docker.pkg.dev"
    hosts: ClassVar = re.compile(
        r"[a-z0-9-]+-docker\.pkg\.dev|(?:(?:us|eu|asia)\.)?gcr\.io"
        r"|(?:oauth2|artifactregistry|iam|www)\.googleapis\.com"
    )
    planes: ClassVar = re.compile(r"[a-z0-9-]+-docker\.pkg\.dev|(?:(?:us|eu|asia)\.)?gcr\.io")
    realm: ClassVar = "https://{host}/v2/token"
    own_states: ClassVar[tuple[State, ...]] = (
        State.WRONG_SECRET,
        State.REVOKED,
        State.LACKS_SCOPE,
        State.NO_ACCESS,
        State.CLOCK_SKEW,
    )

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._access_tokens: dict[str, Held] = {}
        self._accounts: dict[str, ServiceAccount] = {}
        self.rights = set(KEY_RIGHTS)
        self.blocked = False
        self._made_at = bench.clock.now().replace(microsecond=0) - KEY_AGE

    @cached_property
    def account(self) -> ServiceAccount:
        """With its first key. Made when it is first wanted, for an RSA key takes a while."""
        return service_account(PROJECT)

    @cached_property
    def keyring(self) -> Keyring:
        keyring = Keyring(self.bench.clock)
        held = keyring.add(self.account.key_id, self.account.text)
        held.made_at = held.known_from = self._made_at
        self._accounts[held.handle] = self.account
        return keyring

    def make(self, label: str = "") -> Held:
        keyring, made = self.keyring, service_account(PROJECT, self.account.email)
        self._accounts[made.key_id] = made
        return keyring.add(made.key_id, made.text, label=label)

    def fields_of(self, held: Held) -> tuple[PracticeField, ...]:
        return (
            PracticeField("Registry URL", self.registry_url),
            PracticeField("Region", "europe-west1"),
            PracticeField("Service account JSON", held.secret, secret=True),
            PracticeField("Path scope", f"{PROJECT}/team"),
            PracticeField("Test image", f"{PROJECT}/{PRIVATE_IMAGE}"),
        )

    def secrets(self) -> tuple[str, ...]:
        if "keyring" not in vars(self):
            return ()
        texts = self.keyring.secrets()
        return (*texts, *(text.partition("PRIVATE KEY-----\\n")[2][:64] for text in texts))

    def own(self, ask: Ask) -> Answer:
        if self.is_plane(ask.host) and ask.path == "/v2/token":
            # Only GET: token services of Google know no POST.
            return self._token(ask) if ask.method == "GET" else as_text(404, "Not Found")
        return super().own(ask)

    def side(self, ask: Ask) -> Answer:
        match ask.method, ask.host:
            case "POST", "oauth2.googleapis.com" if ask.path == "/token":
                return self._exchange(ask)
            case "POST", "artifactregistry.googleapis.com" if TEST_PERMISSIONS.fullmatch(ask.path):
                return self._permissions(ask)
            case "GET", "artifactregistry.googleapis.com" if LISTS.fullmatch(ask.path):
                return self._list(ask)
            case _, "iam.googleapis.com" if match := ACCOUNT.fullmatch(ask.path):
                return self._iam(ask, match)
            case "GET", "www.googleapis.com" if ask.path == CERTIFICATES + self.account.email:
                return as_json(200, {held.handle: self._certificate(held) for held in self.keyring})
        return as_json(404, {"error": {"code": 404, "status": "NOT_FOUND"}})

    def _certificate(self, held: Held) -> str:
        return self._accounts[held.handle].certificate(held.made_at, end_of(held))

    def _exchange(self, ask: Ask) -> Answer:
        form = ask.form
        if form.get("grant_type") != GRANT:
            return as_json(400, {"error": "unsupported_grant_type"})
        held = self._signer(form.get("assertion", ""))
        if held is None or not held.works(self.bench.clock.now()):
            return invalid_grant("Invalid JWT Signature.")
        if self.now_state in REASONS:
            return invalid_grant(REASONS[self.now_state])
        token = f"ya29.{randomness.token_urlsafe(48)}"
        self._access_tokens[token] = held
        return as_json(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _signer(self, assertion: str) -> Held | None:
        """The key that signed it, also one that was ended."""
        try:
            handle = str(jwt.get_unverified_header(assertion).get("kid"))
            held = self.keyring.ever(handle)
            if held is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                assertion,
                self._accounts[handle].public_key,
                algorithms=["RS256"],
                audience=TOKEN_URL,
                options={"verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return None
        # Google judges by real time, and so must who signs: not by the clock the sandbox can move.
        now = SystemClock().now().timestamp()
        fresh = claims.get("iat", 0) <= now + 300 and now < claims.get("exp", 0) <= now + 3900
        good = fresh and claims.get("iss") == self.account.email and bool(claims.get("scope"))
        return held if good else None

    def _standing(self, token: str | None) -> Standing:
        # An access token outlives its key.
        held = self._access_tokens.get(token or "")
        return self.standing_of(held) if held is not None else self.standing(token, None)

    def _token(self, ask: Ask) -> Answer:
        given = ask.basic
        match given:
            case ("oauth2accesstoken", token):
                standing = self._standing(token)
            case ("_json_key", text):
                standing = self.standing(text, self.keyring.holding(text))
            case _:
                standing = Standing.NOBODY if given is None else Standing.REFUSED
        if standing in {Standing.NOBODY, Standing.REFUSED}:
            return self._unauthenticated(ask)
        granted = self.granted(ask, standing)
        if ask.first("scope") and not granted:
            return refusal(
                403,
                "DENIED",
                'Permission "artifactregistry.repositories.downloadArtifacts" denied on resource '
                f'"projects/{PROJECT}/locations/europe-west1/repositories/team" '
                "(or it may not exist)",
            )
        issued = self.bench.desk.issue(self.account.email, ask.host, granted)
        return as_json(200, {"token": issued["token"], "expires_in": 3599})

    def _unauthenticated(self, ask: Ask) -> Answer:
        granted = self.granted(ask, Standing.NOBODY)
        if granted:
            return as_json(200, {"token": self.bench.desk.issue("", ask.host, granted)["token"]})
        message = (
            "Unauthenticated request. Unauthenticated requests do not have permission "
            '"artifactregistry.repositories.downloadArtifacts" on resource (or it may not exist)'
        )
        return refusal(403, "DENIED", message)

    def _permissions(self, ask: Ask) -> Answer:
        standing = self._standing(ask.bearer or None)
        if standing in {Standing.NOBODY, Standing.REFUSED}:
            return as_json(401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}})
        asked = set(ask.json.get("permissions", ()))
        held = sorted(asked & READ_PERMISSIONS) if standing is Standing.MEMBER else []
        return as_json(200, {"permissions": held} if held else {})

    def _list(self, ask: Ask) -> Answer:
        """Repositories of the project, the packages of one, or the versions of one of these."""
        standing = self._standing(ask.bearer or None)
        if standing is not Standing.MEMBER:
            word = "PERMISSION_DENIED" if standing is Standing.GUEST else "UNAUTHENTICATED"
            status = 403 if standing is Standing.GUEST else 401
            return as_json(status, {"error": {"code": status, "status": word}})
        match = LISTS.fullmatch(ask.path)
        assert match is not None
        shelf, above = self.bench.shelf, match["above"]
        token, most = ask.first("pageToken"), int(ask.first("pageSize") or "100")
        at = f"{shelf.pushed:%Y-%m-%dT%H:%M:%S.000000Z}"
        if match["repository"] is None:
            names = sorted({name.partition("/")[0] for name in shelf.repositories()})
            found = [{"name": f"{above}/{name}", "format": "DOCKER"} for name in names]
            return as_json(200, {"repositories": [*found, {"name": "x", "format": "NPM"}]})
        repository = match["repository"]
        if match["package"] is None:
            begin = f"{repository}/"
            names = [n.removeprefix(begin) for n in shelf.repositories() if n.startswith(begin)]
            packages = [
                {"name": f"{above}/{repository}/packages/{quote(name, safe='')}", "updateTime": at}
                for name in names
            ]
            shown, following = after_token(packages, token, most)
            return as_json(200, {"packages": shown, "nextPageToken": following})
        package = f"{above}/{repository}/packages/{match['package']}"
        name = f"{repository}/{unquote(match['package'])}"
        if not shelf.holds(name):
            return as_json(404, {"error": {"code": 404, "status": "NOT_FOUND"}})
        versions: list[dict[str, object]] = [
            {
                "name": f"{package}/versions/{digest}",
                "createTime": at,
                "relatedTags": [{"name": f"{package}/tags/{tag}"}],
            }
            for tag, digest in shelf.tags(name).items()
        ]
        page, following = after_token(versions, token, most)
        return as_json(200, {"versions": page, "nextPageToken": following})

    def _iam(self, ask: Ask, asked: re.Match[str]) -> Answer:
        """What an account asks about itself and its keys."""
        standing = self._standing(ask.bearer or None)
        if standing in {Standing.NOBODY, Standing.REFUSED}:
            return google_error(401, "UNAUTHENTICATED")
        if unquote(asked["email"]) != self.account.email or asked["project"] != PROJECT:
            return google_error(404, "NOT_FOUND")
        if asked["verb"] == "testIamPermissions" and not asked["keys"]:
            wanted = set(ask.json.get("permissions", ()))
            having = sorted(wanted & self.rights)
            return as_json(200, {"permissions": having} if having else {})
        verb = asked["verb"] or VERBS.get((ask.method, bool(asked["key"])), "")
        if f"iam.serviceAccountKeys.{verb}" not in self.rights or standing is not Standing.MEMBER:
            return google_error(403, "PERMISSION_DENIED")
        if verb == "list":
            return as_json(200, {"keys": [self._about(held) for held in self.keyring]})
        if verb == "create":
            return self._create()
        held = self.keyring.find(asked["key"] or "")
        if held is None:
            return google_error(404, "NOT_FOUND")
        if verb == "get":
            return as_json(200, self._about(held))
        if verb == "delete":
            self.keyring.end(held.handle, lingers=SETTLES)
        else:
            held.active = verb == "enable"
        return as_json(200, {})

    def _create(self) -> Answer:
        if self.blocked:
            violation = {"type": BLOCKED, "subject": self.account.email}
            detail = {
                "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
                "violations": [violation],
            }
            return google_error(400, "FAILED_PRECONDITION", detail)
        if len(self.keyring) >= MOST_KEYS:
            return google_error(400, "FAILED_PRECONDITION")
        held = self.make()
        held.label, held.known_from = "", held.made_at + SETTLES
        data = base64.b64encode(held.secret.encode()).decode()
        return as_json(200, self._about(held) | {"privateKeyData": data})

    def _about(self, held: Held) -> dict[str, object]:
        about: dict[str, object] = {
            "name": f"projects/{PROJECT}/serviceAccounts/{self.account.email}/keys/{held.handle}",
            "keyType": "USER_MANAGED",
            "validAfterTime": f"{held.made_at:%Y-%m-%dT%H:%M:%SZ}",
            "validBeforeTime": f"{end_of(held):%Y-%m-%dT%H:%M:%SZ}",
        }
        return about if held.active else about | {"disabled": True}


VERBS = {
    ("GET", False): "list",
    ("GET", True): "get",
    ("POST", False): "create",
    ("DELETE", True): "delete",
}


def google_error(status: int, word: str, *details: object) -> Answer:
    """An error of a Google API; `details` are what a program may judge by."""
    return as_json(status, {"error": {"code": status, "status": word, "details": list(details)}})


def end_of(held: Held) -> datetime:
    """Google's way to say that a key has no end is the last second of the year 9999."""
    return held.expires_at or datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def invalid_grant(reason: str) -> Answer:
    return as_json(400, {"error": "invalid_grant", "error_description": reason})
