"""GCP Artifact Registry. Source: Google Cloud documentation, OAuth 2.0 for service accounts,
Artifact Registry authentication, REST repositories.testIamPermissions.
"""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from functools import partial
from typing import ClassVar, Final
from urllib.parse import quote, urlencode

from bot.core.check import Cause, Level, Stage
from bot.core.secret import Secret
from bot.kinds import fields, google_key
from bot.kinds.age import Question
from bot.kinds.base import Field, Variant
from bot.kinds.distribution import Distribution, Login
from bot.kinds.finding import Finding, Stop, refused, unreachable
from bot.kinds.pull import Proof, prove_pull, proven, signed_in
from bot.kinds.service_account import AUDIENCE, NotAKey, ServiceAccountKey, wall_time
from bot.kinds.shape import Faults, Given
from bot.kinds.visit import Visit, json_object

_HOST: Final = re.compile(
    r"(?:(?P<location>[a-z]+(?:-[a-z]+[0-9]*)*)-docker\.pkg\.dev|(?:(?:us|eu|asia)\.)?gcr\.io)"
)
_REGION: Final = re.compile(r"[a-z]+(?:-[a-z]+[0-9]*)*")
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_PULL: Final = "artifactregistry.repositories.downloadArtifacts"
_LONGEST: Final = 3600  # seconds that Google's access tokens last unless it says less
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,65536}")


class GcpArtifactRegistry:
    slug: ClassVar = "gcp_artifact_registry"
    label: ClassVar = "GCP Artifact Registry"
    url: ClassVar[Field] = fields.url(
        placeholder="https://europe-west1-docker.pkg.dev/project/repository",
        hint="https://<location>-docker.pkg.dev, with project and repository if you like.",
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "service_account",
            "Service account key",
            (
                fields.region("europe-west1"),
                Field(
                    "service_account_json",
                    "Service account JSON",
                    secret=True,
                    multiline=True,
                    hint="The whole key file, as downloaded.",
                    max_length=16_000,
                ),
            ),
        ),
    )
    shared_host: ClassVar = True
    hosts: ClassVar[re.Pattern[str] | None] = _HOST
    hosts_hint: ClassVar = (
        "Expected https://<location>-docker.pkg.dev, such as https://europe-west1-docker.pkg.dev."
    )

    def faults(self, given: Given) -> Faults:
        faults: Faults = {}
        region = given.values.get("region", "")
        match = _HOST.fullmatch(given.host)
        location = match["location"] if match is not None else None
        if not _REGION.fullmatch(region):
            faults["region"] = "This is not a location; expected something like europe-west1."
        elif location is not None and location != region:
            faults["region"] = f"The Registry URL is in {location}, but the Region says {region}."
        secret = given.secrets.get("service_account_json")
        if secret is not None:
            try:
                ServiceAccountKey.parse(secret)
            except NotAKey as error:
                faults["service_account_json"] = str(error)
        return faults

    def registry(self, visit: Visit) -> Distribution:
        return Distribution(visit, visit.config.url, realms=frozenset({visit.config.host}))

    async def check(self, visit: Visit) -> Finding:
        config = visit.config
        registry = self.registry(visit)
        challenge = await registry.ping()
        visit.enter(Stage.LOGIN)
        challenge = registry.wanting_token(challenge)
        try:
            key = ServiceAccountKey.parse(config.secrets["service_account_json"])
        except NotAKey as error:
            raise _malformed(error) from None
        token, _ = await exchange(visit, key)
        visit.identity = key.email
        visit.question = Question(partial(google_key.ask, visit, key, token), google_key.REQUESTS)
        proof = signed_in(visit, Level.E3, key.email)
        _compare_projects(visit, key)
        if config.test_image:
            login = Login("oauth2accesstoken", token)
            return await prove_pull(visit, registry, challenge, login, proof)
        return await _permissions(visit, token, proof)


