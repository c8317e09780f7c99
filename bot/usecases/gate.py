"""The deploy gate: what the registrations and exemptions of a workspace allow to run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.config import path_in_names
from bot.core.image import Reference
from bot.core.policy import Exemption, Policy, Rule, canonical_host
from bot.core.shared_hosts import is_shared
from bot.store import exemptions, registries
from bot.store.registries import Place
from bot.store.schema import ExemptionRow
from bot.usecases.deps import Deps


async def policy(deps: Deps, team_id: str) -> Policy:
    """The rules of a workspace as they are now."""
    async with deps.store.reading() as session:
        return await load(session, team_id, await deps.store.now(session))


async def load(session: AsyncSession, team_id: str, now: datetime) -> Policy:
    """The rules of the live registries, whatever their credentials are worth at the moment."""
    places = await registries.places(session, team_id)
    rows = await exemptions.in_force(session, team_id, now)
    return Policy(rules_of(places), map(exemption_of, rows))


def rules_of(places: Iterable[Place]) -> list[Rule]:
    """What each registration covers; one without a path on a shared host covers nothing.

    Everybody's images are on such a host: to allow it as a whole would be to allow anything.
    """
    rules = []
    for place in places:
        host, scope = canonical_host(place.host), scope_of(place.url, place.path_scope)
        if covers_nothing(host, scope):
            continue
        rules.append(Rule(place.name, host, scope, place.environment))
        rules += [_elsewhere(place, other) for other in place.also_at.split()]
    return rules


def covers_nothing(host: str, scope: str) -> bool:
    """Whether a registration is for a host that strangers share, and has no path."""
    return not scope and is_shared(canonical_host(host))


def exemption_of(row: ExemptionRow) -> Exemption:
    """What a stored exemption stands for; its image was canonical when it was stored."""
    image = Reference.parse(row.image)
    return Exemption(image.host, image.repository, row.until, image.digest)


def scope_of(url: str, path_scope: str) -> str:
    """The path in the address, which repositories are below, and the path scope."""
    return "/".join(part for part in (path_in_names(url), path_scope) if part)


def _elsewhere(place: Place, other: str) -> Rule:
    """The rule of another place with the same images: its path, then the path scope."""
    host, _, path = other.partition("/")
    scope = "/".join(part for part in (path, place.path_scope) if part)
    return Rule(place.name, host, scope, place.environment)
