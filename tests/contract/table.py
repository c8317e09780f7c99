"""The table: what a check must answer, for every kind in every state of its practice registry.

`COMMON` holds what does not depend on the make of the registry, `OWN` the rest and the exceptions.
The practice credential is the right one throughout and the private test image is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.check import Cause, Level, Stage, Verdict
from bot.sandbox.practice.states import State


@dataclass(frozen=True, slots=True)
class Expected:
    """The decided part of a check's answer; `{host}` stands for the registry's host."""

    verdict: Verdict
    level: Level
    stage: Stage
    cause: Cause | None
    sentence: str
    explicit: bool = False


def proven(level: Level, sentence: str) -> Expected:
    return Expected(Verdict.PROVEN, level, Stage.IMAGE, None, sentence)


def accepts_anyone(sentence: str, stage: Stage) -> Expected:
    return Expected(Verdict.UNPROVEN, Level.E1, stage, Cause.ACCEPTS_ANYONE, sentence)


def out_of_reach(stage: Stage, cause: Cause, sentence: str) -> Expected:
    """No verdict on the credential at all."""
    return Expected(Verdict.UNREACHABLE, Level.E0, stage, cause, sentence)


def refused(cause: Cause, sentence: str) -> Expected:
    """By a bare refusal of the registry or its token service."""
    return Expected(Verdict.REFUSED, Level.E2, Stage.LOGIN, cause, sentence)


def told(cause: Cause, sentence: str, *, stage: Stage = Stage.LOGIN) -> Expected:
    """By the provider itself, in so many words."""
    return Expected(Verdict.REFUSED, Level.E3, stage, cause, sentence, explicit=True)


def no_access(login: str, repository: str = "team/app", level: Level = Level.E3) -> Expected:
    """The sign-in is proven, as strongly as `level`, and the image is refused to it."""
    return Expected(
        Verdict.REFUSED,
        level,
        Stage.PULL,
        Cause.NO_ACCESS,
        f"Signed in as {login}, but cannot pull {repository}: no permission, or it does not exist "
        "(the registry does not say which).",
    )


COMMON = {
    State.LIMITED: Expected(
        Verdict.LIMITED,
        Level.E0,
        Stage.REGISTRY,
        Cause.RATE_LIMITED,
        "{host} limits requests until 12:02 UTC; the credential was not judged.",
    ),
    State.DOWN: out_of_reach(
        Stage.REGISTRY,
        Cause.REGISTRY_ERROR,
        "{host} is failing (503); the credential was not judged.",
    ),
    State.HOSTILE_REALM: Expected(
        Verdict.BLOCKED,
        Level.E0,
        Stage.LOGIN,
        Cause.REALM_NOT_TRUSTED,
        "{host} asks to send the credential to tokens.collector.example. Nothing was sent.",
    ),
    State.NOT_A_REGISTRY: out_of_reach(
        Stage.REGISTRY,
        Cause.NOT_A_REGISTRY,
        "{host} answers, but not as a container registry (asked for /v2/).",
    ),
    State.OPEN: accepts_anyone(
        "{host} accepts anyone, so this sign-in cannot be proven.", Stage.LOGIN
    ),
    State.REDIRECTS: out_of_reach(
        Stage.REGISTRY,
        Cause.NOT_A_REGISTRY,
        "{host} sends us to another address instead of answering as a registry.",
    ),
    State.BANNED: out_of_reach(
        Stage.REGISTRY,
        Cause.BLOCKED_BY_REGISTRY,
        "{host} refuses our address (a ban or an allow-list); the credential was not judged.",
    ),
    State.STUCK: out_of_reach(
        Stage.REGISTRY,
        Cause.TIMEOUT,
        "{host} did not answer within 0.6 s; the credential was not judged.",
    ),
    State.DRIPS: out_of_reach(
        Stage.REGISTRY,
        Cause.TIMEOUT,
        "{host} did not answer within 0.6 s; the credential was not judged.",
    ),
    State.REFUSES_CONNECTION: out_of_reach(
        Stage.ADDRESS, Cause.CONNECT_FAILED, "{host} refused the connection."
    ),
    State.UNKNOWN_HOST: out_of_reach(
        Stage.ADDRESS, Cause.HOST_NOT_FOUND, "{host} does not exist in DNS."
    ),
    State.TLS_EXPIRED: out_of_reach(
        Stage.TLS, Cause.TLS_FAILURE, "{host}: its certificate has expired."
    ),
    State.TLS_WRONG_NAME: out_of_reach(
        Stage.TLS, Cause.TLS_FAILURE, "{host}: its certificate was issued for another host."
    ),
    State.TLS_UNKNOWN_ISSUER: out_of_reach(
        Stage.TLS, Cause.TLS_FAILURE, "{host}: its certificate comes from an unknown issuer."
    ),
}


def working(level: Level, sentence: str) -> dict[State, Expected]:
    """Healthy, and slow but healthy."""
    return {State.HEALTHY: proven(level, sentence), State.SLOW: proven(level, sentence)}


def amazon(arn: str, rights: str) -> dict[State, Expected]:
    """What STS and ECR tell of a key; the same for both of Amazon's registries."""
    working_and_open = working(Level.E3, f"Signed in as {arn}, and can pull {{host}}/team/app:1.2.")
    return working_and_open | {
        State.OPEN: working_and_open[State.HEALTHY],
        State.WRONG_SECRET: told(
            Cause.BAD_CREDENTIALS,
            "AWS knows this Access Key ID, but the Secret Access Key does not belong to it.",
        ),
        State.REVOKED: told(
            Cause.REVOKED,
            "AWS refused this key: it exists no more, or is inactive, or was mistyped.",
        ),
        State.EXPIRED: told(Cause.EXPIRED, "The temporary AWS key has expired."),
        State.LACKS_SCOPE: told(
            Cause.MISSING_SCOPE, f"Signed in as {arn}, but it may not call {rights}."
        ),
        State.CLOCK_SKEW: out_of_reach(
            Stage.LOGIN,
            Cause.CLOCK_SKEW,
            "AWS says that Registrar's clock (12:00 UTC) is wrong; the credential was not judged.",
        ),
    }


