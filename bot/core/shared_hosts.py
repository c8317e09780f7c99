"""Hosts on which strangers keep images too, so that a host alone says nothing about an owner.

Sources: docs.docker.com, docs.github.com (packages), docs.gitlab.com (container registry),
docs.quay.io, cloud.google.com (Artifact Registry, Container Registry), docs.aws.amazon.com (ECR
Public), scaleway.com, docs.digitalocean.com, cloud.ibm.com, docs.oracle.com and alibabacloud.com
(their container registries).
"""

from __future__ import annotations

import re
from typing import Final

_SHARED: Final = re.compile(
    r"docker\.io|ghcr\.io|quay\.io|registry\.gitlab\.com|public\.ecr\.aws"
    r"|(?:[a-z]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev|rg\.[a-z0-9-]+\.scw\.cloud"
    r"|registry\.digitalocean\.com|(?:[a-z0-9-]+\.)?icr\.io|[a-z0-9-]+\.ocir\.io"
    r"|registry(?:-intl)?(?:-vpc)?\.[a-z0-9-]+\.aliyuncs\.com"
)


def is_shared(host: str) -> bool:
    """Whether a canonical host (see `bot.core.policy`) is one of them."""
    return _SHARED.fullmatch(host) is not None
