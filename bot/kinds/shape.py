"""The shapes of secrets and names that can be judged without asking anybody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.core.secret import Secret

Faults = dict[str, str]
"""A field's name to the sentence to show on it."""


@dataclass(frozen=True, slots=True)
class Given:
    """The answers of a form after the common rules: trimmed values, secrets as typed."""

    variant: str
    host: str
    values: Mapping[str, str]
    secrets: Mapping[str, Secret]

    def secret(self, name: str) -> str:
        """The secret's text, empty when it was not given."""
        secret = self.secrets.get(name)
        return secret.reveal() if secret is not None else ""


UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# Source: the vendors' documentation of their token formats.
_PREFIXES: Final = (
    ("github_pat_", "github-fine", "a fine-grained GitHub token"),
    ("ghp_", "github", "a GitHub personal access token"),
    ("gho_", "github-other", "a GitHub OAuth token"),
    ("ghs_", "github-other", "a GitHub App token"),
    ("ghu_", "github-other", "a GitHub App user token"),
    ("ghr_", "github-other", "a GitHub refresh token"),
    ("glpat-", "gitlab", "a GitLab personal access token"),
    ("gldt-", "gitlab", "a GitLab deploy token"),
    ("glcbt-", "gitlab", "a GitLab CI job token"),
    ("glrt-", "gitlab-other", "a GitLab runner token"),
    ("dckr_pat_", "docker", "a Docker Hub personal access token"),
    ("dckr_oat_", "docker", "a Docker Hub organisation access token"),
    ("dop_v1_", "digitalocean", "a DigitalOcean token"),
    ("xoxb-", "slack", "a Slack token"),
    ("xoxp-", "slack", "a Slack token"),
    ("xapp-", "slack", "a Slack token"),
    ("AKIA", "aws-id", "an AWS Access Key ID"),
    ("ASIA", "aws-id", "an AWS Access Key ID"),
)
_AWS_ID: Final = re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{12,124}")
_AWS_SECRET: Final = re.compile(r"[A-Za-z0-9/+=]{16,128}")


def maker_of(secret: str) -> tuple[str, str] | None:
    """Who makes secrets that look like this, and what it is in words; None if nothing tells."""
    for prefix, maker, words in _PREFIXES:
        if secret.startswith(prefix):
            if maker == "aws-id" and not _AWS_ID.fullmatch(secret):
                continue
            return maker, words
    return None


def foreign(secret: str, *makers: str) -> str | None:
    """What the secret is in words if somebody other than `makers` makes it, else None."""
    found = maker_of(secret)
    return found[1] if found is not None and found[0] not in makers else None


def access_key_faults(given: Given) -> Faults:
    """What is wrong with a pair of AWS access keys."""
    faults: Faults = {}
    key_id = given.values.get("access_key_id", "")
    if not _AWS_ID.fullmatch(key_id):
        faults["access_key_id"] = (
            "This does not look like an Access Key ID; expected AKIA… or ASIA… and capital letters."
        )
    secret = given.secret("secret_access_key")
    if _AWS_ID.fullmatch(secret):
        faults |= {"secret_access_key": "This is an Access Key ID; the secret one is longer."}
    elif not _AWS_SECRET.fullmatch(secret):
        faults |= {"secret_access_key": "This is not a Secret Access Key; it has 40 characters."}
    token = given.secret("session_token")
    if key_id.startswith("ASIA") and not token:
        faults |= {"session_token": "A temporary key (ASIA…) works only with its session token."}
    if key_id.startswith("AKIA") and token:
        faults |= {"session_token": "A lasting key (AKIA…) has no session token; leave this empty."}
    return faults
