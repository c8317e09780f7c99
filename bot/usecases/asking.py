"""“May this image run?”, answered for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.core.access import Actor
from bot.core.policy import ANY, Policy, Rule, Verdict, canonical_host
from bot.store import registries
from bot.store.registries import Place
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
    return (await ask_all(deps, actor, [text], environment))[text]


async def ask_all(
    deps: Deps, actor: Actor, texts: Iterable[str], environment: str = ANY
) -> dict[str, Asked]:
    """The same for many images by the rules of one moment."""
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        policy = await gate.load(session, actor.team_id, now)
        places = await registries.places(session, actor.team_id)
    scopeless = _scopeless(places)
    return {
        text: _asked(policy, scopeless, text, policy.decide(text, environment, now))
        for text in dict.fromkeys(texts)
    }


def _asked(
    policy: Policy, scopeless: Mapping[str, tuple[str, ...]], text: str, verdict: Verdict
) -> Asked:
    if verdict.allowed:
        return Asked(text, verdict)
    host = verdict.image.partition("/")[0]
    return Asked(text, verdict, policy.nearest(text), scopeless.get(host, ()))


def _scopeless(places: Iterable[Place]) -> Mapping[str, tuple[str, ...]]:
    """By host, the registrations there that cover nothing."""
    found: dict[str, tuple[str, ...]] = {}
    for place in places:
        host = canonical_host(place.host)
        if gate.covers_nothing(host, gate.scope_of(place.url, place.path_scope)):
            found[host] = (*found.get(host, ()), place.name)
    return found
