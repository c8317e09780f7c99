"""Image references, read exactly as container runtimes read them.

Source: distribution/reference (normalize.go, regexp.go). Where that library accepts a name without
a host (`a_b.c/d`), this one refuses: a runtime may take the first piece for a host all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bot.errors import InvalidReference

DOCKER_HUB: Final = "docker.io"
LONGEST: Final = 1024
LONGEST_PATH: Final = 255

ID: Final = re.compile(r"[a-f0-9]{64}")
_HOST_LABEL: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
HOST: Final = re.compile(
    rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
)
_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
PATH: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST: Final = re.compile(r"(sha256|sha384|sha512):([0-9a-f]+)")
DIGEST_LENGTHS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed image reference; `tag` and `digest` are empty when not given."""

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `text`; raise InvalidReference with a sentence that says what is wrong."""
        if len(text) > LONGEST:
            raise InvalidReference("This image reference is too long.")
        if not text.isascii():
            raise InvalidReference("An image reference has only ASCII letters.")
        if not text:
            raise InvalidReference("An image reference is needed.")
        if ID.fullmatch(text):
            raise InvalidReference("This is the id of an image, not its name.")
        host, rest = _split_host(text)
        name, digest = _split_digest(rest)
        path, tag = _split_tag(name)
        if host == DOCKER_HUB and "/" not in path:
            path = f"library/{path}"
        _check(host, path)
        return cls(host, path, tag, digest)

    @property
    def version(self) -> str:
        """What to ask a registry for: the digest, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    def familiar(self) -> str:
        """The short form people type."""
        name = f"{self.host}/{self.repository}"
        if self.host == DOCKER_HUB:
            name = self.repository.removeprefix("library/")
        return (
            name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")
        )

    def __str__(self) -> str:
        name = f"{self.host}/{self.repository}"
        return (
            name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")
        )


def is_repository(text: str) -> bool:
    """Whether a text can be the repository of an image reference."""
    return len(text) <= LONGEST_PATH and PATH.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    return TAG.fullmatch(text) is not None


def names_host(text: str) -> bool:
    """Whether the first piece of `text` is a host rather than part of a Docker Hub path."""
    first, slash, _ = text.partition("/")
    return bool(slash) and (
        first == "localhost" or "." in first or ":" in first or first.lower() != first
    )


def _split_host(text: str) -> tuple[str, str]:
    if not names_host(text):
        return DOCKER_HUB, text
    host, _, rest = text.partition("/")
    return (DOCKER_HUB if host == "index.docker.io" else host), rest


def _split_digest(rest: str) -> tuple[str, str]:
    name, at, digest = rest.partition("@")
    if not at:
        return rest, ""
    match = _DIGEST.fullmatch(digest)
    if match is None or len(match[2]) != DIGEST_LENGTHS[match[1]]:
        raise InvalidReference(
            "The digest after @ is not valid; expected sha256: and 64 hex digits."
        )
    return name, digest


def _split_tag(name: str) -> tuple[str, str]:
    # The path holds no colon, so the first one begins the tag.
    path, colon, tag = name.partition(":")
    if not colon:
        return name, ""
    if TAG.fullmatch(tag) is None:
        raise InvalidReference("The tag after : is not valid.")
    return path, tag


def _check(host: str, path: str) -> None:
    if HOST.fullmatch(host) is None:
        raise InvalidReference("The host of this image reference is not valid.")
    if path.lower() != path:
        raise InvalidReference("The repository of an image must be lower case.")
    if PATH.fullmatch(path) is None or len(path) > LONGEST_PATH:
        raise InvalidReference(
            "This is not an image reference; expected something like team/app:1.2."
        )
