"""“May this image run?”, answered for a person."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.access import Actor
from bot.core.policy import ANY, Rule, Verdict, canonical_host
from bot.store import registries
from bot.usecases import gate
from bot.usecases.deps import Deps


@dataclass(frozen=True, slots=True)
class Asked:
    """A verdict with what helps a person: the nearest registration, and those that need a path.

    `scopeless` names registrations at the image's host that cover nothing, because strangers share
    the host and they have no path scope.
    """

    text: str
    verdict: Verdict
    nearest: Rule | None = None
    scopeless: tuple[str, ...] = ()


async def ask(deps: Deps, actor: Actor, text: str, environment: str = ANY) -> Asked:
    """Whether an image, as it is written in a manifest, may run here; never raises for a text."""
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        policy = await gate.load(session, actor.team_id, now)
        places = await registries.places(session, actor.team_id)
    verdict = policy.decide(text, environment, now)
    if verdict.allowed:
        return Asked(text, verdict)
    host = verdict.image.partition("/")[0]
    scopeless = tuple(
        place.name
        for place in places
        if canonical_host(place.host) == host
        and gate.covers_nothing(host, gate.scope_of(place.url, place.path_scope))
    )
    return Asked(text, verdict, policy.nearest(text), scopeless)
