"""The providers that can rotate, by registry kind, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.core.config import Config
from bot.kinds.rotation.acr import AcrTokens
from bot.kinds.rotation.aws import AwsAccessKeys
from bot.kinds.rotation.base import Provider
from bot.kinds.rotation.docker_hub import DockerHubTokens
from bot.kinds.rotation.gcp import GoogleKeys
from bot.kinds.rotation.gitlab import GitlabToken
from bot.kinds.rotation.gitlab_deploy import GitlabDeployTokens
from bot.kinds.rotation.harbor import HarborRobots
from bot.kinds.rotation.quay import QuayRobots
from bot.kinds.rotation.scaleway import ScalewayKeys

PROVIDERS: Final[Mapping[str, tuple[Provider, ...]]] = {
    "ecr": (AwsAccessKeys(),),
    "public_ecr": (AwsAccessKeys(),),
    "gcp_artifact_registry": (GoogleKeys(),),
    "scaleway": (ScalewayKeys(),),
    "docker_hub": (DockerHubTokens(),),
    "gitlab": (GitlabToken(), GitlabDeployTokens()),
    "generic": (HarborRobots(), QuayRobots(), AcrTokens()),
}


def provider_for(config: Config) -> tuple[Provider | None, str]:
    """The provider that can rotate a credential; None and a sentence where none can."""
    reasons = []
    for provider in PROVIDERS.get(config.kind, ()):
        reason = provider.unsuited(config)
        if not reason:
            return provider, ""
        reasons.append(reason)
    return None, " ".join(dict.fromkeys(reasons)) or (
        "This provider offers no way to make credentials, so a person has to."
    )