def github() -> dict[State, Expected]:
    """What GitHub's API tells of a token; hosted and enterprise alike."""
    unknown = told(
        Cause.BAD_CREDENTIALS,
        "GitHub refused the token: it is wrong, expired or revoked (GitHub does not say which).",
    )
    return working(Level.E3, "Signed in as acme-ci, and can pull {host}/team/app:1.2.") | {
        State.WRONG_SECRET: unknown,
        State.REVOKED: unknown,
        State.EXPIRED: told(Cause.EXPIRED, "The token expired on 24 Nov 2026."),
        State.LACKS_SCOPE: told(
            Cause.MISSING_SCOPE,
            "Signed in as acme-ci, but the token lacks read:packages (has: repo).",
            stage=Stage.PULL,
        ),
        State.NO_ACCESS: no_access("acme-ci"),
        State.SSO_REQUIRED: told(
            Cause.SSO_REQUIRED,
            "The token is not authorised for the organisation's single sign-on.",
        ),
    }


def docker_hub() -> dict[State, Expected]:
    # The Hub tells wrong, expired and revoked apart for nobody.
    unknown = refused(
        Cause.BAD_CREDENTIALS, "Docker Hub refused this username and password or access token."
    )
    return working(Level.E3, "Signed in as acme-ci, and can pull team/app:1.2.") | {
        State.WRONG_SECRET: unknown,
        State.EXPIRED: unknown,
        State.REVOKED: unknown,
        State.LACKS_SCOPE: no_access("acme-ci"),
        State.NO_ACCESS: no_access("acme-ci"),
    }


def gitlab() -> dict[State, Expected]:
    login = "token “practice”"
    return working(Level.E3, f"Signed in as {login}, and can pull {{host}}/team/app:1.2.") | {
        State.WRONG_SECRET: told(
            Cause.BAD_CREDENTIALS,
            "GitLab refused the token: it is wrong, expired or revoked "
            "(GitLab does not say which).",
        ),
        State.EXPIRED: told(Cause.EXPIRED, "The token expired."),
        State.REVOKED: told(Cause.REVOKED, "The token was revoked at GitLab."),
        State.LACKS_SCOPE: told(
            Cause.MISSING_SCOPE,
            f"GitLab knows this {login}, but it lacks read_registry (has: read_user).",
            stage=Stage.PULL,
        ),
        State.NO_ACCESS: no_access(login),
    }


