"""What pipelines declare: the images of one service in one environment of one project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.core.cluster import ClusterView
from bot.core.image import Reference
from bot.core.policy import Verdict, canonical
from bot.core.usage import environment_meant
from bot.errors import InvalidInput, InvalidReference
from bot.store import uses
from bot.usecases import gate
from bot.usecases.deps import Deps
from bot.usecases.inventory import texts

IMAGES_MOST: Final = 500
PART_LONGEST: Final = 200
_PARTS: Final = ("project", "environment", "service")


@dataclass(frozen=True, slots=True)
class Declared:
    """What was declared, with the verdict on each image as it was written."""

    place: str
    verdicts: Mapping[str, Verdict]


async def declare(deps: Deps, cluster: ClusterView, body: object) -> Declared:
    """The images of a service, instead of those declared before; none withdraws it.

    Repeating it changes nothing but when it was last seen. Whoever has a token of a cluster may
    declare for its workspace. Raises InvalidInput.
    """
    place = place_of(body)
    images = texts("images", body.get("images") if isinstance(body, Mapping) else None, IMAGES_MOST)
    stored = _readable(images)
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        await uses.declare(session, cluster.team_id, place, sorted(set(stored)), now)
        policy = await gate.load(session, cluster.team_id, now)
    environment = environment_meant(place.split("/")[1])
    return Declared(place, {one: policy.decide(one, environment, now) for one in images})


async def withdraw(deps: Deps, cluster: ClusterView, body: object) -> str:
    """Nothing of this service is in use any more, whether or not it was declared."""
    place = place_of(body)
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        await uses.declare(session, cluster.team_id, place, (), now)
    return place


def place_of(body: object) -> str:
    """`PROJECT/ENVIRONMENT/SERVICE`; InvalidInput says which part is wrong."""
    if not isinstance(body, Mapping):
        raise InvalidInput({"body": "Send a JSON object with project, environment and service."})
    return "/".join(_part(body, key) for key in _PARTS)


def _part(body: Mapping[str, Any], key: str) -> str:
    found = body.get(key)
    fine = isinstance(found, str) and found.isprintable() and "/" not in found and found.strip()
    if not fine or len(str(found).encode()) > PART_LONGEST:
        sentence = f"{key} must be a name of at most {PART_LONGEST} letters without /."
        raise InvalidInput({key: sentence})
    return str(found).strip()


def _readable(images: Any) -> list[str]:
    """Canonical images; a pipeline is told of what it misspelt, where a cluster is not."""
    stored, faults = [], {}
    for at, image in enumerate(images):
        try:
            stored.append(str(canonical(Reference.parse(image))))
        except InvalidReference as error:
            faults[f"images[{at}]"] = f"images[{at}] is not an image reference: {error}"
    if faults:
        raise InvalidInput(dict(list(faults.items())[:5]))
    return stored
