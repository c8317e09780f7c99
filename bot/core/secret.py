"""The type of everything that must not be seen."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, final

MASK: Final = "***"


@final
class Secret:
    """A text that never prints.

    `repr`, `str`, formatting and exceptions show `***`; pickling and copying are refused, because a
    copy on disk or in another process is beyond our redaction. Only `reveal()` gives the text; it
    is called in `bot.kinds` (to send it), in `bot.store.cipher` (to encrypt it), for a cluster's
    token in `bot.usecases.cluster_tokens` (to hash it), and where somebody asks to see it: at a
    terminal (`registrar pull-secret`, `registrar cluster`), nowhere else.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The text itself. Keep it in a local name, and never in an f-string that is logged."""
        return self.__value

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.reveal().encode())

    # Not hashable: a dictionary key shows up in caches and tracebacks.
    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")
