"""Where a new credential is made and the old one ended, in each vendor's own words.

Sources: IAM User Guide (access keys), Google Cloud IAM (service account keys), Scaleway IAM (API
keys), Docker docs (personal access tokens), GitHub docs (packages; `read:packages`), GitLab docs
(access tokens, deploy tokens).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Guide:
    """`create` and `remove` are sentences, `url` is where both are done; empty where that is not
    known. `rights` are the least that pulling needs, `lasts` what is said of its expiry.
    """

    create: str
    rights: str
    lasts: str
    remove: str
    url: str = ""


_IAM: Final = "https://console.aws.amazon.com/iam/home#/users"
_DAYS: Final = "Let it expire in 90 days or less; you are reminded before."
_AWS_PULL: Final = (
    "ecr:GetAuthorizationToken, ecr:BatchCheckLayerAvailability, ecr:GetDownloadUrlForLayer, "
    "ecr:BatchGetImage"
)
_NEW_AWS_KEY: Final = (
    "In IAM open the user of the key, then Security credentials, Create access key. A user has at "
    "most two."
)
_OLD_AWS_KEY: Final = "In the same place, deactivate the old access key, then delete it."
_GITHUB: Final = Guide(
    "In Settings, Developer settings, Personal access tokens, Tokens (classic), choose Generate "
    "new token.",
    "read:packages",
    _DAYS,
    "In the same list, delete the old token.",
)

GUIDES: Final[Mapping[str, Guide]] = {
    "ecr": Guide(_NEW_AWS_KEY, _AWS_PULL, "Access keys do not expire.", _OLD_AWS_KEY, _IAM),
    "gcp_artifact_registry": Guide(
        "In IAM & Admin, Service accounts, open the account, then Keys, Add key, Create new key, "
        "JSON. An account has at most ten.",
        "Artifact Registry Reader (roles/artifactregistry.reader)",
        "Keys do not expire unless your organisation says so.",
        "In the same list, disable the old key, then delete it.",
        "https://console.cloud.google.com/iam-admin/serviceaccounts",
    ),
    "scaleway": Guide(
        "In IAM, API keys, choose Generate API key, for the same application.",
        "ContainerRegistryReadOnly",
        _DAYS,
        "In the same list, delete the old API key.",
        "https://console.scaleway.com/iam/api-keys",
    ),
    "docker_hub": Guide(
        "In Account settings, Personal access tokens, choose Generate new token.",
        "Read-only",
        _DAYS,
        "In the same list, delete the old token. An old password ends when it is changed.",
        "https://app.docker.com/settings/personal-access-tokens",
    ),
    "ghcr": replace(_GITHUB, url="https://github.com/settings/tokens"),
    "github_enterprise": _GITHUB,
    "gitlab": Guide(
        "In the project, the group or your preferences, Access tokens, choose Add new token; or "
        "add a deploy token.",
        "read_registry",
        "It must expire within a year; 90 days are better.",
        "In the same place, revoke the old token.",
    ),
    "public_ecr": Guide(
        _NEW_AWS_KEY,
        "ecr-public:GetAuthorizationToken, sts:GetServiceBearerToken",
        "Access keys do not expire.",
        _OLD_AWS_KEY,
        _IAM,
    ),
    "generic": Guide(
        "Make a new password, token or robot account where this registry keeps them.",
        "Pull",
        _DAYS,
        "In the same place, remove the old one. An old password ends when it is changed.",
    ),
}


def guide(kind: str, host: str) -> Guide:
    """The words for a kind, with the link for the installation at `host`."""
    found = GUIDES.get(kind, GUIDES["generic"])
    if kind == "github_enterprise":
        # The packages of a GitHub are at a sub-domain of it.
        return replace(found, url=f"https://{host.removeprefix('containers.')}/settings/tokens")
    if kind == "gitlab" and host == "registry.gitlab.com":
        return replace(found, url="https://gitlab.com/-/user_settings/personal_access_tokens")
    return found
