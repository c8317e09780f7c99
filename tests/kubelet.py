"""How the kubelet reads a pull secret and finds the logins of an image; written after its source.

Source: Kubernetes, pkg/credentialprovider (config.go: DockerConfigEntry, decodeDockerConfigFieldAuth;
keyring.go: Add, Lookup, URLsMatch, isDefaultRegistryMatch) and pkg/util/parsers (ParseImageName,
which is distribution's normaliser).
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.core.image import Reference


class Unreadable(Exception):
    """The whole secret is of no use."""


@dataclass(frozen=True)
class Pair:
    username: str
    password: str


class Keyring:
    """The logins of one secret, by key; the keys in reverse order, so that longer ones come first."""

    def __init__(self, text: str) -> None:
        if len(text.encode()) > 1024 * 1024:
            raise Unreadable("more than 1 MiB")
        entries = json.loads(text)["auths"]
        self._pairs: dict[str, list[Pair]] = {}
        for location, entry in entries.items():
            self._pairs.setdefault(_key(location), []).append(_pair(entry))
        self._keys = sorted(self._pairs, reverse=True)

    def lookup(self, image: str) -> list[Pair]:
        """The logins that are tried for an image, in their turn."""
        read = Reference.parse(image)
        name = f"{read.host}/{read.repository}"
        found = [pair for key in self._keys if _matches(key, name) for pair in self._pairs[key]]
        if not found and read.host in {"docker.io", "index.docker.io"}:
            return self._pairs.get("index.docker.io", [])
        return found


def _pair(entry: dict[str, str]) -> Pair:
    if "auth" not in entry:
        return Pair(entry.get("username", ""), entry.get("password", ""))
    auth = entry["auth"].rstrip("=")
    try:
        text = base64.b64decode(auth + "=" * (-len(auth) % 4), validate=True).decode(
            "utf-8", "replace"
        )
    except binascii.Error:
        raise Unreadable("auth is not base64") from None
    username, colon, password = text.partition(":")
    if not colon:
        raise Unreadable("auth has no colon")
    return Pair(username, password)


def _key(location: str) -> str:
    url = urlsplit(
        location if location.startswith(("https://", "http://")) else f"https://{location}"
    )
    path = url.path
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return url.netloc + path if path not in {"", "/"} else url.netloc


def _matches(key: str, name: str) -> bool:
    (host, port, path), (wanted, at, full) = _split(key), _split(name)
    if port != at or not full.startswith(path) or len(host) != len(wanted):
        return False
    return all(map(fnmatch.fnmatchcase, wanted, host))


def _split(text: str) -> tuple[list[str], str, str]:
    netloc, slash, rest = text.partition("/")
    host, colon, port = netloc.rpartition(":")
    if not colon or netloc.endswith("]"):
        host, port = netloc, ""
    return host.strip("[]").split(".") if colon else netloc.split("."), port, slash + rest
