"""GitHub Container Registry. Source: docs.github.com, working with the container registry."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from bot.kinds import fields, github
from bot.kinds.anonymous import look_around
from bot.kinds.base import Field, Variant
from bot.kinds.distribution import Distribution
from bot.kinds.finding import Finding
from bot.kinds.shape import Faults, Given
from bot.kinds.visit import Visit

_HOST: Final = "ghcr.io"
_API: Final = "https://api.github.com"
_SETTINGS: Final = "https://github.com/settings/tokens"


class Ghcr:
    slug: ClassVar = "ghcr"
    label: ClassVar = "GitHub Container Registry"
    url: ClassVar[Field] = fields.url(fixed=f"https://{_HOST}")
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "account",
            "Account",
            (
                fields.username(hint="Any name will do; GitHub looks at the token only."),
                fields.token(
                    "Personal access token",
                    placeholder="ghp_…",
                    hint="A classic token with read:packages.",
                ),
            ),
        ),
        fields.ANONYMOUS,
    )
    shared_host: ClassVar = True
    hosts: ClassVar[re.Pattern[str] | None] = None
    hosts_hint: ClassVar = ""

    def faults(self, given: Given) -> Faults:
        return github.token_faults(given.secret("token"))

    def registry(self, visit: Visit) -> Distribution:
        return Distribution(visit, visit.config.url, realms=frozenset({_HOST}))

    async def check(self, visit: Visit) -> Finding:
        registry = self.registry(visit)
        challenge = await registry.ping()
        if visit.config.anonymous:
            return await look_around(visit, registry, challenge)
        return await github.prove(visit, registry, challenge, _API, _SETTINGS)
