"""Who a GitHub token is, by GitHub's REST API; shared by GHCR and GitHub Enterprise.

Source: docs.github.com, REST authentication, Packages permissions.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

import httpx

from bot.core.check import Cause, Expiry, Level, Stage
from bot.core.secret import Secret
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution, Login
from bot.kinds.finding import Finding, Stop, refused, unreachable
from bot.kinds.pull import prove_pull, signed_in
from bot.kinds.shape import Faults, foreign
from bot.kinds.visit import Visit, json_object, retry_at

HEADERS: Final = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
}
_LOGIN: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_READS: Final = frozenset({"read:packages", "write:packages"})
_EXPIRES: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) ?(UTC|[+-][0-9]{4})"
)


def token_faults(token: str) -> Faults:
    """What can be told of a token by its prefix."""
    if token.startswith("github_pat_"):
        return {"token": "This is a fine-grained token; GitHub's registry takes classic ones only."}
    if (words := foreign(token, "github")) is not None:
        return {"token": f"This is {words}; a classic GitHub token (ghp_…) is needed."}
    return {}


async def prove(
    visit: Visit, registry: Distribution, challenge: Challenge | None, api: str, settings_url: str
) -> Finding:
    """Identity by the API, then the sign-in at the registry, then the right to pull."""
    visit.enter(Stage.LOGIN)
    challenge = registry.wanting_token(challenge)
    login = Login(visit.config.values["username"], visit.config.secrets["token"])
    name = await _identify(visit, api, login.secret, settings_url)
    answer = await registry.token(challenge, login)
    if answer.refused:
        raise refused(
            Stage.LOGIN,
            Cause.BAD_CREDENTIALS,
            f"GitHub knows {name}, but {registry.host} refused the token.",
            "Create a classic token with read:packages and put it in.",
        )
    if answer.token is None:
        raise registry.unclear(answer)
    proof = signed_in(visit, Level.E3, name)
    visit.passed(Stage.PULL, "read:packages")
    return await prove_pull(visit, registry, challenge, login, proof)


async def _identify(visit: Visit, api: str, token: Secret, settings_url: str) -> str:
    answer = await visit.request(
        "GET",
        f"{api}/user",
        {"Authorization": f"Bearer {token.reveal()}", **HEADERS},
        auth=True,
    )
    visit.expiry = _expiry(answer)
    if answer.status_code == 401:
        visit.expect_the_api(answer)
        raise _unknown_token(visit, settings_url)
    if answer.status_code == 403:
        raise _forbidden(visit, answer)
    name = json_object(answer).get("login")
    if answer.status_code != 200 or not isinstance(name, str) or not _LOGIN.fullmatch(name):
        raise unreachable(
            Stage.LOGIN,
            Cause.REGISTRY_ERROR,
            f"{answer.request.url.host} gave an unexpected answer ({answer.status_code}); "
            "the token was not judged.",
            "Check the Registry URL, or wait: it is tried again by itself.",
        )
    visit.identity = name
    if _wants_sso(answer):
        raise _not_authorised()
    visit.expiry = visit.expiry or Expiry(None, "header")
    _judge_scopes(visit, answer, name, settings_url)
    return name


def _judge_scopes(visit: Visit, answer: httpx.Response, name: str, settings_url: str) -> None:
    header = answer.headers.get("x-oauth-scopes")
    if header is None:
        raise refused(
            Stage.LOGIN,
            Cause.WRONG_KIND,
            f"This token of {name} is not a classic one; GitHub's registry takes no other.",
            f"Create a classic token with read:packages at {settings_url}.",
            explicit=True,
        )
    visit.scopes = tuple(scope.strip()[:60] for scope in header.split(",") if scope.strip())[:40]
    if not _READS & set(visit.scopes):
        has = ", ".join(visit.scopes) or "none"
        raise refused(
            Stage.PULL,
            Cause.MISSING_SCOPE,
            f"Signed in as {name}, but the token lacks read:packages (has: {has[:200]}).",
            f"Create a classic token with read:packages at {settings_url}.",
            explicit=True,
        )


def _unknown_token(visit: Visit, settings_url: str) -> Stop:
    expiry = visit.expiry
    if expiry is not None and expiry.at is not None and expiry.at <= visit.clock.now():
        return refused(
            Stage.LOGIN,
            Cause.EXPIRED,
            f"The token expired on {expiry.at:%d %b %Y}.",
            f"Create a classic token with read:packages at {settings_url} and put it in.",
            explicit=True,
        )
    return refused(
        Stage.LOGIN,
        Cause.BAD_CREDENTIALS,
        "GitHub refused the token: it is wrong, expired or revoked (GitHub does not say which).",
        f"Create a classic token with read:packages at {settings_url} and put it in.",
        explicit=True,
    )


def rate_limited(visit: Visit, answer: httpx.Response) -> Stop | None:
    """Why a 403 is not about this request: a spent budget, or single sign-on; None otherwise."""
    if _wants_sso(answer):
        return _not_authorised()
    if answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers:
        at = retry_at(answer.headers, visit.clock.now()) or _reset(answer)
        return visit.too_many(answer.request.url.host, at)
    return None


def _forbidden(visit: Visit, answer: httpx.Response) -> Stop:
    if (stop := rate_limited(visit, answer)) is not None:
        return stop
    host = answer.request.url.host
    return unreachable(
        Stage.LOGIN,
        Cause.BLOCKED_BY_REGISTRY,
        f"{host} refuses to answer for now (403), as it does after many failed sign-ins; "
        "the token was not judged.",
        "Nothing to do here: it is tried again by itself.",
    )


def _wants_sso(answer: httpx.Response) -> bool:
    sso: str = answer.headers.get("x-github-sso", "")
    return sso.startswith("required")


def _not_authorised() -> Stop:
    return refused(
        Stage.LOGIN,
        Cause.SSO_REQUIRED,
        "The token is not authorised for the organisation's single sign-on.",
        "Open the token in GitHub's settings and choose Configure SSO.",
        explicit=True,
    )


def _reset(answer: httpx.Response) -> datetime | None:
    text = answer.headers.get("x-ratelimit-reset", "")
    if not (text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.fromtimestamp(int(text[:11]), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _expiry(answer: httpx.Response) -> Expiry | None:
    match = _EXPIRES.fullmatch(answer.headers.get("github-authentication-token-expiration", ""))
    if match is None:
        return None
    zone = "+0000" if match[2] == "UTC" else match[2]
    try:
        at = datetime.strptime(f"{match[1]} {zone}", "%Y-%m-%d %H:%M:%S %z")
        return Expiry(at.astimezone(UTC), "header")
    except (ValueError, OverflowError):
        return None
