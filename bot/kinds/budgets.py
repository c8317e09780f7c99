"""How often a host may be asked: what providers publish, kept far away from.

| who | what is published |
|---|---|
| Docker Hub | after wrong credentials a user or an address is refused for about 15 minutes |
| GitHub | 5,000 API calls an hour and user; after several failed sign-ins a user is refused |
| GitLab.com | 300 failed sign-ins a minute ban an address for 15 minutes |
| GitLab, self-managed | if switched on, 30 failed sign-ins in 3 minutes ban for an hour |
| AWS ECR, ECR Public | GetAuthorizationToken 500 and 200 a second and region |
| Google | 60,000 calls a minute and project, 6,000 reads of IAM |
| Scaleway | 20 pulls a minute and image |
| Azure | 5,000 reads a minute and identity |

Quay, Harbor, Nexus and Artifactory publish nothing that holds everywhere: one check a second at
most, and in practice far fewer, because checks are spread over the interval.
Sources: docs.docker.com (usage limits), docs.github.com (rate limits), docs.gitlab.com (limits of
GitLab.com, failed authentication ban), docs.aws.amazon.com (ECR quotas), cloud.google.com (Artifact
Registry and IAM quotas), scaleway.com (Container Registry), learn.microsoft.com (ACR tiers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from bot.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Budget:
    """What one process may ask of one host.

    `per_minute` checks begin at most, after `burst` that may begin at once. When `failures`
    sign-ins failed within `window`, the schedule signs in there again when the oldest of them is
    out of the window; 0 stands for no such bound.
    """

    per_minute: int = 60
    burst: int = 4
    failures: int = 0
    window: timedelta = timedelta(minutes=3)

    @property
    def gap(self) -> timedelta:
        """Between two checks in the long run."""
        return timedelta(minutes=1) / self.per_minute


SLOWEST: Final = 30
"""Checks a minute: slower, and what is claimed of one host would not end within its lease."""
FASTEST: Final = 6000
USUAL: Final = Budget()
_CLOUD: Final = Budget(per_minute=600, burst=20)

_BY_KIND: Final[Mapping[str, Budget]] = {
    "docker_hub": Budget(per_minute=60, failures=10, window=timedelta(minutes=15)),
    "ghcr": Budget(per_minute=120, failures=30, window=timedelta(minutes=15)),
    "github_enterprise": Budget(per_minute=60, failures=30, window=timedelta(minutes=15)),
    # One failing check may be two failed sign-ins in GitLab's eyes: the API call and the token.
    "gitlab": Budget(per_minute=60, failures=12),
    "ecr": _CLOUD,
    "public_ecr": Budget(per_minute=120, burst=8),
    "gcp_artifact_registry": _CLOUD,
    "scaleway": Budget(per_minute=30),
}
_BY_HOST: Final[Mapping[str, Budget]] = {
    "docker.io": _BY_KIND["docker_hub"],
    "registry-1.docker.io": _BY_KIND["docker_hub"],
    "ghcr.io": _BY_KIND["ghcr"],
    "registry.gitlab.com": Budget(per_minute=120, failures=100, window=timedelta(minutes=1)),
    "public.ecr.aws": _BY_KIND["public_ecr"],
}
_BY_SHAPE: Final = (
    (re.compile(r".*\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?"), _CLOUD),
    (re.compile(r"(?:.*-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io)"), _CLOUD),
    (re.compile(r"rg\.[a-z0-9-]+\.scw\.cloud"), _BY_KIND["scaleway"]),
    (re.compile(r".*\.azurecr\.(?:io|cn|us)"), _CLOUD),
)


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budget of each host: what `hosts` says, else the provider's, else the `usual` one.

    `paces` changes how many checks a minute some hosts are asked for, `*` all others; what bounds
    their failed sign-ins stays.
    """

    hosts: Mapping[str, Budget] = field(default_factory=dict)
    usual: Budget = USUAL
    paces: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Budgets:
        """Read `host=per_minute` pairs, separated by commas; raises SettingsError."""
        paces: dict[str, int] = {}
        for pair in filter(None, (part.strip() for part in text.split(","))):
            host, _, number = pair.partition("=")
            host, number = host.strip().lower(), number.strip()
            if not host or not (number.isascii() and number.isdecimal()):
                raise SettingsError(f"CHECK_PACES: “{pair}” is not HOST=CHECKS_PER_MINUTE.")
            if not SLOWEST <= int(number) <= FASTEST:
                raise SettingsError(f"CHECK_PACES: “{pair}” is not within {SLOWEST} to {FASTEST}.")
            paces[host] = int(number)
        return cls(paces=paces)

    def of(self, host: str, kind: str = "") -> Budget:
        """The budget of `host` (with or without a port), which may be of a known `kind`."""
        budget, name = self._published(host, kind), host.partition(":")[0]
        pace = self.paces.get(host) or self.paces.get(name) or self.paces.get("*")
        return budget if pace is None else replace(budget, per_minute=pace)

    def _published(self, host: str, kind: str) -> Budget:
        name = host.partition(":")[0]
        known = self.hosts.get(host) or self.hosts.get(name) or _BY_HOST.get(name)
        if known is not None:
            return known
        for shape, budget in _BY_SHAPE:
            if shape.fullmatch(name):
                return budget
        return _BY_KIND.get(kind, self.usual)


STANDARD: Final = Budgets()
