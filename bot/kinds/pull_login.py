"""What a cluster signs in with: the stored pair, or a short-lived one that its provider gives.

Source: ECR API Reference (GetAuthorizationToken: 12 hours), Artifact Registry authentication
(`oauth2accesstoken`, one hour), Scaleway Container Registry (`nologin`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.core.check import Stage
from bot.core.clock import Clock
from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import EgressError, NoLogin
from bot.kinds.aws import AwsGateway, Keys
from bot.kinds.aws_login import assumed_keys, given_keys, registry_token
from bot.kinds.finding import Stop
from bot.kinds.gcp_artifact_registry import exchange
from bot.kinds.memory import Memory
from bot.kinds.net import Egress
from bot.kinds.service_account import NotAKey, ServiceAccountKey
from bot.kinds.visit import Visit

TOTAL: Final = 10.0  # seconds for one login
_ECR_REGION: Final = re.compile(r"\d{12}\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.")
_SHORT_LIVED: Final = frozenset({"ecr", "public_ecr", "gcp_artifact_registry"})
_PUBLIC_REGION: Final = "us-east-1"  # the only one where ECR Public gives tokens


@dataclass(frozen=True, slots=True)
class PullLogin:
    """A user name and password for `docker login`; `expires_at` None: as long as it is stored."""

    username: str
    password: Secret
    expires_at: datetime | None = None


def is_short_lived(kind: str) -> bool:
    """Whether the provider gives a login that ends, instead of the stored pair."""
    return kind in _SHORT_LIVED


class PullLogins:
    """Gives the login of a registry. Keep one for the life of the process."""

    def __init__(self, *, egress: Egress, aws: AwsGateway, clock: Clock) -> None:
        self._egress = egress
        self._aws = aws
        self._clock = clock
        self._memory = Memory(clock)

    async def of(self, config: Config) -> PullLogin | None:
        """The login of a registry; None of one that is read anonymously.

        Raises NoLogin with the reason when its provider gives none.
        """
        if config.anonymous:
            return None
        visit = Visit(
            config=config,
            egress=self._egress,
            aws=self._aws,
            clock=self._clock,
            memory=self._memory,
        )
        visit.enter(Stage.LOGIN)
        try:
            async with asyncio.timeout(TOTAL):
                return await pull_login(visit)
        except Stop as stop:
            raise NoLogin(stop.finding.sentence) from None
        except (EgressError, NotAKey) as error:
            raise NoLogin(str(error)) from None
        except TimeoutError:
            raise NoLogin(f"Its provider did not answer within {TOTAL:g} s.") from None


async def pull_login(visit: Visit) -> PullLogin:
    """What the registry itself is signed in to with; raises Stop, NotAKey or EgressError."""
    return await _BY_KIND[visit.config.kind](visit)


def _stored(username: str, secret: str) -> Callable[[Visit], Awaitable[PullLogin]]:
    """The pair as it was typed: the names of its two fields."""

    async def login(visit: Visit) -> PullLogin:
        config = visit.config
        return PullLogin(config.values.get(username) or username, config.secrets[secret])

    return login


async def _ecr(visit: Visit) -> PullLogin:
    found = _ECR_REGION.match(visit.config.host)
    region = found["region"] if found else visit.config.values["region"]
    if visit.config.variant == "assume_role":
        return await _aws_token(visit, await assumed_keys(visit, region), region, public=False)
    return await _aws_token(visit, given_keys(visit), region, public=False)


async def _public_ecr(visit: Visit) -> PullLogin:
    return await _aws_token(visit, given_keys(visit), _PUBLIC_REGION, public=True)


async def _aws_token(visit: Visit, keys: Keys, region: str, *, public: bool) -> PullLogin:
    token = await registry_token(visit, keys, region, public=public)
    ends = [at for at in (token.expires_at, keys.expires_at) if at is not None]
    return PullLogin(token.username, token.password, min(ends, default=None))


async def _google(visit: Visit) -> PullLogin:
    key = ServiceAccountKey.parse(visit.config.secrets["service_account_json"])
    token, lasts = await exchange(visit, key)
    return PullLogin("oauth2accesstoken", token, visit.clock.now() + lasts)


_BY_KIND: Final[Mapping[str, Callable[[Visit], Awaitable[PullLogin]]]] = {
    "ecr": _ecr,
    "gcp_artifact_registry": _google,
    "scaleway": _stored("nologin", "secret_key"),
    "docker_hub": _stored("username", "password"),
    "ghcr": _stored("username", "token"),
    "github_enterprise": _stored("username", "token"),
    "gitlab": _stored("username", "token"),
    "public_ecr": _public_ecr,
    "generic": _stored("username", "password"),
}
