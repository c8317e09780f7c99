"""The inventory of a cluster: it arrives in pages, and counts once it is whole."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from bot.core.cluster import ClusterView
from bot.core.image import Reference
from bot.core.policy import canonical
from bot.errors import Conflict, InvalidInput, InvalidReference
from bot.store import clusters, inventory_pages
from bot.store.uses import Use, fits, replace_inventory
from bot.usecases.deps import Deps
from bot.usecases.running import judged

WORKLOADS_MOST: Final = 1000  # a page
IMAGES_MOST: Final = 200  # a workload
PAGES_MOST: Final = 500  # a run
PAGES_KEPT: Final = 2 * PAGES_MOST  # a cluster, of all its runs
RUN_FOR: Final = timedelta(hours=6)  # as long as a run may take
_RUN: Final = re.compile(r"[0-9a-zA-Z-]{8,64}")
_HASH: Final = re.compile(r"[0-9a-zA-Z:_-]{0,128}")
_NAME_LONGEST: Final = 253  # of Kubernetes' names


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was sent; pages are numbered from 1, the first may be empty.

    `policy_hash` is that of the static policy found in the cluster, empty when it has none; None
    when the page does not say. `unreadable` counts images that no runtime could pull either.
    """

    run: str
    number: int
    last: bool
    uses: tuple[Use, ...]
    policy_hash: str | None = None
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Whole:
    """What a whole inventory holds; `uncovered` are images that no registration covers."""

    workloads: int
    images: int
    uncovered: int


async def take(deps: Deps, cluster: ClusterView, page: Page) -> Whole | None:
    """Keep a page; the last one puts the whole run in the place of the inventory before it.

    None while pages are outstanding. Sending a page again is harmless. Raises Conflict when the
    last page comes and others are missing, or when a later run was whole before this one.
    """
    async with deps.store.transaction() as session:
        await clusters.lock(session, cluster.id)
        said = await inventory_pages.answer(session, cluster.id, page.run)
        if said is not None:
            return Whole(**said)
        now = await deps.store.now(session)
        await inventory_pages.forget(session, now - RUN_FOR)
        if await inventory_pages.count(session, cluster.id) >= PAGES_KEPT:
            raise Conflict("Too many unfinished runs of this cluster. Begin again in some hours.")
        await inventory_pages.put(session, cluster.id, page.run, page.number, list(page.uses), now)
        if page.policy_hash is not None:
            await clusters.note_policy(session, cluster.id, page.policy_hash, now)
        if not page.last:
            return None
        run = await inventory_pages.arrived(session, cluster.id, page.run)
        _refuse_gaps(run.pages, page.number)
        current = await clusters.by_id(session, cluster.id)
        if current and current.inventory_at and current.inventory_at > run.begun:
            raise Conflict("A later inventory of this cluster is here already. Begin a new run.")
        found = {use for number in sorted(run.pages) for use in run.pages[number]}
        await replace_inventory(session, cluster.team_id, cluster.id, found, run.begun)
        # What is deployed while the cluster is looked at may be missing in what it says.
        await clusters.note_inventory(session, cluster.id, run.begun)
        judge, running = await judged(session, cluster.team_id, now)
        refused = {
            use.image
            for use in running.uses
            if use.cluster == cluster.name and not judge.of(use).allowed
        }
        whole = Whole(
            workloads=len({place for place, _ in found}),
            images=len({image for _, image in found}),
            uncovered=len(refused),
        )
        said = {name: getattr(whole, name) for name in Whole.__slots__}
        await inventory_pages.close(session, cluster.id, page.run, said, now)
        return whole


def read_page(body: object) -> Page:
    """A page out of JSON; InvalidInput names the place that is wrong and what belongs there."""
    if not isinstance(body, Mapping):
        raise InvalidInput({"body": "Send a JSON object with run, page, last and workloads."})
    run, number, last = body.get("run"), body.get("page"), body.get("last", False)
    if not isinstance(run, str) or not _RUN.fullmatch(run):
        raise InvalidInput({"run": "run must be 8 to 64 letters, digits and -, new for each run."})
    if type(number) is not int or not 1 <= number <= PAGES_MOST:
        raise InvalidInput({"page": f"page must be a number from 1 to {PAGES_MOST}."})
    if not isinstance(last, bool):
        raise InvalidInput({"last": "last must be true or false."})
    found = body.get("workloads", [])
    if not isinstance(found, list) or len(found) > WORKLOADS_MOST:
        raise InvalidInput(
            {"workloads": f"workloads must be a list of at most {WORKLOADS_MOST:,}."}
        )
    pairs: list[Use] = []
    unreadable = 0
    for index, workload in enumerate(found):
        place, images = _workload(f"workloads[{index}]", workload)
        readable = [image for image in map(canonical_text, images) if image]
        unreadable += len(images) - len(readable)
        pairs += [(place, image) for image in readable]
    return Page(run, number, last, tuple(pairs), _policy_hash(body), unreadable)


def canonical_text(image: str) -> str:
    """An image as it is stored; empty for one that no runtime could pull either."""
    try:
        return str(canonical(Reference.parse(image)))
    except InvalidReference:
        return ""


def texts(where: str, found: object, most: int) -> Sequence[str]:
    """A list of texts; InvalidInput says where it is not."""
    if (
        not isinstance(found, list)
        or len(found) > most
        or not all(isinstance(one, str) for one in found)
    ):
        raise InvalidInput({where: f"{where} must be a list of at most {most} texts."})
    return found


def _workload(where: str, found: object) -> tuple[str, Sequence[str]]:
    if not isinstance(found, Mapping):
        raise InvalidInput({where: f"{where} must be an object."})
    parts = [_name(where, found, key) for key in ("namespace", "kind", "name")]
    place = "/".join(parts)
    if not fits(place, "-"):
        raise InvalidInput({where: f"{where} has a name that is too long."})
    return place, texts(f"{where}.images", found.get("images"), IMAGES_MOST)


def _name(where: str, found: Mapping[str, Any], key: str) -> str:
    name = found.get(key)
    fine = isinstance(name, str) and name.isprintable() and "/" not in name
    if not fine or not name or len(name) > _NAME_LONGEST:
        sentence = f"{where}.{key} must be a name of at most {_NAME_LONGEST} letters without /."
        raise InvalidInput({f"{where}.{key}": sentence})
    return str(name)


def _policy_hash(body: Mapping[str, Any]) -> str | None:
    found = body.get("policy_hash")
    if found is not None and not (isinstance(found, str) and _HASH.fullmatch(found)):
        raise InvalidInput({"policy_hash": "policy_hash must be what the policy's label says."})
    return found


def _refuse_gaps(pages: Mapping[int, object], last: int) -> None:
    missing = [str(number) for number in range(1, last) if number not in pages]
    if missing:
        shown = ", ".join(missing[:10])
        raise Conflict(f"Pages are missing: {shown}. Send them, then the last one again.")
    if any(number > last for number in pages):
        raise Conflict(f"Page {last} is not the last one. Begin a new run.")
