"""Listing at a registry of any make: Harbor and Quay by their own APIs, others by the protocol."""

from __future__ import annotations

from bot.core.listing import FoundRepository, FoundTag
from bot.kinds import list_harbor, list_quay
from bot.kinds.list_protocol import catalog, tags_known
from bot.kinds.lists import Turn
from bot.kinds.registry_kinds import KINDS
from bot.kinds.visit import Visit


class GenericLists:
    async def repositories(self, visit: Visit) -> Turn[FoundRepository]:
        registry = KINDS["generic"].registry(visit)
        challenge = await registry.ping()
        if list_harbor.is_harbor(challenge, registry):
            return list_harbor.repositories(visit, registry)
        if list_quay.is_quay(visit, challenge, registry):
            return list_quay.repositories(visit, registry)
        return await catalog(visit, registry, challenge)

    async def tags(self, visit: Visit, repository: str) -> Turn[FoundTag]:
        registry = KINDS["generic"].registry(visit)
        challenge = await registry.ping()
        if list_harbor.is_harbor(challenge, registry):
            return list_harbor.tags(visit, registry, repository)
        if list_quay.is_quay(visit, challenge, registry):
            return list_quay.tags(visit, registry, repository)
        return await tags_known(visit, registry, challenge, repository)
