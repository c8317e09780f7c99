"""Who uses what: by the rules of the moment, from sources of different trust."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.cluster import NamespaceRule, written_namespaces
from bot.core.registry import Environment
from bot.core.usage import Source
from bot.errors import NotFound
from bot.store import clusters as rows
from bot.usecases import registries, uses
from bot.usecases.deps import Deps
from bot.usecases.pruning import prune
from tests.factories import (
    ALICE,
    MALLORY,
    NOW,
    add,
    checker_of,
    clock_of,
    cluster,
    generic,
    refused,
    stored,
)
from tests.usecases.telling import declared, inventory, sighted

API = ("web/Deployment/api", "quay.io/acme/api:1")
CRON = ("jobs/CronJob/nightly", "quay.io/acme/tools/nightly:2")
OTHER = ("web/Deployment/proxy", "docker.io/library/nginx:1")


async def places(deps: Deps, name: str = "quay") -> list[tuple[str, str]]:
    found = await uses.of_registry(deps, ALICE, name)
    return [(use.cluster, use.place) for use in found.uses]


@pytest.fixture
async def prod(deps: Deps) -> str:
    """The id of a cluster, in a workspace with a registry."""
    await add(deps, answers=generic("quay", url="https://quay.io", path_scope="acme"))
    return (await cluster(deps, "prod-eu")).cluster.id


async def test_a_registry_is_used_by_what_its_rules_cover(deps: Deps, prod: str) -> None:
    """Other images are not its own, nor another workspace's to see."""
    await inventory(deps, prod, [API, CRON, OTHER])

    assert await places(deps) == [("prod-eu", CRON[0]), ("prod-eu", API[0])]
    with pytest.raises(NotFound):
        await uses.of_registry(deps, MALLORY, "quay")


async def test_the_longest_scope_owns_a_use_from_the_moment_it_is_registered(
    deps: Deps, prod: str
) -> None:
    """Nothing about an owner is stored with a use."""
    await inventory(deps, prod, [API, CRON])
    await add(deps, answers=generic("tools", url="https://quay.io", path_scope="acme/tools"))

    assert await places(deps) == [("prod-eu", API[0])]
    assert await places(deps, "tools") == [("prod-eu", CRON[0])]
    assert await uses.counts(deps, ALICE) == {"quay": 1, "tools": 1}


async def test_an_inventory_replaces_the_one_before(deps: Deps, prod: str) -> None:
    """What runs no more is not in use; what goes on keeps when it was first seen."""
    await inventory(deps, prod, [API, CRON])
    clock_of(deps).skip(timedelta(hours=1))
    await inventory(deps, prod, [API])

    (use,) = (await uses.of_registry(deps, ALICE, "quay")).uses
    assert (use.place, use.first_seen) == (API[0], NOW)
    assert use.last_seen == NOW + timedelta(hours=1)


async def test_a_sighting_counts_until_the_next_inventory(deps: Deps, prod: str) -> None:
    """That one has looked itself; a sighting since then is news."""
    await sighted(deps, prod, [CRON], NOW - timedelta(minutes=1))
    await inventory(deps, prod, [API])
    await sighted(deps, prod, [("web/Pod/new", API[1])], NOW + timedelta(minutes=1))

    found = (await uses.of_registry(deps, ALICE, "quay")).uses
    assert [(use.place, use.source) for use in found] == [
        (API[0], Source.INVENTORY),
        ("web/Pod/new", Source.SIGHTED),
    ]


async def test_the_best_source_tells_of_a_use(deps: Deps, prod: str) -> None:
    """An inventory stands above an admission request, which anybody can send."""
    await inventory(deps, prod, [API])
    await sighted(deps, prod, [API], NOW + timedelta(minutes=1))

    (use,) = (await uses.of_registry(deps, ALICE, "quay")).uses
    assert use.source is Source.INVENTORY


