"""Whether a cluster's own policy says the rules of now, and who hears when it does not."""

from __future__ import annotations

from datetime import timedelta

from bot.admission import policies
from bot.admission.policies import Group, State
from bot.core.cluster import ClusterView
from bot.store import clusters as rows
from bot.usecases import clusters, static_policy
from bot.usecases.clusters import Wanted
from bot.usecases.deps import Deps
from bot.usecases.static_policy import policy_state, tick_policies
from tests.factories import ALICE, add, clock_of, generic
from tests.usecases.watching import channel, letters

MINUTE = timedelta(minutes=1)


async def _cluster(deps: Deps, mode: str = "enforce") -> None:
    await clusters.add(deps, ALICE, Wanted("prod", "production", mode))


async def _view(deps: Deps) -> ClusterView:
    (one,) = await clusters.list_clusters(deps, ALICE)
    return one


async def _report(deps: Deps, policy_hash: str = "") -> None:
    """The cluster says which policy it has; the one of now if not told otherwise."""
    cluster = await _view(deps)
    inputs = await static_policy.inputs_for(deps, ALICE, cluster.name, Group("audit"))
    said = policy_hash or policies.current_hash(inputs)
    async with deps.store.transaction() as session:
        await rows.note_policy(session, cluster.id, said, deps.clock.now())


async def _minutes(deps: Deps, count: int, policy_hash: str) -> int:
    """So many minutes, each with a report and two ticks; how many messages they made."""
    told = 0
    for _ in range(count):
        clock_of(deps).skip(MINUTE)
        await _report(deps, policy_hash)
        told += await tick_policies(deps) + await tick_policies(deps)
    return told


async def test_a_policy_is_current_behind_or_unknown(deps: Deps) -> None:
    """Unknown until the cluster says what it has."""
    await _cluster(deps)
    assert await policy_state(deps, await _view(deps)) is State.UNKNOWN

    await _report(deps)
    assert await policy_state(deps, await _view(deps)) is State.CURRENT

    await add(deps, answers=generic("quay", url="https://quay.io", path_scope="acme"))
    assert await policy_state(deps, await _view(deps)) is State.BEHIND


async def test_a_cluster_that_stays_behind_is_told_of_once_for_each_change(deps: Deps) -> None:
    """Ten minutes after the change, and not again until the rules change again."""
    await channel(deps)
    await _cluster(deps)
    await _report(deps)
    old = (await _view(deps)).policy_hash
    await tick_policies(deps)
    await add(deps, answers=generic("one"))

    assert await _minutes(deps, 10, old) == 0
    assert await _minutes(deps, 120, old) == 1

    await add(deps, answers=generic("two", url="https://two.example.com"))
    assert await _minutes(deps, 60, old) == 1
    told = await letters(deps, what="policy_behind")
    assert [row.channel for row in told] == ["CALERTS", "CALERTS"]
    assert '"cluster": "prod"' in told[0].values_json


async def test_a_cluster_that_follows_in_time_is_not_told_of(deps: Deps) -> None:
    """Nor one that says nothing more, nor one that only notes or warns."""
    await channel(deps)
    await _cluster(deps)
    await _report(deps)
    old = (await _view(deps)).policy_hash
    await add(deps, answers=generic("one"))
    await _minutes(deps, 8, old)
    assert await _minutes(deps, 30, "") == 0

    await add(deps, answers=generic("two", url="https://two.example.com"))
    await tick_policies(deps)
    clock_of(deps).skip(timedelta(days=2))
    assert await tick_policies(deps) == 0

    async with deps.store.transaction() as session:
        await rows.change(session, (await _view(deps)).id, {"mode": "warn"})
    assert await _minutes(deps, 30, old) == 0
