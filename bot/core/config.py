"""What a registry needs to be signed in to: the parsed answers of its form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from bot.core.secret import Secret

_ARTIFACTORY: Final = re.compile(r"^(?:artifactory/)?api/docker/")


@dataclass(frozen=True, slots=True)
class Config:
    """A kind, where it is, and how to sign in; already validated by `bot.kinds.form.validate`.

    `url` is normalised: `https://host[:port][/prefix]`, lower-case host, no trailing slash (`http://`
    only when the operator allowed it). `values` holds the answers that are not secret by field name
    (`username`, `region`, `access_key_id`, …), `secrets` the secret ones. `references` are what is
    stored in place of some of these; until they are followed `secrets` lacks them.
    """

    kind: str
    variant: str
    url: str
    values: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    path_scope: str = ""
    test_image: str = ""
    references: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """`host` or `host:port` as in an image reference."""
        return self.url.partition("://")[2].partition("/")[0]

    @property
    def prefix(self) -> str:
        """The path below the host, `` or `/artifactory/api/docker/team`."""
        _, slash, path = self.url.partition("://")[2].partition("/")
        return (slash + path).rstrip("/")

    def below(self, repository: str) -> str:
        """A repository of an image reference as it is called below the address."""
        path = path_in_names(self.url)
        return repository.removeprefix(f"{path}/") if path else repository

    def named(self, repository: str) -> str:
        """A repository below the address as image references have it, with the host."""
        return "/".join(part for part in (self.host, path_in_names(self.url), repository) if part)

    def covers(self, repository: str) -> bool:
        """Whether a repository below the address is of the path scope."""
        scope = self.path_scope
        return not scope or repository == scope or repository.startswith(f"{scope}/")

    @property
    def anonymous(self) -> bool:
        return not self.secrets and not self.references and "role_arn" not in self.values

    def with_secrets(self, secrets: Mapping[str, Secret]) -> Config:
        return replace(self, secrets=dict(secrets))


def path_in_names(url: str) -> str:
    """The path of a registry's address that stands in the names of its images.

    Artifactory's address of a repository is that of its API; its images have the key alone.
    """
    return _ARTIFACTORY.sub("", urlsplit(url).path.strip("/"))
