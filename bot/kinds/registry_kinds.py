"""The kinds, in the order of the menu. Adding one is its file, its line here and its test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final, Protocol

from bot.kinds.base import Kind
from bot.kinds.distribution import Distribution
from bot.kinds.docker_hub import DockerHub
from bot.kinds.ecr import Ecr
from bot.kinds.finding import Finding
from bot.kinds.gcp_artifact_registry import GcpArtifactRegistry
from bot.kinds.generic import Generic
from bot.kinds.ghcr import Ghcr
from bot.kinds.github_enterprise import GithubEnterprise
from bot.kinds.gitlab import Gitlab
from bot.kinds.public_ecr import PublicEcr
from bot.kinds.scaleway import Scaleway
from bot.kinds.shape import Faults, Given
from bot.kinds.visit import Visit


class RegistryKind(Kind, Protocol):
    """A kind with its rules and its check.

    `hosts` is what its hosts look like (None: any that the common rules allow, or a fixed URL) and
    `hosts_hint` the sentence when one does not. `faults` judges answers without any network;
    `registry` is where its images are, `check` runs the stages, returns its finding or raises Stop
    or EgressError.
    """

    hosts: ClassVar[re.Pattern[str] | None]
    hosts_hint: ClassVar[str]

    def faults(self, given: Given) -> Faults: ...

    def registry(self, visit: Visit) -> Distribution: ...

    async def check(self, visit: Visit) -> Finding: ...


_ALL: Final[tuple[RegistryKind, ...]] = (
    Ecr(),
    GcpArtifactRegistry(),
    Scaleway(),
    DockerHub(),
    Ghcr(),
    GithubEnterprise(),
    Gitlab(),
    PublicEcr(),
    Generic(),
)

KINDS: Final[Mapping[str, RegistryKind]] = MappingProxyType({kind.slug: kind for kind in _ALL})


def label_of(slug: str) -> str:
    """What people call a kind; of one that this version does not know, its slug."""
    kind = KINDS.get(slug)
    return kind.label if kind else slug
