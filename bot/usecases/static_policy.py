"""The policies that clusters have in themselves: what they should say now, and what they do say."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.admission import policies
from bot.admission.policies import Group, Inputs, State
from bot.core.access import Actor
from bot.core.cluster import ClusterView, Mode
from bot.core.policy import Policy
from bot.store import clusters, outbox
from bot.store.outbox import Letter
from bot.store.schema import Cluster
from bot.usecases import clusters as known
from bot.usecases import gate
from bot.usecases.deps import Deps
from bot.usecases.saying import hearer_of

GRACE: Final = timedelta(minutes=10)
"""From a change of the rules until the policy in a cluster should have followed."""


async def inputs_for(deps: Deps, actor: Actor, name: str, group: Group) -> Inputs:
    """The rules of now for the cluster `name`; without one, for `group`. NotFound."""
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        rules = await gate.load(session, actor.team_id, now)
        if not name:
            return Inputs(rules, now, (group,))
        cluster = clusters.view_of(await known.find(session, actor, name))
        return Inputs(rules, now, policies.groups_of(cluster))


async def policy_state(deps: Deps, cluster: ClusterView) -> State:
    """Whether the policy that a cluster said to have is that of now; unknown if it said none."""
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        rules = await gate.load(session, cluster.team_id, now)
    return state_of(cluster, Inputs(rules, now, policies.groups_of(cluster)))


def state_of(cluster: ClusterView, inputs: Inputs) -> State:
    if not cluster.policy_hash:
        return State.UNKNOWN
    same = cluster.policy_hash == policies.current_hash(inputs)
    return State.CURRENT if same else State.BEHIND


async def tick_policies(deps: Deps) -> int:
    """Tell of each cluster that enforces rules which are not those of now; answers how many.

    Once for each change: when the cluster says, ten minutes or more after the rules changed, that
    it still has others.
    """
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        rows = [row for row in await clusters.with_policy(session) if _enforces(row)]
        told = 0
        for team_id, group in groupby(rows, key=lambda row: row.team_id):
            rules = await gate.load(session, team_id, now)
            for row in group:
                told += await _follow(session, row, rules, now)
        return told


async def _follow(session: AsyncSession, row: Cluster, rules: Policy, now: datetime) -> bool:
    """Note since when the rules are what they are; True when it was told that they are not held."""
    groups = policies.groups_of(clusters.view_of(row))
    wanted = policies.current_hash(Inputs(rules, now, groups))
    if row.rules_hash != wanted or row.rules_at is None:
        row.rules_hash, row.rules_at, row.behind_told = wanted, now, False
        session.add(row)
    heard_late = row.policy_at is not None and row.policy_at >= row.rules_at + GRACE
    if row.behind_told or row.policy_hash == wanted or not heard_late:
        return False
    row.behind_told = True
    session.add(row)
    to = await hearer_of(session, row.team_id, [])
    letter = Letter(
        row.team_id,
        f"policy_behind:{row.id}:{row.rules_at.isoformat()}",
        to.channel or row.created_by,
        "policy_behind",
        {"cluster": row.name, "since": row.rules_at.isoformat()},
    )
    await outbox.put(session, letter, now)
    return True


def _enforces(row: Cluster) -> bool:
    cluster = clusters.view_of(row)
    return Mode.ENFORCE in {cluster.mode, *map(cluster.mode_of, cluster.namespaces)}
