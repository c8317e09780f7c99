"""`env:NAME`: a variable of the environment that Registrar was started with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from bot.core.secret import Secret
from bot.errors import Unresolved
from bot.references.text import one_line_end

# Whatever begins so belongs to Registrar, the machine, or the libraries in the process.
RESERVED: Final = ("SLACK_", "AWS_", "PG", "GOOGLE_", "KUBERNETES_", "LD_", "PYTHON")


class Environment:
    """Variables, without those that configure Registrar itself (`own`)."""

    def __init__(self, variables: Mapping[str, str], own: Collection[str]) -> None:
        self._variables = variables
        self._own = frozenset(own)

    async def resolve(self, place: str) -> Secret:
        if place.upper() in self._own or place.upper().startswith(RESERVED):
            raise Unresolved("This variable is Registrar's own and is never given to a registry.")
        text = self._variables.get(place)
        if text is None:
            raise Unresolved(
                "Registrar was started without this variable; set it and start Registrar again."
            )
        # Python keeps bytes that are no UTF-8 as lone surrogates.
        return one_line_end(text.encode("utf-8", "surrogateescape"), "The variable")
