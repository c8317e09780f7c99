"""Docker Hub. Source: docker/docs, reference/api/hub; distribution spec, auth/token.md."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import ClassVar, Final

from bot.core.check import Cause, Level, Stage
from bot.core.secret import Secret
from bot.kinds import docker_token, fields
from bot.kinds.age import Question
from bot.kinds.anonymous import look_around
from bot.kinds.base import Field, Variant
from bot.kinds.distribution import Distribution, Login
from bot.kinds.finding import Finding, Stop, refused, unreachable
from bot.kinds.pull import prove_pull, signed_in
from bot.kinds.shape import Faults, Given, foreign
from bot.kinds.visit import Visit, json_object

ALIASES: Final = frozenset(
    {
        "docker.io",
        "www.docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "registry.hub.docker.com",
        "hub.docker.com",
    }
)
_DATA: Final = "https://registry-1.docker.io"
_REALMS: Final = frozenset({"auth.docker.io"})
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,65536}")
_IDENTITY: Final = "https://hub.docker.com/v2/auth/token"


class DockerHub:
    slug: ClassVar = "docker_hub"
    label: ClassVar = "Docker Hub"
    url: ClassVar[Field] = fields.url(fixed="https://docker.io")
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "account",
            "Account",
            (
                fields.username(hint="The Docker ID; the organisation's name for its token."),
                Field("password", "Password or access token", secret=True),
            ),
        ),
        fields.ANONYMOUS,
    )
    shared_host: ClassVar = True
    hosts: ClassVar[re.Pattern[str] | None] = None
    hosts_hint: ClassVar = ""

    def faults(self, given: Given) -> Faults:
        faults: Faults = {}
        secret = given.secret("password")
        if (words := foreign(secret, "docker")) is not None:
            faults["password"] = f"This is {words}; Docker Hub needs a password or its own token."
        if secret.startswith("dckr_") and "@" in given.values.get("username", ""):
            faults["username"] = (
                "With an access token, Docker Hub wants the Docker ID, not an e-mail."
            )
        return faults

    def registry(self, visit: Visit) -> Distribution:
        return Distribution(visit, _DATA, realms=_REALMS)

    async def check(self, visit: Visit) -> Finding:
        registry = self.registry(visit)
        challenge = await registry.ping()
        if visit.config.anonymous:
            return await look_around(visit, registry, challenge)
        visit.enter(Stage.LOGIN)
        challenge = registry.wanting_token(challenge)
        login = Login(visit.config.values["username"], visit.config.secrets["password"])
        answer = await registry.token(challenge, login)
        # Stop after the first refusal: repeated ones lock the user out for a quarter of an hour.
        if answer.refused:
            raise _refused(explicit=False)
        if answer.token is None:
            raise registry.unclear(answer)
        token = await identify(visit, login)
        if login.secret.reveal().startswith(docker_token.PREFIX):
            ask = partial(docker_token.ask, visit, login.username, token)
            visit.question = Question(ask, docker_token.REQUESTS)
        proof = signed_in(visit, Level.E3, login.username)
        return await prove_pull(visit, registry, challenge, login, proof)


async def identify(visit: Visit, login: Login) -> Secret:
    """Stop unless the Hub's API knows the credential; else its token for the API."""
    body = {"identifier": login.username, "secret": login.secret.reveal()}
    answer = await visit.request(
        "POST",
        _IDENTITY,
        {"Content-Type": "application/json", "Accept": "application/json"},
        json.dumps(body).encode(),
        auth=True,
    )
    visit.expect_the_api(answer)
    if answer.status_code in {401, 403}:
        raise _refused(explicit=True)
    token = json_object(answer).get("access_token")
    if answer.status_code != 200 or not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise unreachable(
            Stage.LOGIN,
            Cause.REGISTRY_ERROR,
            f"Docker Hub gave an unexpected answer ({answer.status_code}) when asked who this is; "
            "the credential was not judged.",
            "Nothing to do here: it is tried again by itself.",
        )
    visit.identity = login.username
    return Secret(token)


def _refused(*, explicit: bool) -> Stop:
    return refused(
        Stage.LOGIN,
        Cause.BAD_CREDENTIALS,
        "Docker Hub refused this username and password or access token.",
        "Check the username (a Docker ID), and that the token is active and has not expired; "
        "accounts with two-factor sign-in need an access token.",
        explicit=explicit,
    )
