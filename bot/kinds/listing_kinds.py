"""Which kinds can list, and by what; those that are not here list tags by the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.kinds.list_amazon import EcrLists, PublicEcrLists
from bot.kinds.list_docker_hub import DockerHubLists
from bot.kinds.list_generic import GenericLists
from bot.kinds.list_github import GithubLists
from bot.kinds.list_gitlab import GitlabLists
from bot.kinds.list_google import GoogleLists
from bot.kinds.list_scaleway import ScalewayLists
from bot.kinds.lists import Lists

LISTS: Final[Mapping[str, Lists]] = MappingProxyType(
    {
        "ecr": EcrLists(),
        "gcp_artifact_registry": GoogleLists(),
        "scaleway": ScalewayLists(),
        "docker_hub": DockerHubLists(),
        "ghcr": GithubLists(),
        "github_enterprise": GithubLists(),
        "gitlab": GitlabLists(),
        "public_ecr": PublicEcrLists(),
        "generic": GenericLists(),
    }
)
