"""Double clicks and repeated deliveries: the first one counts."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MOST: Final = 5_000


class Once:
    """Remembers the newest keys it was asked about.

    In memory: a repeat that reaches another process is caught by the use cases, which claim rows.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._seen: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def first(self, *key: str) -> bool:
        """True the first time that this key is given."""
        if key in self._seen:
            return False
        self._seen[key] = None
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return True

    def again(self, *key: str) -> None:
        """Let the key count once more, because what was begun did not happen."""
        self._seen.pop(key, None)
