"""Who uses what, as people see it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from bot.core.cluster import ClusterView
from bot.core.usage import Running, Source, Use, workloads
from bot.slack import ids
from bot.slack.blocks import Block, Element, actions, button, context, section, sections
from bot.slack.card import Card
from bot.slack.text import code, escape
from bot.slack.words import ago, count
from bot.usecases.uses import OfRegistry, Uncovered, Unused

PAGE: Final = 15  # uses; a message's text has 4,000 characters
REPOSITORIES: Final = 8
NAMED: Final = 30
SOURCES: Final = {
    Source.INVENTORY: "in its cluster's inventory",
    Source.DECLARED: "declared by a pipeline",
    Source.SIGHTED: "sighted in a request, unverified",
}
NO_CLUSTER: Final = (
    "No cluster tells what it runs, so this is what pipelines declared and nothing else. "
    "Let `registrar inventory` run in each cluster."
)


def uses_card(found: OfRegistry, now: datetime, page: int = 1) -> Card:
    """What uses a registry, by cluster and namespace, or project and environment."""
    pages = max(1, math.ceil(len(found.uses) / PAGE))
    number = max(1, min(page, pages))
    lines = [f"*{code(found.name)} is used by {places(found.uses)}*"]
    if not found.uses:
        lines = [f"*Nothing is known to use {code(found.name)}*"]
    shown = found.uses[(number - 1) * PAGE : number * PAGE]
    for group, some in groupby(shown, key=_group):
        lines.append(f"*{escape(group, 150)}*")
        lines += [use_line(use, now) for use in some]
    lines += caveats(found.running, now)
    blocks: list[Block] = sections(lines)
    if pages > 1:
        blocks.append(actions(*_turns(found.name, number, pages)))
        blocks.append(context(f"Page {number} of {pages}"))
        lines.append(f"Page {number} of {pages}.")
    return Card("Uses", "\n".join(lines), tuple(blocks))


def unused_card(found: Unused, now: datetime) -> Card:
    """Registries that nothing is known to use; those that never worked apart."""
    total = len(found.proven) + len(found.never_proven)
    if not total:
        lines = ["*Every registry is used.*"]
    else:
        lines = [f"*{count(total, 'registry', 'registries')} that nothing is known to use*"]
    if found.proven:
        lines.append(_names(found.proven))
    if found.never_proven:
        lines.append(f"Never proven, so they may be a first try: {_names(found.never_proven)}")
    lines += caveats(found.running, now)
    return Card("Unused", "\n".join(lines), tuple(sections(lines)))


def uncovered_card(found: Uncovered, now: datetime) -> Card:
    """Images that run although no registration covers them, each with a way to ask for it."""
    total = len(found.repositories)
    if not total:
        lines = ["*Registered registries cover every image that is known to run.*"]
        lines += caveats(found.running, now)
        return Card("Uncovered", "\n".join(lines), tuple(sections(lines)))
    lines = [f"*{count(total, 'repository', 'repositories')} in use that no registration covers*"]
    blocks: list[Block] = [section(lines[0])]
    for repository, some in list(found.repositories.items())[:REPOSITORIES]:
        line = f"{code(repository, 200)} · {places(some)}, such as {_where(some[0])}"
        lines.append(line)
        ask = button("Ask to register", ids.ASK_REGISTER, repository, says=f"Ask for {repository}")
        blocks.append(section(line, ask))
    rest = caveats(found.running, now)
    if total > REPOSITORIES:
        rest.insert(0, f"And {count(total - REPOSITORIES, 'other')}, less used.")
    lines += rest
    return Card("Uncovered", "\n".join(lines), (*blocks, *sections(rest)))


def places(uses: Sequence[Use]) -> str:
    """Such as `23 workloads in 2 clusters and 1 declared service`."""
    found = workloads(uses)
    clusters = {cluster for cluster, _ in found if cluster}
    running = sum(1 for cluster, _ in found if cluster)
    parts = []
    if running:
        parts.append(f"{count(running, 'workload')} in {count(len(clusters), 'cluster')}")
    if len(found) > running:
        parts.append(count(len(found) - running, "declared service"))
    return " and ".join(parts) or "nothing"


def use_line(use: Use, now: datetime) -> str:
    """One use: its name, its image, who says so and when it was seen."""
    name = use.place.partition("/")[2] if use.cluster else use.place.rpartition("/")[2]
    said = f"{SOURCES[use.source]} {ago(use.last_seen, now)}"
    return f"• {escape(name, 100)} · {code(use.image, 150)} · {said}"


def caveats(running: Running, now: datetime) -> list[str]:
    """Why there may be more than is known."""
    if not running.clusters:
        return [NO_CLUSTER]
    return caveats_of(running.silent, now)


def caveats_of(silent: Sequence[ClusterView], now: datetime) -> list[str]:
    """Which clusters may run more than is known."""
    if not silent:
        return []
    told = ", ".join(_silent(one, now) for one in silent[:5])
    more = len(silent) - 5
    told += f" and {count(more, 'other')}" if more > 0 else ""
    return [f"⚠ No fresh inventory of {told}: what runs there now is not known."]


def _silent(cluster: ClusterView, now: datetime) -> str:
    if cluster.inventory_at is None:
        return f"{code(cluster.name)} (never one)"
    return f"{code(cluster.name)} (the last {ago(cluster.inventory_at, now)})"


def _group(use: Use) -> str:
    if use.cluster:
        return f"{use.cluster} / {use.place.partition('/')[0]}"
    return use.place.rpartition("/")[0]


def _where(use: Use) -> str:
    return escape(f"{use.cluster}/{use.place}" if use.cluster else use.place, 150)


def _names(names: Iterable[str]) -> str:
    found = list(names)
    more = len(found) - NAMED
    told = ", ".join(code(name) for name in found[:NAMED])
    return f"{told} and {count(more, 'other')}" if more > 0 else told


def _turns(name: str, number: int, pages: int) -> list[Element]:
    elements = []
    if number > 1:
        elements.append(button("‹ Previous", ids.USES_PREVIOUS, f"{name}:{number - 1}"))
    if number < pages:
        elements.append(button("Next ›", ids.USES_NEXT, f"{name}:{number + 1}"))
    return elements
