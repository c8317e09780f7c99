"""The webhook over HTTP: whatever is sent, the answer is 200 and one that an API server accepts."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.cluster import ClusterView
from bot.jobs.metrics import Metrics
from bot.usecases import clusters
from bot.usecases.deps import Deps
from bot.web.admission import BURST, PER_SECOND
from bot.web.application import web_application
from bot.web.gatehouse import Gatehouse
from tests.admission.reviews import UID, asked, pod
from tests.databases import take_away
from tests.factories import ALICE, add, clock_of, cluster, deps_on

Client = TestClient[Any, Any]
OURS = "harbor-team.example.com/app:1"
FOREIGN = "evil.example/x:1"
JSON = {"Content-Type": "application/json"}
MEGABYTE = 1024 * 1024


@pytest.fixture
async def deps(sqlite_url: str) -> AsyncIterator[Deps]:
    made = deps_on(sqlite_url)
    yield made
    await made.store.close()


@pytest.fixture
async def strict(deps: Deps) -> ClusterView:
    """A cluster that enforces, of a workspace with one registry."""
    await add(deps)
    return (await cluster(deps, mode="enforce")).cluster


@pytest.fixture
async def lax(deps: Deps) -> ClusterView:
    """Another one, that only looks."""
    return (await cluster(deps, "lab")).cluster


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def gatehouse(
    deps: Deps, strict: ClusterView, lax: ClusterView, metrics: Metrics
) -> AsyncIterator[Gatehouse]:
    made = Gatehouse(deps, "/registry", metrics)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def client(deps: Deps, gatehouse: Gatehouse, metrics: Metrics) -> AsyncIterator[Client]:
    async def ready() -> dict[str, bool]:
        return {"rules": gatehouse.in_order()}

    application = web_application(
        app=None,
        ready=ready,
        clock=deps.clock,
        metrics=lambda: metrics.page(deps),
        routes=gatehouse.routes(),
    )
    async with TestClient(TestServer(application)) as client:
        yield client


async def ask(client: Client, cluster_id: str, body: object, **changes: Any) -> dict[str, Any]:
    """The response to a body, which is sent as JSON unless it is bytes."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    arguments: dict[str, Any] = {"data": io.BytesIO(sent), "headers": JSON, **changes}
    answer = await client.post(f"/admission/{cluster_id}?timeout=3s", **arguments)
    assert answer.status == 200
    assert answer.content_type == "application/json"
    reply = await answer.json()
    assert set(reply) == {"apiVersion", "kind", "response"}
    response: dict[str, Any] = reply["response"]
    assert isinstance(response["uid"], str)
    assert response["allowed"] in (True, False)
    if not response["allowed"]:
        assert response["status"]["code"] == 403
    return response


async def test_a_cluster_is_answered(client: Client, strict: ClusterView) -> None:
    """Yes to an image of a registered registry, and no to another one."""
    assert await ask(client, strict.id, asked(pod(OURS))) == {"uid": UID, "allowed": True}

    refused = await ask(client, strict.id, asked(pod(FOREIGN)))
    assert "evil.example/x is in no registered registry" in refused["status"]["message"]
    assert refused["uid"] == UID


SENT = [
    b"",
    b"{",
    b"null",
    b"\xff\xfe\x00",
    b"\xc3\x28",
    b'{"request": {"uid": "\xff"}}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"1" * 10_000,
    b'{"request": NaN}',
    b"<AdmissionReview/>",
    b"\x00" * 1000,
    json.dumps({"request": {"uid": UID, "object": {}}}).encode(),
]


@pytest.mark.parametrize("body", SENT)
async def test_what_is_no_review_is_denied_where_refusals_are_enforced(
    client: Client, strict: ClusterView, lax: ClusterView, body: bytes
) -> None:
    """And lets pass what a cluster that only looks could not judge."""
    refused = await ask(client, strict.id, body)

    assert refused["allowed"] is False
    assert refused["status"]["message"].startswith("Registrar could not judge this: ")
    assert (await ask(client, lax.id, body))["allowed"] is True


