"""Pipelines declare what they deploy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.usecases import uses
from bot.usecases.cluster_tokens import new_token
from bot.usecases.deps import Deps
from bot.web.bearer import PER_ADDRESS, Bearer
from bot.web.deployments import PATH, deployment_routes
from tests.factories import ALICE, add, generic
from tests.web.machines import Answer, Machine, machine

API = {"project": "shop", "environment": "production", "service": "api"}


@pytest.fixture
async def pipeline(deps: Deps) -> AsyncIterator[Machine]:
    async with machine(deps, deployment_routes(deps, Bearer(deps))) as made:
        await add(deps, answers=generic("quay", url="https://quay.io", path_scope="acme"))
        yield made


async def declare(pipeline: Machine, *images: str, **more: Any) -> Answer:
    return await pipeline.ask("POST", PATH, json={**API, "images": list(images), **more})


async def used(deps: Deps) -> list[tuple[str, str]]:
    found = await uses.of_registry(deps, ALICE, "quay")
    return [(use.place, use.image) for use in found.uses]


async def test_the_answer_says_whether_each_image_may_run(deps: Deps, pipeline: Machine) -> None:
    """So that a pipeline can stop before the cluster refuses it."""
    status, said = await declare(pipeline, "quay.io/acme/api:1", "nginx")

    assert status == 200
    assert said["place"] == "shop/production/api"
    assert [(one["image"], one["allowed"], one["registry"]) for one in said["images"]] == [
        ("quay.io/acme/api:1", True, "quay"),
        ("nginx", False, None),
    ]
    assert await used(deps) == [("shop/production/api", "quay.io/acme/api:1")]


async def test_a_new_list_takes_the_place_of_the_old(deps: Deps, pipeline: Machine) -> None:
    """And the same again changes nothing."""
    for images in (["quay.io/acme/api:1"], ["quay.io/acme/api:2"], ["quay.io/acme/api:2"]):
        await declare(pipeline, *images)
    await declare(pipeline, "quay.io/acme/web:1", service="web")

    assert await used(deps) == [
        ("shop/production/api", "quay.io/acme/api:2"),
        ("shop/production/web", "quay.io/acme/web:1"),
    ]


@pytest.mark.parametrize(
    ("method", "how"),
    [
        ("POST", {"json": {**API, "images": []}}),
        ("DELETE", {"json": API}),
        ("DELETE", {"params": API}),
    ],
)
async def test_a_service_is_withdrawn(
    deps: Deps, pipeline: Machine, method: str, how: dict[str, Any]
) -> None:
    """In whichever way the pipeline's tool can."""
    await declare(pipeline, "quay.io/acme/api:1")
    answer = await pipeline.ask(method, PATH, **how)

    assert answer == (200, {"place": "shop/production/api", "images": []})
    assert await used(deps) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"project": ""}, "project must be a name"),
        ({"project": None}, "project must be a name"),
        ({"environment": "a/b"}, "environment must be a name"),
        ({"service": "x" * 201}, "service must be a name"),
        ({"service": "\u0000"}, "service must be a name"),
        ({"images": "nginx"}, "images must be a list"),
        ({"images": [1]}, "images must be a list"),
        ({"images": ["nginx"] * 501}, "at most 500"),
        ({"images": ["nginx", "://"]}, "images[1] is not an image reference"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_lost(
    deps: Deps, pipeline: Machine, change: dict[str, Any], said: str
) -> None:
    """What was declared before still holds."""
    await declare(pipeline, "quay.io/acme/api:1")
    body = {**API, "images": ["nginx"], **change}
    status, answer = await pipeline.ask("POST", PATH, json=body)

    assert (status, said in answer["error"]) == (400, True)
    assert len(await used(deps)) == 1


async def test_strangers_declare_nothing_and_are_slowed_down(pipeline: Machine) -> None:
    """Whoever has a good token is still heard."""
    headers = {"Authorization": f"Bearer {new_token().reveal()}"}
    answers = [
        (await pipeline.client.post(PATH, json=API, headers=headers)).status
        for _ in range(PER_ADDRESS + 1)
    ]

    assert (answers[0], answers[-1]) == (401, 429)


async def test_a_body_that_is_no_json_is_refused(pipeline: Machine) -> None:
    """In a sentence."""
    for method in ("POST", "DELETE"):
        status, said = await pipeline.ask(method, PATH, data=b"[")
        assert (status, bool(said["error"])) == (400, True)
