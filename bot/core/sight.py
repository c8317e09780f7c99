"""What a look into a registry shows of an image, and the ways in which it shows nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Absence(StrEnum):
    """Why something could not be seen."""

    NO_TAG = "no_tag"  # it may be read, but has no such tag or digest
    HIDDEN = "hidden"  # not there, or hidden from this sign-in: registries do not say which
    DENIED = "denied"  # signed in, without the right
    REFUSED = "refused"  # the sign-in itself was refused
    UNREACHABLE = "unreachable"
    LIMITED = "limited"
    BLOCKED = "blocked"  # by our own egress rules
    NOT_ASKED = "not_asked"  # nobody was asked, and the sentence says why


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image as its registry describes it; what it does not tell, or not in time, is empty.

    `platforms` are the first of them, `platform_count` counts all. `size` is what a pull of
    `measured` downloads, in bytes; `created` is when that platform's image was built.
    """

    digest: str
    platforms: tuple[str, ...] = ()
    platform_count: int = 0
    measured: str = ""
    size: int | None = None
    created: datetime | None = None