async def test_the_uid_of_a_damaged_review_comes_back(client: Client, strict: ClusterView) -> None:
    """Otherwise the API server takes the denial for a failure, and may let the object in."""
    cut = json.dumps(asked(pod(OURS))).encode()[:-10]
    assert (await ask(client, strict.id, cut))["uid"] == UID


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain; charset=utf-16"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "\\"},
        {"Expect": "the impossible"},
        {"Expect": "100-continue"},
        {"Accept": "text/html"},
    ],
)
async def test_headers_do_not_matter(
    client: Client, strict: ClusterView, headers: dict[str, str]
) -> None:
    """The body is what is judged."""
    allowed = await ask(client, strict.id, asked(pod(OURS)), headers=headers, expect100=False)
    assert allowed == {"uid": UID, "allowed": True}


async def test_compression_is_undone_within_the_limit(client: Client, strict: ClusterView) -> None:
    """Also where a small body would become a huge one, or is none."""
    zipped = {"Content-Encoding": "gzip"}
    good = gzip.compress(json.dumps(asked(pod(OURS))).encode())
    bomb = gzip.compress(b" " * 50 * MEGABYTE)

    assert (await ask(client, strict.id, good, headers=zipped))["allowed"] is True
    assert (await ask(client, strict.id, bomb, headers=zipped))["allowed"] is False
    assert (await ask(client, strict.id, b"no gzip", headers=zipped))["allowed"] is False


async def test_a_review_of_six_megabytes_is_judged(client: Client, strict: ClusterView) -> None:
    """An object and its old self, each as large as an API server takes; beyond 8 MB none is read."""
    large = pod(OURS, annotations={"a": "x" * 3 * MEGABYTE})
    bad = pod(OURS, FOREIGN, annotations={"a": "x" * 3 * MEGABYTE})
    assert (await ask(client, strict.id, asked(large, large)))["allowed"] is True
    refused = await ask(client, strict.id, asked(bad, large))
    assert FOREIGN in refused["status"]["message"]

    body = json.dumps(asked(pod("x" * 9 * MEGABYTE))).encode()
    refused = await ask(client, strict.id, body)
    assert (refused["allowed"], refused["uid"]) == (False, UID)
    assert "larger than 8 MB" in refused["status"]["message"]


async def test_ten_thousand_images_are_judged(client: Client, strict: ClusterView) -> None:
    """The last of them as well."""
    many = [f"harbor-team.example.com/app{number}" for number in range(10_000)]
    assert (await ask(client, strict.id, asked(pod(*many))))["allowed"] is True
    assert (await ask(client, strict.id, asked(pod(*many, FOREIGN))))["allowed"] is False


async def test_a_cluster_that_is_not_there_is_denied(
    client: Client, deps: Deps, strict: ClusterView
) -> None:
    """In the same words whether there was one or not, and without reading what it sends."""
    await clusters.delete(deps, ALICE, strict.name, strict.name)
    await asyncio.sleep(1.5)
    answers = [
        await ask(client, cluster_id, asked(pod(OURS)))
        for cluster_id in (strict.id, "0" * 32, "x", "a/b", "", "\N{SNOWMAN}")
    ]

    assert answers == [answers[0]] * len(answers)
    assert answers[0]["allowed"] is False
    assert answers[0]["uid"] == UID
    assert "no cluster at this address" in answers[0]["status"]["message"]


async def test_who_asks_too_often_is_answered_all_the_same(
    client: Client, deps: Deps, strict: ClusterView, lax: ClusterView, gatehouse: Gatehouse
) -> None:
    """With a no where refusals are enforced, for that cluster and that address alone."""
    pace = gatehouse._admission._pace
    pace.spend(BURST + PER_SECOND, strict.id, "127.0.0.1")
    limited = await ask(client, strict.id, asked(pod(OURS)))
    assert "Too many requests" in limited["status"]["message"]
    assert limited["uid"] == UID
    assert (await ask(client, lax.id, asked(pod(OURS))))["allowed"] is True

    clock_of(deps).skip(timedelta(seconds=2))
    assert (await ask(client, strict.id, asked(pod(OURS))))["allowed"] is True