def google() -> dict[State, Expected]:
    login = "ci-pull@acme-practice.iam.gserviceaccount.com"
    image = "acme-practice/team/app"
    works = working(Level.E3, f"Signed in as {login}, and can pull {{host}}/{image}:1.2.")
    return works | {
        State.WRONG_SECRET: told(
            Cause.BAD_CREDENTIALS,
            "Google refused this key: it was deleted or disabled, or the file was changed.",
        ),
        State.REVOKED: told(
            Cause.REVOKED, "Google no longer has this service account, or it is disabled."
        ),
        State.LACKS_SCOPE: no_access(login, image),
        State.NO_ACCESS: no_access(login, image),
        State.CLOCK_SKEW: out_of_reach(
            Stage.LOGIN,
            Cause.CLOCK_SKEW,
            "Google says that Registrar's clock is wrong; the key was not judged.",
        ),
    }


def scaleway() -> dict[State, Expected]:
    login = "application 00000000-0000-4000-8000-000000000001"
    works = working(Level.E3, f"Signed in as {login}, and can pull {{host}}/team/app:1.2.")
    wrong = told(
        Cause.BAD_CREDENTIALS, "Scaleway refused the Secret Key: it is wrong, expired or deleted."
    )
    return works | {
        State.WRONG_SECRET: wrong,
        State.REVOKED: wrong,
        State.EXPIRED: told(Cause.EXPIRED, "The API key expired."),
        State.LACKS_SCOPE: told(
            Cause.MISSING_SCOPE,
            "Scaleway accepts this key, but it may not read the container registry.",
            stage=Stage.PULL,
        ),
        State.NO_ACCESS: no_access(login),
    }


def generic() -> dict[State, Expected]:
    wrong = refused(Cause.BAD_CREDENTIALS, "{host} refused this user name and password.")
    anyone = accepts_anyone(
        "{host} lets anyone pull team/app, so this sign-in cannot be proven.", Stage.IMAGE
    )
    return working(Level.E2, "Signed in as deploy, and can pull {host}/team/app:1.2.") | {
        State.WRONG_SECRET: wrong,
        State.REVOKED: wrong,
        State.NO_ACCESS: no_access("deploy", level=Level.E2),
        State.OPEN: anyone,
        State.ANY_PASSWORD: anyone,
    }


ECR_USER = "arn:aws:iam::123456789012:user/ci-pull"
PUBLIC_USER = "arn:aws:iam::123456789012:user/ci-public"

OWN = {
    "ecr": amazon(ECR_USER, "ecr:GetAuthorizationToken")
    | {
        State.NO_ACCESS: no_access(ECR_USER),
        State.SESSION_OVER: out_of_reach(
            Stage.LOGIN,
            Cause.REGISTRY_ERROR,
            "{host} does not accept the password that AWS just gave for it.",
        ),
    },
    "gcp_artifact_registry": google(),
    "scaleway": scaleway(),
    "docker_hub": docker_hub(),
    "ghcr": github(),
    "github_enterprise": github(),
    "gitlab": gitlab(),
    "public_ecr": amazon(
        PUBLIC_USER, "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken"
    ),
    "generic": generic(),
}

HOSTS = {
    "ecr": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "gcp_artifact_registry": "europe-west1-docker.pkg.dev",
    "scaleway": "rg.fr-par.scw.cloud",
    "docker_hub": "registry-1.docker.io",
    "ghcr": "ghcr.io",
    "github_enterprise": "containers.acme.ghe.com",
    "gitlab": "registry.gitlab.com",
    "public_ecr": "public.ecr.aws",
    "generic": "registry.practice.example",
}
"""The host that each kind's sentences name."""

TABLE = {
    (slug, state): expected
    for slug, own in OWN.items()
    for state, expected in (COMMON | own).items()
}
