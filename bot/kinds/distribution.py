"""The distribution protocol as far as a check needs it: ping, token, manifest.

Source: distribution spec (api.md, auth/token.md), OCI distribution spec.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, urlencode

import httpx

from bot.core.check import Cause, Level, Stage, Verdict
from bot.core.image import Reference
from bot.core.secret import Secret
from bot.kinds import challenge as challenges
from bot.kinds.challenge import Challenge
from bot.kinds.finding import Finding, Stop, blocked, unreachable
from bot.kinds.net import LARGE
from bot.kinds.realm import approve, same_site
from bot.kinds.visit import Visit, error_code, json_object, parsed

CLIENT: Final = "registrar"
# Without all of these a multi-platform image reads as "not found". Schema 1 comes last.
_MANIFESTS: Final = (
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.v1+prettyjws"
)
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,65536}")
_VERSION_HEADER: Final = "docker-distribution-api-version"


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and its secret."""

    username: str
    secret: Secret

    def basic(self) -> str:
        """The value of an `Authorization` header."""
        pair = f"{self.username}:{self.secret.reveal()}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What a token service said; `token` is None when it gave none, `claims` are not verified."""

    status: int
    code: str | None = None
    token: Secret | None = None
    claims: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def refused(self) -> bool:
        """A refusal by the token service itself, not by some guard in front of it."""
        return self.status == 401 or (self.status == 403 and self.code is not None)

    def grants(self, repository: str, action: str) -> bool:
        """Whether the token allows `action`; true when it does not tell (it may be opaque)."""
        access = self.claims.get("access")
        if not isinstance(access, list):
            return True
        return any(
            isinstance(item, dict)
            and item.get("name") == repository
            and isinstance(item.get("actions"), list)
            and bool({action, "*"} & {str(verb) for verb in item["actions"]})
            for item in access
        )


class Pull(Enum):
    """What asking for a manifest showed."""

    PULLED = auto()
    NO_TAG = auto()  # the repository may be read, the tag does not exist
    DENIED = auto()
    HIDDEN = auto()  # not there, or hidden from us: the registry does not say
    BAD_TOKEN = auto()  # it does not accept the token of its own token service


