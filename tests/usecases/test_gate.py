"""What the registrations of a workspace allow to run."""

from __future__ import annotations

from bot.usecases import gate, registries
from bot.usecases.deps import Deps
from tests.factories import ALICE, add, generic


async def test_a_live_registry_allows_its_images(deps: Deps) -> None:
    """Its own workspace's, with or without a path, and no longer once it is deleted."""
    await add(deps, answers=generic("harbor", url="https://harbor.example.com:8443"))
    await add(deps, answers=generic("quay", url="https://quay.io", path_scope="acme"))

    policy = await gate.policy(deps, ALICE.team_id)
    assert policy.decide("harbor.example.com:8443/any/app").registry == "harbor"
    assert policy.decide("quay.io/acme/app").registry == "quay"
    assert not policy.decide("quay.io/other/app").allowed
    assert (await gate.policy(deps, "T9")).rules == ()

    await registries.delete(deps, ALICE, "quay", "quay")
    assert not (await gate.policy(deps, ALICE.team_id)).decide("quay.io/acme/app").allowed


async def test_a_shared_host_without_a_path_allows_nothing(deps: Deps) -> None:
    """Otherwise one's own organisation on it would let everybody's images in."""
    await add(deps, answers=generic("quay", url="https://quay.io"))

    policy = await gate.policy(deps, ALICE.team_id)

    assert policy.rules == ()


async def test_the_path_of_an_address_is_part_of_its_images(deps: Deps) -> None:
    """Artifactory's API is elsewhere than its images."""
    nexus = "https://nexus.example.com/repository/apps"
    artifactory = "https://jfrog.example.com/artifactory/api/docker/apps"
    await add(deps, answers=generic("nexus", url=nexus, path_scope="team"))
    await add(deps, answers=generic("jfrog", url=artifactory))

    rules = (await gate.policy(deps, ALICE.team_id)).rules

    assert [rule.place for rule in rules] == [
        "jfrog.example.com/apps",
        "nexus.example.com/repository/apps/team",
    ]


async def test_other_places_of_the_same_images_are_covered_too(deps: Deps) -> None:
    """A pull-through cache, below its path; the path scope holds there as well."""
    cache = "harbor.example.com/proxy/quay"
    public = {"url": "https://quay.io", "path_scope": "acme", "also_at": f"{cache}, Mirror.io:443"}
    await add(deps, answers=generic("quay", **public))

    policy = await gate.policy(deps, ALICE.team_id)

    assert policy.decide(f"{cache}/acme/app").registry == "quay"
    assert policy.decide("mirror.io/acme/app").registry == "quay"
    assert not policy.decide(f"{cache}/other/app").allowed
    assert not policy.decide("harbor.example.com/acme/app").allowed
