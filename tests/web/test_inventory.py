"""Inventories over HTTP: whole or not at all."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from bot.store import clusters
from bot.store.schema import InventoryPage
from bot.usecases import uses
from bot.usecases.deps import Deps
from bot.usecases.inventory import RUN_FOR
from bot.web.application import BODY_LIMIT
from bot.web.bearer import Bearer
from bot.web.inventory import inventory_routes
from tests.factories import ALICE, NOW, add, clock_of, generic
from tests.usecases.telling import sighted
from tests.web.machines import Answer, Machine, machine

API = {
    "namespace": "web",
    "kind": "Deployment",
    "name": "api",
    "images": ["quay.io/acme/api:1", "nginx"],
}
CRON = {"namespace": "jobs", "kind": "CronJob", "name": "nightly", "images": ["quay.io/acme/n:2"]}


@pytest.fixture
async def agent(deps: Deps) -> AsyncIterator[Machine]:
    """What runs in the cluster, in a workspace with a registry."""
    async with machine(deps, inventory_routes(deps, Bearer(deps))) as made:
        await add(deps, answers=generic("quay", url="https://quay.io", path_scope="acme"))
        yield made


async def send(agent: Machine, page: int = 1, *workloads: object, **more: Any) -> Answer:
    body = {"run": "run-00000001", "page": page, "workloads": list(workloads), **more}
    return await agent.ask("POST", f"{agent.path}/inventory", json=body)


async def used(deps: Deps) -> list[str]:
    return [use.place for use in (await uses.of_registry(deps, ALICE, "quay")).uses]


async def test_pages_count_once_the_last_is_there(deps: Deps, agent: Machine) -> None:
    """Until then everything is as it was."""
    assert await send(agent, 1) == (202, {"page": 1, "unreadable": 0})
    assert (await send(agent, 2, API))[0] == 202
    assert await used(deps) == []

    status, said = await send(agent, 3, CRON, last=True)

    assert status == 200
    assert said == {"page": 3, "unreadable": 0, "workloads": 2, "images": 3, "uncovered": 1}
    assert await used(deps) == ["jobs/CronJob/nightly", "web/Deployment/api"]


async def test_the_time_of_an_inventory_is_when_it_began(deps: Deps, agent: Machine) -> None:
    """What was sighted while the cluster was looked at may be missing in what it says."""
    await send(agent, 1)
    clock_of(deps).skip(timedelta(minutes=1))
    await sighted(deps, agent.issued.cluster.id, [("web/Pod/new", "quay.io/acme/new:1")])
    clock_of(deps).skip(timedelta(minutes=1))
    await send(agent, 2, API, last=True)

    async with deps.store.reading() as session:
        row = await clusters.by_id(session, agent.issued.cluster.id)
    assert row is not None
    assert row.inventory_at == NOW
    assert await used(deps) == ["web/Deployment/api", "web/Pod/new"]


async def test_a_page_sent_twice_changes_nothing(deps: Deps, agent: Machine) -> None:
    """Nor the last one, whose answer was lost on the way."""
    for _ in range(2):
        await send(agent, 1, CRON)
    first = await send(agent, 2, API, last=True)

    assert await send(agent, 2, API, last=True) == first
    assert len(await used(deps)) == 2


async def test_a_missing_page_leaves_the_inventory_as_it_was(deps: Deps, agent: Machine) -> None:
    """Half a report is never taken for a whole one."""
    await send(agent, 1, API, last=True)
    await send(agent, 1, CRON, run="run-00000002")
    status, said = await send(agent, 4, last=True, run="run-00000002")

    assert status == 409
    assert said["error"] == "Pages are missing: 2, 3. Send them, then the last one again."
    assert await used(deps) == ["web/Deployment/api"]


async def test_an_overtaken_run_is_refused(deps: Deps, agent: Machine) -> None:
    """It began to look earlier than the one that is whole."""
    await send(agent, 1, CRON)
    clock_of(deps).skip(timedelta(minutes=1))
    await send(agent, 1, API, last=True, run="run-00000002")
    status, said = await send(agent, 2, last=True)

    assert (status, "later inventory" in said["error"]) == (409, True)
    assert await used(deps) == ["web/Deployment/api"]


async def test_unfinished_runs_are_forgotten(deps: Deps, agent: Machine) -> None:
    """With the next page of any."""
    await send(agent, 1, API)
    clock_of(deps).skip(RUN_FOR + timedelta(minutes=1))
    await send(agent, 1, CRON, run="run-00000002")

    async with deps.store.reading() as session:
        rows = (await session.exec(select(InventoryPage))).all()
    assert [row.run for row in rows] == ["run-00000002"]


async def test_the_policy_found_in_the_cluster_is_noted(deps: Deps, agent: Machine) -> None:
    """So that Registrar can say that it is behind."""
    await send(agent, 1, policy_hash="sha256-abc", last=True)

    async with deps.store.reading() as session:
        row = await clusters.by_id(session, agent.issued.cluster.id)
    assert row is not None
    assert (row.policy_hash, row.policy_at is not None) == ("sha256-abc", True)


async def test_images_that_no_runtime_could_pull_are_counted_and_left_out(
    deps: Deps, agent: Machine
) -> None:
    """The API server takes any text for an image."""
    odd = {**API, "images": ["quay.io/acme/api", "://", "", "ü", "x" * 5000, "quay.io/Acme/x"]}
    status, said = await send(agent, 1, odd, last=True)

    assert (status, said["unreadable"], said["images"]) == (200, 5, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"run": "short"}, "run must be 8 to 64"),
        ({"run": 7}, "run must be 8 to 64"),
        ({"page": 0}, "page must be a number from 1"),
        ({"page": True}, "page must be a number from 1"),
        ({"page": 10**30}, "page must be a number from 1"),
        ({"last": "yes"}, "last must be true or false"),
        ({"workloads": {}}, "workloads must be a list"),
        ({"workloads": [API] * 1001}, "at most 1,000"),
        ({"workloads": [API, 3]}, "workloads[1] must be an object"),
        ({"workloads": [{**API, "name": "a/b"}]}, "workloads[0].name must be a name"),
        ({"workloads": [{**API, "kind": ""}]}, "workloads[0].kind must be a name"),
        ({"workloads": [{**API, "name": "\x00"}]}, "workloads[0].name must be a name"),
        ({"workloads": [{**API, "images": "nginx"}]}, "workloads[0].images must be a list"),
        ({"workloads": [{**API, "images": [1]}]}, "workloads[0].images must be a list"),
        ({"policy_hash": "a b"}, "policy_hash must be"),
    ],
)
async def test_wrong_pages_are_told_what_is_wrong(
    agent: Machine, change: dict[str, Any], said: str
) -> None:
    """In the place where it is."""
    body = {"run": "run-00000001", "page": 1, "workloads": [API], **change}
    status, answer = await agent.ask("POST", f"{agent.path}/inventory", json=body)

    assert status == 400
    assert said in answer["error"]


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"\xff\xfe", b"[" * 100_000, b" " * (BODY_LIMIT + 1)]
)
async def test_other_bodies_are_refused_in_a_sentence(agent: Machine, body: bytes) -> None:
    """Not JSON, too deep, or too large."""
    status, answer = await agent.ask("POST", f"{agent.path}/inventory", data=io.BytesIO(body))

    assert status == 400
    assert answer["error"]


async def test_another_token_puts_nothing_in(agent: Machine) -> None:
    """Nor does it learn whether the cluster exists."""
    path = f"/api/v1/clusters/{'0' * 32}/inventory"
    assert (await agent.ask("POST", path, json={}))[0] == 401
