"""What registries list: repositories and tags, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

_NUMBERS: Final = re.compile(r"([0-9]+)")
_VERSION: Final = re.compile(r"v?[0-9]+(?:[._-].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FoundRepository:
    """A repository as it is called below the registry's address."""

    name: str
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundTag:
    """A tag; its digest and when it was pushed are empty where the registry does not tell."""

    name: str
    digest: str = ""
    pushed: datetime | None = None


Found = TypeVar("Found", FoundRepository, FoundTag)


@dataclass(frozen=True, slots=True)
class Page(Generic[Found]):
    """Some of a list. `next` asks for what follows and is empty at the end.

    `left_out` counts names that no image can have; `cut` says that there is more, which cannot be
    asked for from here.
    """

    items: tuple[Found, ...]
    next: str = ""
    left_out: int = 0
    cut: bool = False


def newest_version_first(names: Iterable[str]) -> list[str]:
    """Versions from the newest to the oldest, then everything else by name."""
    versions: list[str] = []
    others: list[str] = []
    for name in names:
        (versions if _VERSION.fullmatch(name) else others).append(name)
    return [*sorted(versions, key=_by_number, reverse=True), *sorted(others)]


def newest_first(tags: Iterable[FoundTag]) -> list[FoundTag]:
    """By the time of the push; those without one last."""
    dated: list[tuple[datetime, FoundTag]] = []
    undated: list[FoundTag] = []
    for tag in tags:
        if tag.pushed is None:
            undated.append(tag)
        else:
            dated.append((tag.pushed, tag))
    dated.sort(key=lambda pair: (pair[0], pair[1].name), reverse=True)
    return [*(tag for _, tag in dated), *undated]


def _by_number(version: str) -> tuple[tuple[int, int, str], ...]:
    """1.10 is newer than 1.9, and 1.2 newer than 1.2-rc1."""
    plain = version.lower().removeprefix("v")
    parts = [part for part in _NUMBERS.split(plain) if part.strip(".")]
    ranked = [
        (1, int(part[:18]), "") if part.isdigit() else (-1, 0, part.strip(".")) for part in parts
    ]
    return (*ranked, (0, 0, ""))
