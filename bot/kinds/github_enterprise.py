"""GitHub Enterprise: `containers.SUBDOMAIN.ghe.com` (data residency), `containers.HOST` (Server).

Source: docs.github.com, GHE.com feature overview; Enterprise Server, subdomain isolation.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

import httpx

from bot.kinds import fields, github
from bot.kinds.base import Field, Variant
from bot.kinds.distribution import Distribution
from bot.kinds.finding import Finding
from bot.kinds.shape import Faults, Given
from bot.kinds.visit import Visit

_HOST: Final = re.compile(r"containers\.[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]+)?")
_GHE_COM: Final = re.compile(r"containers\.([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.ghe\.com")


class GithubEnterprise:
    slug: ClassVar = "github_enterprise"
    label: ClassVar = "GitHub Enterprise Container Registry"
    url: ClassVar[Field] = fields.url(
        placeholder="https://containers.acme.ghe.com",
        hint="https://containers.<subdomain>.ghe.com, or https://containers.<host> of your server.",
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "account",
            "Account",
            (
                fields.username(),
                fields.token(
                    "Personal access token",
                    placeholder="ghp_…",
                    hint="A classic token with read:packages.",
                ),
            ),
        ),
    )
    shared_host: ClassVar = False
    hosts: ClassVar[re.Pattern[str] | None] = _HOST
    hosts_hint: ClassVar = (
        "Expected https://containers.<subdomain>.ghe.com or https://containers.<your host>."
    )

    def faults(self, given: Given) -> Faults:
        return github.token_faults(given.secret("token"))

    def registry(self, visit: Visit) -> Distribution:
        url = visit.config.url
        return Distribution(visit, url, realms=frozenset({httpx.URL(url).host}))

    async def check(self, visit: Visit) -> Finding:
        registry = self.registry(visit)
        challenge = await registry.ping()
        api, settings_url = addresses(visit.config.host)
        return await github.prove(visit, registry, challenge, api, settings_url)


def addresses(host: str) -> tuple[str, str]:
    """The API and the token settings page that belong to a container host."""
    parent = host.removeprefix("containers.")
    if _GHE_COM.fullmatch(host):
        return f"https://api.{parent}", f"https://{parent}/settings/tokens"
    return f"https://{parent}/api/v3", f"https://{parent}/settings/tokens"
