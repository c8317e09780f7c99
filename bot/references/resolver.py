"""Follows a reference: only where the operator allows it, for that host, and only one step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from bot.core.reference import LONGEST, OFF, Scheme, Use, reference_in
from bot.core.secret import Secret
from bot.errors import Unresolved
from bot.references.allowed import Entry, is_place

# What JSON writes as `\ud800`, and nothing can encode; the error of trying would hold the secret.
_HALF: Final = re.compile(r"[\ud800-\udfff]")
NOT_ALLOWED: Final = (
    "This looks like a reference to a secret that may not be used for {host}. Whoever runs "
    "Registrar allows references, and the hosts of each, in SECRET_REFERENCES."
)


class Resolver:
    """The schemes there are, and what the operator allows of them."""

    def __init__(self, entries: Sequence[Entry], schemes: Mapping[str, Scheme]) -> None:
        self._entries = tuple(entries)
        self._schemes = dict(schemes)

    async def resolve(self, text: str, use: Use) -> Secret:
        """What a reference leads to now; raises Unresolved."""
        if not self._entries:
            raise Unresolved(OFF)
        scheme, _, place = text.partition(":")
        shaped = len(text) <= LONGEST and scheme in self._schemes and is_place(scheme, place)
        if not shaped or not any(one.admits(scheme, place, use) for one in self._entries):
            raise Unresolved(NOT_ALLOWED.format(host=use.host))
        found = await self._schemes[scheme].resolve(place)
        if reference_in(found):
            raise Unresolved("It leads to another reference, which is not followed.")
        if _HALF.search(found.reveal()):
            raise Unresolved("It leads to characters that are no text; store the secret again.")
        return found
