"""Machines that sign in over HTTP with the token of a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.core.cluster import ClusterView
from bot.usecases.deps import Deps
from bot.usecases.issuing import Issued
from bot.web.application import web_application
from bot.web.bearer import PER_ADDRESS, PER_CLUSTER, Bearer
from bot.web.tries import Tries
from tests.factories import clock_of, cluster, deps_on

Client = TestClient[Any, Any]
NOBODY = "0" * 32


@pytest.fixture
async def deps(sqlite_url: str) -> AsyncIterator[Deps]:
    made = deps_on(sqlite_url)
    yield made
    await made.store.close()


@pytest.fixture
async def issued(deps: Deps) -> Issued:
    return await cluster(deps)


@pytest.fixture
async def client(deps: Deps) -> AsyncIterator[Client]:
    """The web application with one route for clusters, which tells who signed in."""

    async def tell(_request: web.Request, who: ClusterView) -> web.Response:
        return web.json_response({"cluster": who.name})

    async def ready() -> dict[str, bool]:
        return {}

    route = web.get("/api/v1/clusters/{cluster}", Bearer(deps).for_cluster(tell))
    application = web_application(app=None, ready=ready, clock=deps.clock, routes=[route])
    async with TestClient(TestServer(application)) as client:
        yield client


async def _ask(client: Client, cluster_id: str, header: str | None) -> tuple[int, Any, Any]:
    headers = {} if header is None else {"Authorization": header}
    answer = await client.get(f"/api/v1/clusters/{cluster_id}", headers=headers)
    return answer.status, await answer.json(), answer.headers


async def test_a_cluster_is_heard_with_its_token(client: Client, issued: Issued) -> None:
    """However the scheme is written."""
    for scheme in ("Bearer", "bearer", "BEARER "):
        answer = await _ask(client, issued.cluster.id, f"{scheme} {issued.token.reveal()}")
        assert answer[:2] == (200, {"cluster": "prod-eu"})


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token abc", "Bearer\tx"]
)
async def test_who_does_not_sign_in_is_told_how(
    client: Client, issued: Issued, header: str | None
) -> None:
    """In JSON, with a sentence."""
    status, said, headers = await _ask(client, issued.cluster.id, header)

    assert status == 401
    assert "Authorization: Bearer" in said["error"]
    assert headers["WWW-Authenticate"] == "Bearer"


async def test_a_wrong_token_and_an_unknown_cluster_get_the_same_answer(
    client: Client, issued: Issued
) -> None:
    """Same status, words and headers; also for what could never be a token."""
    good = issued.token.reveal()
    tries = [
        (issued.cluster.id, f"Bearer {good[:-1]}"),
        (issued.cluster.id, "Bearer \u00ff\u20ac"),
        (issued.cluster.id, f"Bearer {good} {good}"),
        (NOBODY, f"Bearer {good}"),
        ("%00%ff", f"Bearer {good}"),
        ("..%2f..", f"Bearer {good}"),
    ]
    seen = {
        (status, str(said), tuple(name for name in headers if name != "Date"))
        for status, said, headers in [await _ask(client, *one) for one in tries]
    }

    assert len(seen) == 1
    assert next(iter(seen))[0] == 401


async def test_who_fails_too_often_waits(deps: Deps, client: Client, issued: Issued) -> None:
    """An address is not heard any more, and heard again later."""
    wrong = ("1" * 32, f"Bearer {issued.token.reveal()}")
    statuses = [(await _ask(client, *wrong))[0] for _ in range(PER_ADDRESS + 3)]

    assert statuses == [401] * PER_ADDRESS + [429] * 3
    status, said, headers = await _ask(client, issued.cluster.id, wrong[1])
    assert (status, headers["Retry-After"]) == (429, "3")
    assert "Wait 3 s" in said["error"]
    clock_of(deps).skip(timedelta(seconds=3))
    assert (await _ask(client, issued.cluster.id, wrong[1]))[0] == 200


async def test_strangers_do_not_shut_out_a_cluster_that_was_heard(
    client: Client, issued: Issued
) -> None:
    """They may come from the same address, such as that of a proxy."""
    good = f"Bearer {issued.token.reveal()}"
    await _ask(client, issued.cluster.id, good)
    for _ in range(PER_ADDRESS + 1):
        await _ask(client, issued.cluster.id, "Bearer wrong")

    assert (await _ask(client, issued.cluster.id, "Bearer wrong"))[0] == 429
    assert (await _ask(client, issued.cluster.id, good))[0] == 200


async def test_a_database_that_is_away_is_told_as_such(
    deps: Deps, client: Client, issued: Issued, sqlite_url: str
) -> None:
    """Not as a wrong token, and it counts as no failure."""
    path = sqlite_url.removeprefix("sqlite:///")
    await deps.store.close()
    with open(path, "r+b") as file:  # noqa: ASYNC230, PTH123
        file.write(b"not a database, but long enough to be looked at")

    for _ in range(PER_ADDRESS + 1):
        status, said, _ = await _ask(client, issued.cluster.id, f"Bearer {issued.token.reveal()}")
        assert status == 503
        assert "database" in said["error"]


def test_failures_are_forgotten_evenly_and_in_bounded_memory(deps: Deps) -> None:
    """A flood of made-up keys does not grow it."""
    clock = clock_of(deps)
    tries = Tries(clock, most=PER_CLUSTER, keys=3)
    for _ in range(PER_CLUSTER):
        assert tries.wait("a") == 0
        tries.failed("a")
    assert tries.wait("a") == 2
    clock.skip(timedelta(seconds=1.5))
    assert tries.wait("a") == 0

    for key in "bcde":
        tries.failed(key)
    assert len(tries._failed) == 3
    assert tries.wait("a") == 0