class Distribution:
    """One registry during one check.

    `realms` are the only hosts its token service may have, None means its own site; `redirects`
    lets the ping follow one.

    """

    def __init__(
        self,
        visit: Visit,
        url: str,
        *,
        realms: frozenset[str] | None = None,
        redirects: bool = False,
    ) -> None:
        self.visit = visit
        self.base = url.rstrip("/")
        self.host = parsed(self.base).host
        self._realms = realms
        self._redirects = redirects
        self._head_tells = True

    # -- the registry ------------------------------------------------------------------------

    async def ping(self) -> Challenge | None:
        """Say hello without a credential: how to sign in, or None when the root is open."""
        visit = self.visit
        visit.enter(Stage.ADDRESS)
        answer = await visit.request("GET", f"{self.base}/v2/")
        if self._redirects and answer.is_redirect:
            answer = await self._follow(answer)
        offered = self._read_ping(answer)
        visit.passed(Stage.REGISTRY)
        if offered is not None and offered.scheme == "bearer":
            self.approve(offered)  # before anything secret is sent to anybody
        return offered

    def _read_ping(self, answer: httpx.Response) -> Challenge | None:
        status = answer.status_code
        if status == 200:
            if not looks_like_registry(answer):
                raise self.not_a_registry()
            return None
        if status == 403:
            raise self.turned_away()
        if answer.is_redirect:
            raise self._astray()
        if status != 401:
            raise self.not_a_registry()
        lines = answer.headers.get_list("www-authenticate")
        offered = challenges.choose(challenges.parse(lines))
        if offered is not None:
            return offered
        if lines and challenges.parse(lines):
            raise unreachable(
                Stage.REGISTRY,
                Cause.UNSUPPORTED_SCHEME,
                f"{self.host} wants a way of signing in that container registries do not use.",
                "Ask who runs it to offer Basic or Bearer sign-in for /v2/.",
            )
        return Challenge("basic")  # some leave the header out

    async def _follow(self, answer: httpx.Response) -> httpx.Response:
        """Follow one redirect of the ping, nothing secret with it, to the same or a parent host."""
        here = answer.request.url
        try:
            target = here.join(answer.headers.get("location", ""))
        except httpx.InvalidURL:
            raise self.not_a_registry() from None
        near = target.host == here.host or (
            here.host.endswith(f".{target.host}") and same_site(here.host, target.host)
        )
        path = target.path.rstrip("/")
        if not near or target.scheme != here.scheme or target.userinfo or not path.endswith("/v2"):
            raise self._astray()
        self.base = str(target.copy_with(path=path.removesuffix("/v2"), query=None, fragment=None))
        self.base = self.base.rstrip("/")
        self.host = target.host
        self.visit.enter(Stage.ADDRESS)
        return await self.visit.request("GET", f"{self.base}/v2/")

    async def root(self, authorization: str) -> httpx.Response:
        """Ask for `/v2/` with a credential; anything but 200, 401 and 403 stops the check."""
        answer = await self.visit.request(
            "GET", f"{self.base}/v2/", {"Authorization": authorization}, auth=True
        )
        if answer.status_code == 200 and not looks_like_registry(answer):
            raise self.not_a_registry()
        if answer.status_code not in {200, 401, 403}:
            raise unreachable(
                self.visit.stage,
                Cause.REGISTRY_ERROR,
                f"{self.host} gave an answer no registry gives ({answer.status_code}) "
                "when signing in; the credential was not judged.",
                "Check the Registry URL, its port and path included.",
            )
        return answer

    # -- the token service -------------------------------------------------------------------

    def wanting_token(self, challenge: Challenge | None) -> Challenge:
        """The challenge, of a vendor whose registry always wants a token of its service."""
        if challenge is None:
            raise self._open_to_anyone()
        if challenge.scheme != "bearer":
            raise self.not_a_registry()
        return challenge

    def approve(self, challenge: Challenge) -> httpx.URL:
        """The token service's URL, once it may be trusted with the credential; else stop."""
        approved = approve(
            challenge.realm,
            parsed(f"{self.base}/v2/"),
            hosts=self._realms,
            allow=self.visit.egress.allow,
        )
        if approved is None:
            raise blocked(
                Stage.LOGIN,
                Cause.REALM_NOT_TRUSTED,
                f"{self.host} asks to send the credential to {_foreign(challenge.realm)}. "
                "Nothing was sent.",
                "Check the Registry URL. If it is right, ask who runs this registry why.",
            )
        return approved

    async def token(
        self, challenge: Challenge, login: Login | None, scope: str = ""
    ) -> TokenAnswer:
        """Ask the token service, with or without a credential, for one scope or for none."""
        realm, asked = _split(self.approve(challenge))
        query = list(asked)
        if challenge.service:
            query.append(("service", challenge.service))
        if scope:
            query.append(("scope", scope))
        query.append(("client_id", CLIENT))
        headers = {"Accept": "application/json"}
        if login is not None:
            query.append(("account", login.username))
            headers["Authorization"] = login.basic()
        answer = await self.visit.request(
            "GET", realm, headers, auth=login is not None, query=urlencode(query)
        )
        return self._read_token(answer, realm.host)

    def _read_token(self, answer: httpx.Response, host: str) -> TokenAnswer:
        status = answer.status_code
        if answer.is_redirect:
            raise blocked(
                self.visit.stage,
                Cause.REALM_NOT_TRUSTED,
                f"{host}, which signs people in for {self.host}, sends the credential elsewhere. "
                "It was not followed.",
                "Ask who runs this registry to fix its token service.",
            )
        if status != 200:
            return TokenAnswer(status, error_code(answer))
        body = json_object(answer)
        token = body.get("token") or body.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise unreachable(
                self.visit.stage,
                Cause.REGISTRY_ERROR,
                f"{host} answered without a token; the credential was not judged.",
                "Ask who runs this registry to look at its token service.",
            )
        return TokenAnswer(status, None, Secret(token), claims_of(token))

    # -- images ------------------------------------------------------------------------------

    async def manifest(self, image: Reference, authorization: str | None) -> Pull:
        """Ask for the manifest of `image`; HEAD first, GET where HEAD does not tell."""
        return (await self.probe(image, authorization))[0]

    def ask_by_get(self) -> None:
        """Ask for manifests by GET from now on: where requests are scarce, it always tells."""
        self._head_tells = False

    async def probe(
        self, image: Reference, authorization: str | None
    ) -> tuple[Pull, Challenge | None]:
        """Like `manifest`, with the challenge of a refusal.

        Where HEAD once did not tell, GET is asked at once: two callers are compared only by the
        same request. A HEAD has no body, so whose 403 or 404 it is only GET tells; the last request
        of a check is a GET for that reason.
        """
        by_head = self._head_tells and self.visit.left > 1
        answer = await self._manifest("HEAD" if by_head else "GET", image, authorization)
        if by_head and answer.status_code in {403, 404, 405}:
            self._head_tells = False
            answer = await self._manifest("GET", image, authorization)
        return self._judged(answer, image, authorization)

    async def read(
        self, image: Reference, authorization: str | None
    ) -> tuple[Pull, Challenge | None, httpx.Response]:
        """The manifest itself, whole, and what asking for it showed."""
        answer = await self._manifest("GET", image, authorization)
        return (*self._judged(answer, image, authorization), answer)

    def _judged(
        self, answer: httpx.Response, image: Reference, authorization: str | None
    ) -> tuple[Pull, Challenge | None]:
        status = answer.status_code
        if status == 200 and _is_manifest(answer):
            return Pull.PULLED, None
        if status == 401:
            offered = challenges.choose(
                challenges.parse(answer.headers.get_list("www-authenticate"))
            )
            bad = offered is not None and offered.parameters.get("error") == "invalid_token"
            return (Pull.BAD_TOKEN if bad and authorization else Pull.DENIED), offered
        if status == 403:
            if error_code(answer) is None:
                raise self.turned_away()  # some guard in front of it, not the registry itself
            return Pull.DENIED, None
        if status == 404:
            known = error_code(answer) == "MANIFEST_UNKNOWN"
            return (Pull.NO_TAG if known else Pull.HIDDEN), None
        raise unreachable(
            self.visit.stage,
            Cause.REGISTRY_ERROR,
            f"{self.host} gave an answer no registry gives ({status}) when asked for "
            f"{image.repository}.",
            "Check the Registry URL, its port and path included.",
        )

    async def _manifest(
        self, method: str, image: Reference, authorization: str | None
    ) -> httpx.Response:
        headers = {"Accept": _MANIFESTS}
        if authorization is not None:
            headers["Authorization"] = authorization
        return await self.visit.request(
            method,
            f"{self.base}/v2/{image.repository}/manifests/{image.version}",
            headers,
            auth=authorization is not None,
            limit=LARGE,
        )

    async def blob(
        self, repository: str, digest: str, authorization: str | None, most: int
    ) -> bytes | None:
        """A small blob; None when it is not given, is longer than `most`, or has another digest.

        Blobs mostly lie with a storage service. A redirect there is followed once and carries
        nothing of ours; the digest tells whether the answer is right, whoever gave it.
        """
        headers = {} if authorization is None else {"Authorization": authorization}
        url = f"{self.base}/v2/{repository}/blobs/{digest}"
        answer = await self.visit.request(
            "GET", url, headers, auth=authorization is not None, limit=most
        )
        if answer.is_redirect:
            target = _elsewhere(answer)
            if target is None:
                return None
            answer = await self.visit.request("GET", target, limit=most)
        body = answer.content
        right = answer.status_code == 200 and hashlib.sha256(body).hexdigest() == digest[7:]
        return body if right else None

    # -- common ends -------------------------------------------------------------------------

    def not_a_registry(self) -> Stop:
        return unreachable(
            Stage.REGISTRY,
            Cause.NOT_A_REGISTRY,
            f"{self.host} answers, but not as a container registry (asked for /v2/).",
            "Check the Registry URL, its port and path included.",
        )

    def _open_to_anyone(self) -> Stop:
        """The root of a registry that should ask for a sign-in does not."""
        return Stop(
            Finding(
                Verdict.UNPROVEN,
                Level.E1,
                Stage.LOGIN,
                f"{self.host} accepts anyone, so this sign-in cannot be proven.",
                "Check the Registry URL: this is not how this registry behaves.",
                Cause.ACCEPTS_ANYONE,
            )
        )

    def _astray(self) -> Stop:
        return unreachable(
            Stage.REGISTRY,
            Cause.NOT_A_REGISTRY,
            f"{self.host} sends us to another address instead of answering as a registry.",
            "Enter the address it redirects to as the Registry URL, if you trust it.",
        )

    def turned_away(self) -> Stop:
        return unreachable(
            self.visit.stage,
            Cause.BLOCKED_BY_REGISTRY,
            f"{self.host} refuses our address (a ban or an allow-list); "
            "the credential was not judged.",
            "Ask who runs this registry to let Registrar's address in.",
        )

    def unclear(self, answer: TokenAnswer) -> Stop:
        """The token service said neither yes nor no."""
        if answer.status == 403:
            return self.turned_away()
        return unreachable(
            self.visit.stage,
            Cause.REGISTRY_ERROR,
            f"The token service of {self.host} gave an unexpected answer ({answer.status}); "
            "the credential was not judged.",
            "Check the Registry URL, or ask who runs this registry.",
        )


