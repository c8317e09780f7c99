"""The deploy gate: what the registrations of a workspace allow to run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from bot.core.policy import Policy, Rule, canonical_host
from bot.core.shared_hosts import is_shared
from bot.store import registries
from bot.store.registries import Place
from bot.usecases.deps import Deps

_ARTIFACTORY: Final = re.compile(r"^(?:artifactory/)?api/docker/")


async def policy(deps: Deps, team_id: str) -> Policy:
    """The rules of the live registries, whatever their credentials are worth at the moment."""
    async with deps.store.reading() as session:
        places = await registries.places(session, team_id)
    return Policy(rules_of(places))


def rules_of(places: Iterable[Place]) -> list[Rule]:
    """What each registration covers; one without a path on a shared host covers nothing.

    Everybody's images are on such a host: to allow it as a whole would be to allow anything.
    """
    rules = []
    for place in places:
        host, scope = canonical_host(place.host), _scope(place)
        if scope or not is_shared(host):
            rules.append(Rule(place.name, host, scope, place.environment))
    return rules


def _scope(place: Place) -> str:
    """The path in the address, which repositories are below, and the path scope.

    Artifactory's address of a repository is that of its API; its images have the key alone.
    """
    path = _ARTIFACTORY.sub("", urlsplit(place.url).path.strip("/"))
    return "/".join(part for part in (path, place.path_scope) if part)
