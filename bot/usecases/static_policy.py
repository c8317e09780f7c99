"""The policies that clusters have in themselves: what they should say now, and what they do say."""

from __future__ import annotations

from bot.admission import policies
from bot.admission.policies import Group, Inputs, State
from bot.core.access import Actor
from bot.core.cluster import ClusterView
from bot.store import clusters
from bot.usecases import clusters as known
from bot.usecases import gate
from bot.usecases.deps import Deps


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
