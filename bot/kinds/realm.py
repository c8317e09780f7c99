"""Which token service may be shown a credential: a realm comes from the network, so distrust it.

A registry that names a foreign realm could otherwise collect every password sent to it.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

import httpx
from publicsuffixlist import PublicSuffixList

from bot.kinds.addresses import parse_address
from bot.kinds.allow import AllowList

# Registries reached as Generic whose token service lives elsewhere.
_KNOWN: Final = {
    "registry.digitalocean.com": frozenset({"api.digitalocean.com"}),
    "nvcr.io": frozenset({"nvcr.io", "authn.nvidia.com"}),
    "quay.io": frozenset({"quay.io"}),
    "registry.gitlab.com": frozenset({"gitlab.com"}),
    "ghcr.io": frozenset({"ghcr.io"}),
    "registry-1.docker.io": frozenset({"auth.docker.io"}),
    "public.ecr.aws": frozenset({"public.ecr.aws"}),
}

_LONGEST: Final = 2048


def approve(
    realm: str,
    registry: httpx.URL,
    *,
    hosts: frozenset[str] | None,
    allow: AllowList,
) -> httpx.URL | None:
    """The URL of the token service, or None when it must not be asked.

    `registry` is the URL that sent the challenge (a realm may be relative to it); `hosts` are the
    only hosts a hosted kind's realm may have, None means the registry's own site.
    """
    if len(realm) > _LONGEST:
        return None
    return _approved(realm, str(registry), hosts, allow)


@lru_cache(maxsize=2048)  # registries name the same realm in every challenge
def _approved(
    realm: str, asked: str, hosts: frozenset[str] | None, allow: AllowList
) -> httpx.URL | None:
    registry = httpx.URL(asked)
    try:
        url = registry.join(realm)
    except httpx.InvalidURL:
        return None
    if not url.host or url.userinfo or url.fragment or not _encrypted(url, registry, allow):
        return None
    expected = hosts if hosts is not None else _KNOWN.get(registry.host)
    if expected is not None:
        own = url.host == registry.host and url.port == registry.port
        trusted = url.host in expected and (own or url.port in {None, 443})
    else:
        trusted = same_site(url.host, registry.host) and _port_fits(url, registry, allow)
    return url if trusted else None


def same_site(one: str, other: str) -> bool:
    """Whether two hosts are equal or belong to one registrable domain."""
    if one == other:
        return True
    if parse_address(one) is not None or parse_address(other) is not None:
        return False
    domain = _suffixes().privatesuffix(one)
    return domain is not None and domain == _suffixes().privatesuffix(other)


def _encrypted(url: httpx.URL, registry: httpx.URL, allow: AllowList) -> bool:
    if url.scheme == "https":
        return True
    # A registry that is reached over TLS must not lead a credential out of it.
    return (
        url.scheme == "http"
        and registry.scheme == "http"
        and allow.permits_plain(url.host, url.port or 80)
    )


def _port_fits(url: httpx.URL, registry: httpx.URL, allow: AllowList) -> bool:
    if url.port is None or url.port == registry.port:
        return True
    return allow.lists_host(url.host, url.port) or allow.permits_plain(url.host, url.port)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