async def test_a_declaration_holds_until_it_is_withdrawn(deps: Deps, prod: str) -> None:
    """Nobody sees whether it is still true."""
    await declared(deps, "shop/production/api", API[1], CRON[1])
    await declared(deps, "shop/production/api", API[1])
    clock_of(deps).skip(timedelta(days=200))
    await prune(deps)

    (use,) = (await uses.of_registry(deps, ALICE, "quay")).uses
    assert (use.image, use.environment) == (API[1], Environment.PRODUCTION)
    await declared(deps, "shop/production/api")
    assert await places(deps) == []


async def test_clusters_without_a_fresh_inventory_are_named(deps: Deps, prod: str) -> None:
    """One that never sent any, and one that has been silent for a day."""
    await cluster(deps, "never")
    await inventory(deps, prod, [API])
    clock_of(deps).skip(timedelta(hours=24))
    fresh = (await uses.of_registry(deps, ALICE, "quay")).running
    clock_of(deps).skip(timedelta(seconds=1))
    late = (await uses.of_registry(deps, ALICE, "quay")).running

    assert [one.name for one in fresh.silent] == ["never"]
    assert [one.name for one in late.silent] == ["never", "prod-eu"]
    assert await places(deps) == [("prod-eu", API[0])]  # what it said last still counts


async def test_a_deleted_cluster_uses_nothing(deps: Deps, prod: str) -> None:
    """And is not waited for."""
    await inventory(deps, prod, [API])
    async with deps.store.transaction() as session:
        await rows.change(session, prod, {"deleted_at": NOW})

    found = await uses.of_registry(deps, ALICE, "quay")
    assert (found.uses, found.running.silent) == ((), ())


async def test_idle_registries_are_listed_with_the_never_proven_apart(
    deps: Deps, prod: str
) -> None:
    """They are the first to be deleted."""
    await add(deps, answers=generic("idle"))
    checker_of(deps).answers = [refused()]
    await stored(deps, answers=generic("wrong", password="not the right one"))
    await inventory(deps, prod, [API])

    found = await uses.unused(deps, ALICE)
    assert (found.proven, found.never_proven) == (("idle",), ("wrong",))


async def test_images_of_no_registry_are_ranked_by_workloads(deps: Deps, prod: str) -> None:
    """By repository, whatever their tags."""
    more = [(f"web/Deployment/{n}", f"docker.io/library/nginx:{n}") for n in range(3)]
    await inventory(
        deps, prod, [API, OTHER, *more, ("web/Pod/x", "ghcr.io/a/b@sha256:" + "0" * 64)]
    )

    found = await uses.not_covered(deps, ALICE)
    counts = {name: len(some) for name, some in found.repositories.items()}
    assert list(counts.items()) == [("docker.io/library/nginx", 4), ("ghcr.io/a/b", 1)]


async def test_a_namespace_is_served_by_its_environment(deps: Deps, prod: str) -> None:
    """An image of a staging registry in a production namespace is not covered."""
    await add(deps, answers=generic("stage", url="https://s.example.com", environment="staging"))
    async with deps.store.transaction() as session:
        strict = {"live": NamespaceRule(environment=Environment.PRODUCTION)}
        await rows.change(session, prod, {"namespaces_json": written_namespaces(strict)})
    image = "s.example.com/app:1"
    await inventory(deps, prod, [("live/Pod/a", image), ("test/Pod/b", image)])

    assert await places(deps, "stage") == [("prod-eu", "live/Pod/a"), ("prod-eu", "test/Pod/b")]
    (some,) = (await uses.not_covered(deps, ALICE)).repositories.values()
    assert [use.place for use in some] == ["live/Pod/a"]


async def test_uses_of_ninety_days_ago_are_forgotten(deps: Deps, prod: str) -> None:
    """Nobody told of them since."""
    await sighted(deps, prod, [API])
    clock_of(deps).skip(timedelta(days=91))
    await prune(deps)

    assert await places(deps) == []


async def test_a_deleted_registry_is_not_counted(deps: Deps, prod: str) -> None:
    """Its images belong to none then."""
    await inventory(deps, prod, [API])
    await registries.delete(deps, ALICE, "quay", "quay", "we move")

    assert await uses.counts(deps, ALICE) == {"": 1}