async def exchange(visit: Visit, key: ServiceAccountKey) -> tuple[Secret, timedelta]:
    """An access token for the key and how long it lasts, whatever the key file says."""
    # Signing takes milliseconds of CPU: out of the event loop.
    assertion = await asyncio.to_thread(key.assertion, wall_time())
    answer = await visit.request(
        "POST",
        AUDIENCE,
        {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        urlencode({"grant_type": _GRANT, "assertion": assertion}).encode(),
        auth=True,
    )
    body = json_object(answer)
    token = body.get("access_token")
    if answer.status_code == 200 and isinstance(token, str) and _TOKEN.fullmatch(token):
        seconds = body.get("expires_in")
        lasts = seconds if isinstance(seconds, int) and 0 < seconds <= _LONGEST else _LONGEST
        return Secret(token), timedelta(seconds=lasts)
    if answer.status_code in {400, 401} and body.get("error") == "invalid_grant":
        raise _refused(str(body.get("error_description", "")).lower())
    raise unreachable(
        Stage.LOGIN,
        Cause.REGISTRY_ERROR,
        f"Google gave an unexpected answer ({answer.status_code}) for this key; "
        "the key was not judged.",
        "Nothing to do here: it is tried again by itself.",
    )


def _refused(description: str) -> Stop:
    if "short-lived" in description or "timeframe" in description:
        return unreachable(
            Stage.LOGIN,
            Cause.CLOCK_SKEW,
            "Google says that Registrar's clock is wrong; the key was not judged.",
            "Ask who runs Registrar to set its clock.",
        )
    if "account not found" in description:
        return refused(
            Stage.LOGIN,
            Cause.REVOKED,
            "Google no longer has this service account, or it is disabled.",
            "Enable it, or create a key for another service account and put it in.",
            explicit=True,
        )
    return refused(
        Stage.LOGIN,
        Cause.BAD_CREDENTIALS,
        "Google refused this key: it was deleted or disabled, or the file was changed.",
        "Create a key for the service account and paste the whole file.",
        explicit=True,
    )


def _malformed(error: NotAKey) -> Stop:
    return refused(
        Stage.LOGIN, Cause.MALFORMED, str(error), "Paste the whole key file, as downloaded."
    )


def _compare_projects(visit: Visit, key: ServiceAccountKey) -> None:
    where = place_of(visit.config.path_scope or visit.config.test_image)
    if where is not None and where[0] != key.project:
        visit.warnings.append(f"The key belongs to project {key.project}, the path to {where[0]}.")


async def _permissions(visit: Visit, token: Secret, proof: Proof) -> Finding:
    """Without an image, ask whether the key may pull from the repository of the path scope."""
    match = _HOST.fullmatch(visit.config.host)
    where = place_of(visit.config.path_scope)
    if where is None or match is None or match["location"] is None or not where[1]:
        return proven(proof)
    visit.enter(Stage.PULL)
    project, repository = where
    path = f"projects/{quote(project, safe=':')}/locations/{match['location']}"
    answer = await visit.request(
        "POST",
        "https://artifactregistry.googleapis.com/v1/"
        f"{path}/repositories/{quote(repository)}:testIamPermissions",
        {"Authorization": f"Bearer {token.reveal()}", "Content-Type": "application/json"},
        json.dumps({"permissions": [_PULL]}).encode(),
        auth=True,
    )
    if answer.status_code != 200:
        visit.unknown(Stage.PULL, "not told")
        return proven(proof)
    held = json_object(answer).get("permissions")
    if not isinstance(held, list) or _PULL not in held:
        raise refused(
            Stage.PULL,
            Cause.MISSING_SCOPE,
            f"{proof.words}, but may not pull from {project}/{repository}.",
            "Give the service account the role Artifact Registry Reader there.",
            explicit=True,
        )
    visit.passed(Stage.PULL, "may download")
    return proven(proof, Stage.PULL)


def place_of(path: str) -> tuple[str, str] | None:
    """Project and repository of a path; a project of a domain is written `example.com/project`."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        return None
    if "." in parts[0] and len(parts) > 1:
        parts = [f"{parts[0]}:{parts[1]}", *parts[2:]]
    return parts[0], parts[1].partition(":")[0] if len(parts) > 1 else ""


def location_of(host: str) -> str:
    """Where a registry is; empty for the old names at gcr.io."""
    match = _HOST.fullmatch(host)
    return (match["location"] or "") if match is not None else ""