async def test_a_fault_of_ours_is_no_silent_yes(
    client: Client, strict: ClusterView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An HTTP 500 would let the object in where the webhook is to be ignored when it fails."""

    def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bot.web.admission.review", crash)
    refused = await ask(client, strict.id, asked(pod(OURS)))

    assert "Registrar has a fault" in refused["status"]["message"]


async def test_a_change_is_in_force_within_two_seconds(
    client: Client, deps: Deps, strict: ClusterView
) -> None:
    """Nobody restarts anything."""
    assert (await ask(client, strict.id, asked(pod(FOREIGN))))["allowed"] is False
    await clusters.set_mode(deps, ALICE, strict.name, "warn")
    await asyncio.sleep(2)
    assert (await ask(client, strict.id, asked(pod(FOREIGN))))["allowed"] is True


async def test_verdicts_do_not_change_while_the_database_is_away(
    client: Client, deps: Deps, strict: ClusterView, sqlite_url: str
) -> None:
    """`/readyz/admission` stays ready, and says how old the rules are."""
    bodies = [asked(pod(OURS)), asked(pod(FOREIGN)), asked(pod("a b")), {}]
    before = [await ask(client, strict.id, body) for body in bodies]
    await deps.store.close()
    take_away(sqlite_url)
    await asyncio.sleep(1.2)
    ready = await client.get("/readyz/admission")

    assert [await ask(client, strict.id, body) for body in bodies] == before
    assert ready.status == 200
    assert (await ready.json())["rules_age_seconds"] >= 1


async def test_reviews_are_counted_by_how_they_ended(
    client: Client, strict: ClusterView, lax: ClusterView
) -> None:
    """With the age of the rules; without names."""
    for body in (asked(pod(OURS)), asked(pod(FOREIGN)), {}):
        await ask(client, strict.id, body)
    await ask(client, lax.id, asked(pod(FOREIGN)))
    await ask(client, "x", {})
    page = await (await client.get("/metrics")).text()

    for outcome in ("allowed", "denied", "unreadable", "audited", "unknown_cluster"):
        assert f'registrar_admission_reviews_total{{outcome="{outcome}"}} 1.0' in page
    assert "registrar_admission_rules_age_seconds 0." in page
    assert "registrar_sightings_waiting 2.0" in page
    assert strict.id not in page


async def test_what_was_seen_is_written_when_the_process_ends(
    client: Client, deps: Deps, strict: ClusterView, gatehouse: Gatehouse
) -> None:
    """But nothing of a dry run."""
    await ask(client, strict.id, asked(pod(OURS)))
    await ask(client, strict.id, asked(pod("dry.example/run"), dryRun=True))
    await gatehouse.stop()

    from bot.store import uses

    async with deps.store.reading() as session:
        kept = await uses.in_force(session, ALICE.team_id)
    assert [(one.source, one.place, one.image) for one in kept] == [
        ("sighted", "web/Pod/web-1", OURS)
    ]


async def test_the_reply_comes_in_one_piece(client: Client, strict: ClusterView) -> None:
    """Headers and body sent apart wait for each other 40 ms: Nagle and the delayed ACK."""
    body = json.dumps(asked(pod(OURS))).encode()
    head = f"POST /admission/{strict.id} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(head.encode() + body)
    piece = await reader.read(65536)
    writer.close()

    assert b"200 OK" in piece
    assert json.loads(piece.partition(b"\r\n\r\n")[2])["response"]["allowed"] is True


async def test_replies_are_sent_without_delay(
    gatehouse: Gatehouse, deps: Deps, strict: ClusterView
) -> None:
    """TCP_NODELAY is set on what the server accepts."""
    seen: list[int] = []

    @web.middleware
    async def look(request: web.Request, handler: Any) -> web.StreamResponse:
        assert request.transport is not None
        accepted = request.transport.get_extra_info("socket")
        seen.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        answer: web.StreamResponse = await handler(request)
        return answer

    application = web.Application(middlewares=[look])
    application.router.add_routes(gatehouse.routes())
    async with TestClient(TestServer(application)) as client:
        await ask(client, strict.id, asked(pod(OURS)))

    assert seen[0] != 0


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_random_bytes_are_answered(
    client: Client, strict: ClusterView, data: st.DataObject
) -> None:
    """A piece of a review, damaged anywhere."""
    whole = json.dumps(asked(pod(FOREIGN))).encode()
    at = data.draw(st.integers(0, len(whole)))
    body = whole[:at] + data.draw(st.binary(max_size=20)) + whole[at + 5 :]

    assert (await ask(client, strict.id, body))["allowed"] is False
