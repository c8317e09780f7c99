"""What a namespace of a cluster pulls with: one file with the logins of all that it may use."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.core.cluster import ClusterView
from bot.core.registry import Environment
from bot.core.secret import Secret
from bot.errors import NoLogin, StoreError
from bot.kinds.docker_config import Entry, for_kubernetes
from bot.store import audit, minted, registries
from bot.store.registries import Stored
from bot.usecases import gate
from bot.usecases.deps import Deps
from bot.usecases.minting import Mint, note_asked
from bot.usecases.pull_secrets import (
    DOUBLED,
    REFUSED,
    Collected,
    for_environment,
    logins_of,
)

NOTED_EVERY: Final = timedelta(hours=1)
COVERS_NOTHING: Final = "It covers no image: strangers share its host, and it has no path scope."
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class PullSecret:
    """A file for the kubelet; `good_until` by registry name, None: as long as it is stored.

    `left_out` says who is missing, and why: (name, sentence). Equal ones have an equal `tag`.
    """

    environment: Environment
    config: Secret
    good_until: Mapping[str, datetime | None]
    left_out: tuple[tuple[str, str], ...]
    tag: str

    @property
    def expires_at(self) -> datetime | None:
        """When the first login in it ends; None: none of them does."""
        return min((at for at in self.good_until.values() if at is not None), default=None)


_Making = asyncio.Task[tuple[PullSecret, datetime]]


class ClusterPull:
    """Gives clusters their pull secrets. Keep one for the life of the process.

    No secret stays in memory, so while the database is away there is none to give: what a cluster
    was given before stays with it.
    """

    def __init__(self, deps: Deps, mint: Mint) -> None:
        self._deps = deps
        self._mint = mint
        self._under_way: dict[tuple[str, Environment], _Making] = {}
        self._noted: OrderedDict[tuple[str, str], tuple[str, datetime]] = OrderedDict()

    async def secret(self, cluster: ClusterView, namespace: str) -> PullSecret:
        """What a namespace may pull with; it depends on nothing but its environment.

        A registry without a login is left out with the reason. Raises StoreError, and NoLogin when
        there is nothing to give although there should be, or more than a Secret holds: an empty
        file would take from the cluster what it has.
        """
        environment = cluster.environment_of(namespace)
        made, now = await asyncio.shield(self._under_way_for(cluster.team_id, environment))
        await self._note(cluster, namespace, made, now)
        return made

    def _under_way_for(self, team_id: str, environment: Environment) -> _Making:
        """When many namespaces ask at once, the same answer is made for all of them."""
        key = (team_id, environment)
        making = self._under_way.get(key)
        if making is None:
            making = asyncio.create_task(self._make(team_id, environment))
            self._under_way[key] = making
            making.add_done_callback(lambda _: self._under_way.pop(key, None))
        return making

    async def _make(self, team_id: str, environment: Environment) -> tuple[PullSecret, datetime]:
        deps = self._deps
        async with deps.store.reading() as session:
            now = await deps.store.now(session)
            found = await registries.all_live(session, team_id)
            held = await minted.of_team(session, team_id)
        wanted, idle = _covering(for_environment(found, environment))
        collected = await logins_of(self._mint, wanted, held, now)
        _refuse_nothing(collected)
        made = self._made(team_id, environment, collected, idle)
        ends = {name for name, until in made.good_until.items() if until is not None}
        ids = [one.registry.id for one in wanted if one.registry.name in ends]
        await note_asked(deps, held, ids, now)
        return made, now

    def _made(
        self,
        team_id: str,
        environment: Environment,
        collected: Collected,
        idle: Sequence[str],
    ) -> PullSecret:
        config, doubled = for_kubernetes(collected.entries)
        left_out = [
            *collected.left_out,
            *((name, DOUBLED) for name in doubled),
            *((name, COVERS_NOTHING) for name in idle),
        ]
        good_until = _good_until(collected.entries, doubled)
        whole = {
            "config": config,
            "rest": Secret(repr((environment, sorted(good_until.items()), sorted(left_out)))),
        }
        tag = self._deps.store.keyring.fingerprint(whole, team_id)
        return PullSecret(environment, config, good_until, tuple(sorted(left_out)), tag)

    async def _note(
        self, cluster: ClusterView, namespace: str, made: PullSecret, now: datetime
    ) -> None:
        """Audit what was handed out: once an hour for each environment, and when that changes."""
        key = (cluster.id, str(made.environment))
        what = repr((sorted(made.good_until), made.left_out))
        before = self._noted.get(key)
        if before is not None and before[0] == what and now - before[1] < NOTED_EVERY:
            return
        details = {
            "cluster": cluster.name,
            "namespace": namespace,
            "environment": str(made.environment),
            "registries": ", ".join(sorted(made.good_until)),
            "left_out": ", ".join(name for name, _ in made.left_out),
        }
        deed = audit.Deed(cluster.team_id, "cluster", "pull_secret_given", details=details)
        self._noted[key] = (what, now)  # at once: many namespaces ask at the same time
        self._noted.move_to_end(key)
        while len(self._noted) > _REMEMBERED:
            self._noted.popitem(last=False)
        try:
            async with self._deps.store.transaction() as session:
                await audit.note(session, deed, now)
        except StoreError:
            self._noted.pop(key, None)
            raise


def _covering(found: Sequence[Stored]) -> tuple[list[Stored], list[str]]:
    """Those whose images may run, and the names of the others."""
    wanted, idle = [], []
    for one in found:
        row = one.registry
        if gate.covers_nothing(row.host, gate.scope_of(row.url, row.path_scope)):
            idle.append(row.name)
        else:
            wanted.append(one)
    return wanted, idle


def _good_until(entries: Sequence[Entry], doubled: Sequence[str]) -> dict[str, datetime | None]:
    return {one.registry: one.login.expires_at for one in entries if one.registry not in doubled}


def _refuse_nothing(collected: Collected) -> None:
    """Raise when all that there is failed for a reason that may pass."""
    passing = [why for _, why in collected.left_out if why != REFUSED]
    if passing and not collected.entries:
        raise NoLogin(f"No registry has a login at the moment. {passing[0]}")
