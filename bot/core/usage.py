"""Which images are in use where, and what becomes of them under other rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.core.cluster import ClusterView
from bot.core.policy import Policy, Verdict
from bot.core.registry import Environment

STALE_AFTER: Final = timedelta(hours=24)


class Source(StrEnum):
    """Who says so, the most trustworthy first.

    `inventory`: the cluster's own list. `declared`: a pipeline. `sighted`: an admission request,
    which anybody can send.
    """

    INVENTORY = "inventory"
    DECLARED = "declared"
    SIGHTED = "sighted"


@dataclass(frozen=True, slots=True)
class Use:
    """An image in use. `cluster` is a name, empty for what a pipeline declared.

    `place` is `NAMESPACE/KIND/NAME`, or `PROJECT/ENVIRONMENT/SERVICE` of a declaration. Only
    registries for `environment` serve it.
    """

    source: Source
    cluster: str
    place: str
    image: str
    first_seen: datetime
    last_seen: datetime
    environment: Environment = Environment.ANY

    @property
    def workload(self) -> tuple[str, str]:
        """What is counted: several images of one workload are one."""
        return self.cluster, self.place


@dataclass(frozen=True, slots=True)
class Running:
    """Everything in use in a workspace, by place.

    `silent` are clusters of which no inventory came for a day, or ever: they may run anything.
    """

    uses: tuple[Use, ...] = ()
    silent: tuple[ClusterView, ...] = ()
    clusters: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What other rules would do to uses.

    `refused` ran by the old rules and would not by the new ones; `heirs` are the registries that
    the others of `used` would belong to, by name.
    """

    used: tuple[Use, ...] = ()
    refused: tuple[Use, ...] = ()
    heirs: Mapping[str, int] = field(default_factory=dict)

    @property
    def heir(self) -> str:
        """The registry that covers all of it; empty when there is not exactly one."""
        return next(iter(self.heirs)) if not self.refused and len(self.heirs) == 1 else ""


def is_stale(cluster: ClusterView, now: datetime) -> bool:
    return cluster.inventory_at is None or now - cluster.inventory_at > STALE_AFTER


def environment_meant(word: str) -> Environment:
    """A pipeline's word for an environment; one that is not ours limits nothing."""
    lowered = word.lower()
    return Environment(lowered) if lowered in set(Environment) else Environment.ANY


class Judge:
    """Decides on uses; each repository is looked at once, however many images of it are used.

    Images are canonical, and tags never matter to a verdict; a digest does where it is exempted.
    """

    def __init__(self, policy: Policy, now: datetime) -> None:
        self._policy = policy
        self._now = now
        self._known: dict[tuple[str, Environment], Verdict] = {}

    def of(self, use: Use) -> Verdict:
        return self.decide(use.image, use.environment)

    def decide(self, image: str, environment: Environment) -> Verdict:
        key = (without_tag(image), environment)
        verdict = self._known.get(key)
        if verdict is None:
            verdict = self._policy.decide(key[0], environment, self._now)
            self._known[key] = verdict
        return verdict


def uncovered(uses: Iterable[Use], judge: Judge) -> dict[str, tuple[Use, ...]]:
    """Uses that no registration covers and no exemption allows, by repository, the most first."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        if not judge.of(use).allowed:
            found.setdefault(repository_of(use.image), []).append(use)
    ranked = sorted(found.items(), key=lambda one: (-len(workloads(one[1])), one[0]))
    return {repository: tuple(some) for repository, some in ranked}


def changed(uses: Iterable[Use], registry: str, before: Judge, after: Judge) -> Change:
    """What new rules do to the uses of a registry, and whom they refuse at all."""
    used, refused, heirs = [], [], Counter[str]()
    for use in uses:
        old, new = before.of(use), after.of(use)
        mine = old.registry == registry
        if mine:
            used.append(use)
        if old.allowed and not new.allowed:
            refused.append(use)
        elif mine and new.registry != registry:
            heirs[new.registry] += 1
    return Change(tuple(used), tuple(refused), dict(heirs))


def workloads(uses: Iterable[Use]) -> set[tuple[str, str]]:
    return {use.workload for use in uses}


def repository_of(image: str) -> str:
    """A canonical image without its tag and digest."""
    return without_tag(image.partition("@")[0])


def without_tag(image: str) -> str:
    """A canonical image without its tag; what is after the last slash may have one."""
    name, at, digest = image.partition("@")
    host, slash, path = name.partition("/")
    return f"{host}{slash}{path.partition(':')[0]}{at}{digest}"