@lru_cache(maxsize=2048)  # parsing it for each account's query would cost more than the rest
def _split(realm: httpx.URL) -> tuple[httpx.URL, tuple[tuple[str, str], ...]]:
    """A realm without its query, and what the query asks."""
    query = parse_qsl(realm.query.decode("ascii"), keep_blank_values=True)
    return realm.copy_with(query=None), tuple(query)


def _elsewhere(answer: httpx.Response) -> httpx.URL | None:
    """Where a redirect leads; None when it may not be followed, out of TLS for instance."""
    here = answer.request.url
    try:
        target = here.join(answer.headers.get("location", ""))
    except httpx.InvalidURL:
        return None
    kept = target.scheme in {here.scheme, "https"}
    return target if kept and not target.userinfo else None


def looks_like_registry(answer: httpx.Response) -> bool:
    """Whether a 200 on `/v2/` is a registry's: some servers say 200 to anything."""
    if "text/html" in answer.headers.get("content-type", ""):
        return False
    if _VERSION_HEADER in answer.headers:
        return True
    return answer.content.strip() in {b"{}", b""} and not answer.extensions.get("truncated")


def claims_of(token: str) -> Mapping[str, object]:
    """The claims of a JWT, not verified, to show and compare only; empty for anything else."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = json.loads(body)
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _is_manifest(answer: httpx.Response) -> bool:
    return (
        "docker-content-digest" in answer.headers
        or "manifest" in answer.headers.get("content-type", "")
        or "image.index" in answer.headers.get("content-type", "")
    )


def _foreign(realm: str) -> str:
    """The host of a realm, fit to show: the text is the registry's, so only a plain name passes."""
    try:
        host = httpx.URL(realm).host
    except httpx.InvalidURL:
        host = ""
    if re.fullmatch(r"[a-z0-9.-]{1,253}", host) and not re.fullmatch(r"[0-9.]+", host):
        return host
    return "an address that is not allowed"
