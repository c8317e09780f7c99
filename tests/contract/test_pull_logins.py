"""The login that a cluster gets opens the registry it is for, whatever kind that is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.check import Stage
from bot.core.config import Config
from bot.errors import NoLogin
from bot.kinds.distribution import Distribution, Login
from bot.kinds.memory import Memory
from bot.kinds.pull_login import PullLogin, PullLogins
from bot.kinds.registry_kinds import KINDS
from bot.kinds.visit import Visit
from bot.sandbox.practice.states import State
from tests.contract.lab import NOON, Lab, open_lab

DATA = {"https://docker.io": "https://registry-1.docker.io"}
REALMS = frozenset(
    {"auth.docker.io", "ghcr.io", "gitlab.com", "api.scaleway.com", "europe-west1-docker.pkg.dev"}
)


def logins_of(lab: Lab) -> PullLogins:
    return PullLogins(egress=lab.egress, aws=lab.aws, clock=lab.clock)


async def opens(lab: Lab, config: Config, login: PullLogin) -> bool:
    """Whether `docker login` with this pair succeeds there."""
    visit = Visit(
        config=config,
        egress=lab.egress,
        aws=lab.aws,
        clock=lab.clock,
        memory=Memory(lab.clock),
    )
    url = DATA.get(config.url, config.url)
    registry = Distribution(visit, url, realms=REALMS | {config.host})
    challenge = await registry.ping()
    visit.enter(Stage.LOGIN)
    pair = Login(login.username, login.password)
    if challenge is None or challenge.scheme == "basic":
        return (await registry.root(pair.basic())).status_code == 200
    return (await registry.token(challenge, pair)).token is not None


@pytest.mark.parametrize("slug", list(KINDS))
async def test_the_login_opens_the_registry(slug: str) -> None:
    """Kubelet and docker present nothing but this pair."""
    async with open_lab() as lab:
        config = lab.config(slug)
        login = await logins_of(lab).of(config)
        assert login is not None
        assert await opens(lab, config, login)


@pytest.mark.parametrize(
    ("slug", "variant", "lasts"),
    [
        ("ecr", "access_keys", timedelta(hours=12)),
        ("gcp_artifact_registry", "", timedelta(hours=1)),
        ("ghcr", "", None),
    ],
)
async def test_how_long_a_login_is_good_is_known(
    slug: str, variant: str, lasts: timedelta | None
) -> None:
    """Told by the provider; a stored secret is good as long as it is stored."""
    async with open_lab() as lab:
        login = await logins_of(lab).of(lab.config(slug, variant))
    assert login is not None
    if lasts is None:
        assert login.expires_at is None
    else:
        assert login.expires_at is not None
        assert NOON < login.expires_at <= NOON + lasts


async def test_the_login_of_a_role_ends_with_the_role() -> None:
    """AWS says twelve hours of the password, but the keys behind it end before."""
    async with open_lab() as lab:
        login = await logins_of(lab).of(lab.config("ecr", "assume_role"))
    assert login is not None
    assert login.expires_at is not None
    # The practice STS goes by the machine's clock.
    assert login.expires_at < datetime.now(UTC) + timedelta(hours=1)


async def test_an_anonymous_registry_needs_no_login() -> None:
    """Nobody is asked."""
    async with open_lab() as lab:
        assert await logins_of(lab).of(lab.config("docker_hub", "anonymous")) is None
        assert lab.requests == 0


@pytest.mark.parametrize("slug", ["ecr", "gcp_artifact_registry", "public_ecr"])
@pytest.mark.parametrize("state", [State.REVOKED, State.DOWN])
async def test_a_provider_that_gives_none_says_why(slug: str, state: State) -> None:
    """In a sentence without the secret."""
    async with open_lab() as lab:
        config = lab.config(slug)
        lab.practice.set_state(slug, state)
        with pytest.raises(NoLogin) as caught:
            await logins_of(lab).of(config)

    said = str(caught.value)
    assert said
    assert not any(secret.reveal() in said for secret in config.secrets.values())
