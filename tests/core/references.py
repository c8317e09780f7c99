"""Image references as people, machines and enemies write them: generated, and the same each time."""

from __future__ import annotations

import random
from collections.abc import Iterator

HEX = "0123456789abcdef"
HOSTS = (
    "",
    "docker.io/",
    "index.docker.io/",
    "registry-1.docker.io/",
    "Docker.io/",
    "docker.io:443/",
    "ghcr.io/",
    "GHCR.io/",
    "ghcr.io:443/",
    "ghcr.io:5000/",
    "ghcr.io.evil.example/",
    "quay.io/",
    "harbor.example.com:8443/",
    "harbor.example.com/",
    "registry.gitlab.com/",
    "localhost/",
    "localhost:5000/",
    "[::1]:5000/",
    "127.1/",
    "10/",
    "ACME/",
    "a_b.c/",
)
PATHS = (
    "nginx",
    "library/nginx",
    "acme",
    "acme/app",
    "acme/app/deep/er",
    "acme-evil/app",
    "acmeapp",
    "acme.app/x",
    "group/project",
    "group/project/app",
    "group/project-x",
    "tool/one",
    "tool/one/sub",
    "tool/two",
    "a__b/c--d/e.f",
    "proxy/quay/acme/app",
)
ODD = (
    *"/:@.-_#?%\\ \t\n\0AZ~",
    "//",
    "..",
    "___",
    "\N{KELVIN SIGN}",
    "\N{CYRILLIC SMALL LETTER A}",
    "\N{ZERO WIDTH SPACE}",
    "\N{FULLWIDTH FULL STOP}",
    "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}",
)


def generated(count: int, seed: int = 1) -> list[str]:
    """So many different references: well formed ones, near misses and nonsense."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found.update(dict.fromkeys(_one(chance)))
    return list(found)[:count]


def _one(chance: random.Random) -> Iterator[str]:
    """A reference, and at times the same with a fault."""
    text = chance.choice(HOSTS) + _path(chance) + _version(chance)
    yield text
    if chance.random() < 0.5:
        at = chance.randrange(len(text) + 1)
        yield text[:at] + chance.choice(ODD) + text[at + chance.randrange(2) :]


def _path(chance: random.Random) -> str:
    path = chance.choice(PATHS)
    match chance.randrange(40):
        case 0:
            return path + "/" + "x" * chance.randrange(235, 256)
        case 1:
            return "x" * chance.randrange(240, 260)
        case 2:
            return "".join(chance.choices(HEX, k=chance.choice((63, 64, 65))))
        case 3:
            return path.upper()
    return path


def _version(chance: random.Random) -> str:
    tag = chance.choice(("", "", ":1", ":latest", ":V1_2.3-x", ":" + "t" * 128, ":" + "t" * 129))
    if chance.random() < 0.6:
        return tag
    name, length = chance.choice((("sha256", 64), ("sha384", 96), ("sha512", 128)))
    length -= chance.random() < 0.2
    return f"{tag}@{name}:{'b' * length}"
