"""The names that people give to registries and clusters."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 63
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
RULE: Final = (
    f"A name has lower-case letters, digits and dashes, at most {LONGEST}, "
    "and begins and ends with a letter or digit."
)


def is_name(text: str) -> bool:
    """Whether it can be a name; `RULE` says to people what one is."""
    return len(text) <= LONGEST and _NAME.fullmatch(text) is not None
