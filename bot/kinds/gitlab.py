"""GitLab, gitlab.com and self-managed.

Source: GitLab documentation, container registry authentication and personal access token API;
GitLab source, jwt_controller and container_registry_authentication_service.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar, Final

import httpx

from bot.core.check import Cause, Expiry, Level, Stage
from bot.core.secret import Secret
from bot.kinds import fields
from bot.kinds.age import moment
from bot.kinds.anonymous import look_around
from bot.kinds.base import Field, Variant
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution, Login
from bot.kinds.finding import Finding, Stop, refused, unreachable
from bot.kinds.pull import prove_pull, signed_in
from bot.kinds.shape import Faults, Given, foreign
from bot.kinds.strangers import remembered, token_for_stranger
from bot.kinds.visit import Visit, json_object

_HOSTED: Final = "registry.gitlab.com"
_HOSTED_REALMS: Final = frozenset({"gitlab.com"})
_PULLS: Final = frozenset({"read_registry", "api"})


class Gitlab:
    slug: ClassVar = "gitlab"
    label: ClassVar = "GitLab Container Registry"
    url: ClassVar[Field] = fields.url(
        suggestion=f"https://{_HOSTED}",
        placeholder="https://registry.example.com",
        hint="The address of the registry, not of GitLab's pages.",
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "account",
            "Account",
            (
                fields.username(hint="A deploy token has its own: gitlab+deploy-token-…"),
                fields.token(
                    "Token", placeholder="glpat-… or gldt-…", hint="With read_registry at least."
                ),
            ),
        ),
        fields.ANONYMOUS,
    )
    shared_host: ClassVar = True
    hosts: ClassVar[re.Pattern[str] | None] = None
    hosts_hint: ClassVar = ""

    def faults(self, given: Given) -> Faults:
        faults: Faults = {}
        if given.host == "gitlab.com":
            faults["url"] = f"This is GitLab itself; its registry is https://{_HOSTED}."
        if (words := foreign(given.secret("token"), "gitlab")) is not None:
            faults["token"] = f"This is {words}; a GitLab token is needed."
        return faults

    def registry(self, visit: Visit) -> Distribution:
        hosted = visit.config.host == _HOSTED
        realms = _HOSTED_REALMS if hosted else None
        return Distribution(visit, visit.config.url, realms=realms)

    async def check(self, visit: Visit) -> Finding:
        config = visit.config
        registry = self.registry(visit)
        challenge = await registry.ping()
        if config.anonymous:
            return await look_around(visit, registry, challenge)
        visit.enter(Stage.LOGIN)
        challenge = registry.wanting_token(challenge)
        realm = registry.approve(challenge)
        login = Login(config.values["username"], config.secrets["token"])
        level = Level.E2
        # Asked before the sign-in, because it tells expired and revoked from wrong.
        if login.secret.reveal().startswith("glpat-"):
            await _identify(visit, realm, login.secret)
            level = Level.E3
            _judge_scopes(visit)
        await _sign_in(visit, registry, challenge, login)
        if level is Level.E2 and await _open_to_all(visit, registry, challenge):
            raise unreachable(
                Stage.LOGIN,
                Cause.NOT_A_REGISTRY,
                f"{registry.host} gives tokens to anyone, which GitLab does not do; "
                "the token was not judged.",
                "Register it as a Generic registry with a private Test image.",
            )
        proof = signed_in(visit, level, visit.identity or login.username)
        if visit.scopes:
            visit.passed(Stage.PULL, "read_registry")
        return await prove_pull(visit, registry, challenge, login, proof)


async def _sign_in(
    visit: Visit, registry: Distribution, challenge: Challenge, login: Login
) -> None:
    answer = await registry.token(challenge, login)
    if answer.status == 401:
        raise refused(
            Stage.LOGIN,
            Cause.BAD_CREDENTIALS,
            f"{registry.host} refused this username and token.",
            "Check both (a deploy token has its own username), or create a new token "
            "with read_registry.",
        )
    if answer.refused:  # 403 with a code: GitLab knows the user, who may not use the registry
        raise refused(
            Stage.LOGIN,
            Cause.MISSING_SCOPE,
            f"{registry.host} knows {visit.identity or login.username}, but the token may not use "
            "the container registry.",
            "Create a token with read_registry and put it in.",
        )
    if answer.token is None:
        raise registry.unclear(answer)


async def _open_to_all(visit: Visit, registry: Distribution, challenge: Challenge) -> bool:
    """Whether it gives tokens to nobody in particular, remembered for a day at most."""

    async def anonymous() -> bool:
        return (await registry.token(challenge, None)).token is not None

    if visit.config.host == _HOSTED:  # known to refuse wrong secrets; failed sign-ins would count
        return await remembered(registry, challenge, "anonymous", anonymous)
    question = token_for_stranger(registry, challenge)
    return await remembered(registry, challenge, "sign in", question)


async def _identify(visit: Visit, realm: httpx.URL, token: Secret) -> None:
    """Ask GitLab what this token is; any scope may ask."""
    below = realm.path.partition("/jwt/")[0]  # GitLab may live below a path
    url = realm.copy_with(
        path=f"{below}/api/v4/personal_access_tokens/self", query=None, fragment=None
    )
    answer = await visit.request("GET", url, {"PRIVATE-TOKEN": token.reveal()}, auth=True)
    if answer.status_code == 401:
        visit.expect_the_api(answer)
        raise _unknown_token(str(json_object(answer).get("error_description", "")))
    about = json_object(answer)
    # Some servers say 200 to any path; only the token's own record is an identity.
    if answer.status_code != 200 or not isinstance(about.get("scopes"), list):
        raise unreachable(
            Stage.LOGIN,
            Cause.BLOCKED_BY_REGISTRY if answer.status_code == 403 else Cause.REGISTRY_ERROR,
            f"{url.host} gave an unexpected answer ({answer.status_code}); "
            "the token was not judged.",
            "Nothing to do here if it passes; GitLab bans an address after many failed sign-ins.",
        )
    _read(visit, about)


def _read(visit: Visit, about: dict[str, object]) -> None:
    name = about.get("name")
    if isinstance(name, str) and name.isprintable():
        visit.identity = f"token “{name[:60]}”"
    scopes = about.get("scopes")
    assert isinstance(scopes, list), "whoever asked saw to it"
    visit.scopes = tuple(str(scope)[:60] for scope in scopes[:40])
    visit.issued_at = moment(about.get("created_at"))
    expires = moment(about.get("expires_at"))
    visit.expiry = Expiry(expires, "provider")
    if expires is not None and expires <= visit.clock.now() and about.get("revoked") is not True:
        raise _expired(expires)
    # Not active before its day, or without one: somebody ended it.
    if about.get("revoked") is True or about.get("active") is not True:
        raise _revoked()


def _judge_scopes(visit: Visit) -> None:
    if not _PULLS & set(visit.scopes):
        has = ", ".join(visit.scopes) or "none"
        raise refused(
            Stage.PULL,
            Cause.MISSING_SCOPE,
            f"GitLab knows this {visit.identity or 'token'}, "
            f"but it lacks read_registry (has: {has[:200]}).",
            "Create a token with read_registry and put it in.",
            explicit=True,
        )


def _unknown_token(description: str) -> Stop:
    if "revoked" in description.lower():
        return _revoked()
    if "expired" in description.lower():
        return _expired(None)
    return refused(
        Stage.LOGIN,
        Cause.BAD_CREDENTIALS,
        "GitLab refused the token: it is wrong, expired or revoked (GitLab does not say which).",
        "Create a token with read_registry and put it in.",
        explicit=True,
    )


def _revoked() -> Stop:
    return refused(
        Stage.LOGIN,
        Cause.REVOKED,
        "The token was revoked at GitLab.",
        "Create a token with read_registry and put it in.",
        explicit=True,
    )


def _expired(at: datetime | None) -> Stop:
    when = f" on {at:%d %b %Y}" if at is not None else ""
    return refused(
        Stage.LOGIN,
        Cause.EXPIRED,
        f"The token expired{when}.",
        "Create a token with read_registry and put it in.",
        explicit=True,
    )
