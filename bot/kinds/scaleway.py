"""Scaleway Container Registry. Source: Scaleway API references, IAM and Container Registry.

The registry's own sign-in answers a wrong key and a missing namespace alike, so Scaleway's API
judges the key.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

import httpx

from bot.core.check import Cause, Expiry, Level, Stage, Verdict
from bot.core.secret import Secret
from bot.kinds import fields
from bot.kinds.age import moment
from bot.kinds.base import Field, Variant
from bot.kinds.distribution import Distribution, Login
from bot.kinds.finding import Finding, Stop, refused, unreachable
from bot.kinds.pull import prove_pull, signed_in
from bot.kinds.shape import UUID, Faults, Given
from bot.kinds.visit import Visit, json_object

_HOST: Final = re.compile(r"rg\.(?P<region>[a-z]{2}-[a-z]{3})\.scw\.cloud")
_REGION: Final = re.compile(r"[a-z]{2}-[a-z]{3}")
_ACCESS_KEY: Final = re.compile(r"SCW[A-Z0-9]{17}")
_API: Final = "https://api.scaleway.com"
_REALMS: Final = frozenset({"api.scaleway.com"})


class Scaleway:
    slug: ClassVar = "scaleway"
    label: ClassVar = "Scaleway Container Registry"
    url: ClassVar[Field] = fields.url(
        placeholder="https://rg.fr-par.scw.cloud/my-namespace",
        hint="https://rg.<region>.scw.cloud, with the namespace if you like.",
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "api_key",
            "API key",
            (
                fields.region("fr-par"),
                Field("project_id", "Project ID", max_length=36),
                Field("access_key", "Access Key", placeholder="SCW…", max_length=20),
                Field("secret_key", "Secret Key", secret=True, max_length=100),
            ),
        ),
    )
    shared_host: ClassVar = True
    hosts: ClassVar[re.Pattern[str] | None] = _HOST
    hosts_hint: ClassVar = (
        "Expected https://rg.<region>.scw.cloud, such as https://rg.fr-par.scw.cloud."
    )

    def faults(self, given: Given) -> Faults:
        faults: Faults = {}
        region = given.values.get("region", "")
        match = _HOST.fullmatch(given.host)
        if not _REGION.fullmatch(region):
            faults["region"] = "This is not a Scaleway region; expected something like fr-par."
        elif match is not None and match["region"] != region:
            faults["region"] = (
                f"The Registry URL is in {match['region']}, but the Region says {region}."
            )
        if not UUID.fullmatch(given.values.get("project_id", "")):
            faults["project_id"] = "A Project ID looks like 11111111-1111-1111-1111-111111111111."
        if not _ACCESS_KEY.fullmatch(given.values.get("access_key", "")):
            faults["access_key"] = "An Access Key is SCW and 17 capital letters or digits."
        secret = given.secret("secret_key")
        if _ACCESS_KEY.fullmatch(secret):
            faults |= {"secret_key": "This is an Access Key; the Secret Key has dashes in it."}
        elif not UUID.fullmatch(secret):
            faults |= {
                "secret_key": "This is not a Secret Key; it has five groups of letters and digits."
            }
        return faults

    def registry(self, visit: Visit) -> Distribution:
        return Distribution(visit, visit.config.url, realms=_REALMS)

    async def check(self, visit: Visit) -> Finding:
        config = visit.config
        match = _HOST.fullmatch(config.host)
        assert match is not None, "the form lets only Scaleway hosts pass"
        registry = self.registry(visit)
        challenge = await registry.ping()
        visit.enter(Stage.LOGIN)
        challenge = registry.wanting_token(challenge)
        secret = config.secrets["secret_key"]
        access_key = config.values["access_key"]
        known = await _api_key(visit, access_key, secret)
        await _namespaces(visit, match["region"], secret)
        if not known:
            return _not_a_pair(access_key)
        proof = signed_in(visit, Level.E3, visit.identity or "the owner of this key")
        visit.passed(Stage.PULL, "may read the registry")
        return await prove_pull(visit, registry, challenge, Login("nologin", secret), proof)


async def _get(visit: Visit, path: str, secret: Secret) -> httpx.Response:
    """What the API answers; stop when it refuses the Secret Key."""
    answer = await visit.request(
        "GET", f"{_API}/{path}", {"X-Auth-Token": secret.reveal()}, auth=True
    )
    visit.expect_the_api(answer)
    if answer.status_code == 401:
        raise _refused(answer)
    return answer


async def _api_key(visit: Visit, access_key: str, secret: Secret) -> bool:
    """Whether Scaleway knows the Access Key; stop when it refuses the Secret Key."""
    answer = await _get(visit, f"iam/v1alpha1/api-keys/{access_key}", secret)
    if answer.status_code == 404:
        return False
    if answer.status_code == 200:
        _read(visit, json_object(answer))
    elif answer.status_code != 403:  # 403: the secret is good but may not read IAM
        raise _unexpected(answer.status_code)
    visit.warnings.append(
        "Scaleway does not tell whether the Access Key and the Secret Key belong together."
    )
    return True


def _read(visit: Visit, about: dict[str, object]) -> None:
    expires = moment(about.get("expires_at"))
    visit.expiry = Expiry(expires, "provider")
    visit.issued_at = moment(about.get("created_at"))
    for owner in ("application_id", "user_id"):
        value = about.get(owner)
        if isinstance(value, str) and UUID.fullmatch(value):
            visit.identity = f"{owner.removesuffix('_id')} {value}"
            break
    if expires is not None and expires <= visit.clock.now():
        raise refused(
            Stage.LOGIN,
            Cause.EXPIRED,
            f"The API key expired on {expires:%d %b %Y}.",
            "Create an API key in Scaleway's IAM and put it in.",
            explicit=True,
        )


async def _namespaces(visit: Visit, region: str, secret: Secret) -> None:
    """Stop unless the key may read the registry."""
    answer = await _get(visit, f"registry/v1/regions/{region}/namespaces?page_size=1", secret)
    if answer.status_code == 403:
        raise refused(
            Stage.PULL,
            Cause.MISSING_SCOPE,
            "Scaleway accepts this key, but it may not read the container registry.",
            "Give it the permission set ContainerRegistryReadOnly in Scaleway's IAM.",
            explicit=True,
        )
    if answer.status_code != 200:
        raise _unexpected(answer.status_code)


def _refused(answer: httpx.Response) -> Stop:
    if json_object(answer).get("reason") == "expired":
        return refused(
            Stage.LOGIN,
            Cause.EXPIRED,
            "The API key expired.",
            "Create an API key in Scaleway's IAM and put it in.",
            explicit=True,
        )
    return refused(
        Stage.LOGIN,
        Cause.BAD_CREDENTIALS,
        "Scaleway refused the Secret Key: it is wrong, expired or deleted.",
        "Create an API key in Scaleway's IAM, or check that you copied all of it.",
        explicit=True,
    )


def _unexpected(status: int) -> Stop:
    return unreachable(
        Stage.LOGIN,
        Cause.REGISTRY_ERROR,
        f"Scaleway gave an unexpected answer ({status}); the key was not judged.",
        "Nothing to do here: it is tried again by itself.",
    )


def _not_a_pair(access_key: str) -> Finding:
    return Finding(
        Verdict.UNPROVEN,
        Level.E1,
        Stage.LOGIN,
        f"Scaleway accepts the Secret Key, but knows no Access Key {access_key[:7]}….",
        "Check the Access Key: both halves of an API key are shown when it is created.",
        Cause.PAIR_NOT_PROVEN,
    )
