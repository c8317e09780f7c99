"""What a cluster pulls with, as External Secrets asks for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlmodel import col, select

from bot.core.check import Cause
from bot.core.cluster import NamespaceRule, written_namespaces
from bot.core.registry import Environment
from bot.store import clusters as rows
from bot.store.schema import AuditEvent
from bot.usecases.cluster_pull import COVERS_NOTHING
from bot.usecases.deps import Deps
from bot.usecases.issuing import Issued
from bot.usecases.minting import Mint
from bot.usecases.pull_secrets import REFUSED
from bot.web.application import web_application
from bot.web.bearer import Bearer
from bot.web.pull_secret import PER_CLUSTER, pull_secret_routes
from tests.factories import (
    add,
    checker_of,
    clock_of,
    cluster,
    deps_on,
    generic,
    proven,
    refused,
    stored,
)
from tests.kubelet import Keyring, Pair
from tests.usecases.mints import AWAY, HOUR, Provider, ecr

Client = TestClient[Any, Any]


@pytest.fixture
def provider(deps: Deps) -> Provider:
    return Provider(deps)


@pytest.fixture
async def issued(deps: Deps) -> Issued:
    """A production cluster, of which one namespace is for staging."""
    made = await cluster(deps, environment="production")
    rule = {"play": NamespaceRule(environment=Environment.STAGING)}
    async with deps.store.transaction() as session:
        values = {"namespaces_json": written_namespaces(rule)}
        await rows.change(session, made.cluster.id, values)
    return made


@pytest.fixture
async def client(deps: Deps, provider: Provider) -> AsyncIterator[Client]:
    async def ready() -> dict[str, bool]:
        return {}

    routes = pull_secret_routes(deps, Mint(deps, provider), Bearer(deps))
    application = web_application(app=None, ready=ready, clock=deps.clock, routes=routes)
    async with TestClient(TestServer(application)) as client:
        yield client


async def ask(
    client: Client, issued: Issued, query: str = "namespace=web", **headers: str
) -> tuple[int, Any, Any]:
    """Status, body and headers."""
    path = f"/api/v1/clusters/{issued.cluster.id}/pull-secret?{query}"
    sent = {"Authorization": f"Bearer {issued.token.reveal()}", **headers}
    answer = await client.get(path, headers=sent)
    text = await answer.text()
    return answer.status, json.loads(text) if text else None, answer.headers


def logins(body: Any, image: str) -> list[Pair]:
    return Keyring(body["dockerconfigjson"]).lookup(image)


async def events(deps: Deps) -> list[dict[str, str]]:
    async with deps.store.reading() as session:
        wanted = select(AuditEvent).where(col(AuditEvent.action) == "pull_secret_given")
        found = (await session.exec(wanted.order_by(col(AuditEvent.id)))).all()
    return [json.loads(one.details_json) for one in found]


async def test_a_namespace_gets_what_its_environment_may_use(
    deps: Deps, client: Client, issued: Issued
) -> None:
    """Its own registries and those for any; a namespace may have another environment."""
    for name, environment in (("p", "production"), ("s", "staging"), ("a", "any")):
        await add(
            deps, answers=generic(name, environment=environment, password=f"the-password-{name}")
        )

    _, web, headers = await ask(client, issued)
    _, play, _ = await ask(client, issued, "namespace=play")

    assert (web["namespace"], web["environment"], web["expires_at"]) == ("web", "production", None)
    assert set(web["good_until"]) == {"p", "a"}
    assert set(play["good_until"]) == {"s", "a"}
    assert logins(web, "p.example.com/team/app") == [Pair("ci", "the-password-p")]
    assert logins(web, "s.example.com/team/app") == []
    assert headers["Cache-Control"] == "no-store"


async def test_short_lived_logins_are_in_it_with_their_end(
    deps: Deps, client: Client, issued: Issued
) -> None:
    """And the clock renews them from now on, because a cluster asked."""
    await add(deps, answers=ecr())
    await add(deps, answers=generic())

    _, body, _ = await ask(client, issued)

    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1"
    assert logins(body, image) == [Pair("AWS", "minted-password-1")]
    assert body["expires_at"] == body["good_until"]["ecr"] == "2026-11-25T02:02:00+00:00"
    assert body["good_until"]["harbor-team"] is None
    clock_of(deps).skip(6 * HOUR)
    assert await Mint(deps, Provider(deps)).tick() == 1


async def test_a_provider_that_is_away_breaks_no_other(
    deps: Deps, client: Client, issued: Issued, provider: Provider
) -> None:
    """Its last login stays while it is good; after that it is left out with the reason."""
    await add(deps, answers=ecr())
    await add(deps, answers=generic(password="the-password-of-harbor"))
    await ask(client, issued)
    provider.away = True

    clock_of(deps).skip(11 * HOUR)
    _, body, _ = await ask(client, issued)
    assert set(body["good_until"]) == {"ecr", "harbor-team"}

    clock_of(deps).skip(HOUR)
    status, body, _ = await ask(client, issued)
    assert status == 200
    assert body["left_out"] == [{"registry": "ecr", "reason": AWAY}]
    assert logins(body, "harbor-team.example.com/a") == [Pair("ci", "the-password-of-harbor")]


async def test_nothing_to_give_is_no_empty_secret(
    deps: Deps, client: Client, issued: Issued, provider: Provider
) -> None:
    """It would take from the cluster what it has; 503 leaves that there."""
    await add(deps, answers=ecr())
    provider.away = True

    status, body, headers = await ask(client, issued)

    assert status == 503
    assert AWAY in body["error"]
    assert headers["Retry-After"] == "60"


async def test_a_workspace_without_registries_has_an_empty_secret(
    client: Client, issued: Issued
) -> None:
    """It is a valid one."""
    status, body, _ = await ask(client, issued)

    assert status == 200
    assert json.loads(body["dockerconfigjson"]) == {"auths": {}}


async def test_a_refused_credential_is_left_out_with_the_reason(
    deps: Deps, client: Client, issued: Issued
) -> None:
    """As is a registry that covers no image."""
    checker_of(deps).answers[:] = [refused(cause=Cause.EXPIRED)]
    await stored(deps, answers=generic("bad"))
    checker_of(deps).answers[:] = [proven()]
    await add(deps, answers=generic("hub", url="https://quay.io"))
    await add(deps, answers=generic("good"))

    _, body, _ = await ask(client, issued)

    assert set(body["good_until"]) == {"good"}
    assert body["left_out"] == [
        {"registry": "bad", "reason": REFUSED},
        {"registry": "hub", "reason": COVERS_NOTHING},
    ]


async def test_who_has_it_already_is_told_so(deps: Deps, client: Client, issued: Issued) -> None:
    """By ETag; a change makes another one, and the tag tells nothing of the passwords."""
    await add(deps)
    _, _, headers = await ask(client, issued)
    tag = headers["ETag"]

    status, body, again = await ask(client, issued, **{"If-None-Match": f'W/"x", {tag}'})
    assert (status, body, again["ETag"], again["Cache-Control"]) == (304, None, tag, "no-store")

    await add(deps, answers=generic("second"))
    status, _, headers = await ask(client, issued, **{"If-None-Match": tag})
    assert status == 200
    assert headers["ETag"] != tag


@pytest.mark.parametrize(
    "query",
    ["", "namespace=", "namespace=Web", "namespace=a.b", "namespace=a&namespace=b", "namespace=-a",
     "namespace=" + "a" * 64, "namespace=a%0Ab", "namespace=%00", "namespace=web/../x"],
)  # fmt: skip
async def test_an_odd_namespace_is_refused(client: Client, issued: Issued, query: str) -> None:
    """With a sentence, before anything is read."""
    status, body, _ = await ask(client, issued, query)

    assert status == 400
    assert "?namespace=NAME" in body["error"]


async def test_a_wrong_token_is_never_answered_with_404(
    deps: Deps, client: Client, issued: Issued
) -> None:
    """External Secrets would take that for a deleted secret; another cluster's token is wrong, too."""
    other = await cluster(deps, "other")
    crossed = Issued(issued.cluster, other.token)
    unknown = Issued(
        other.cluster.__class__("0" * 32, "T1", "x", Environment.ANY, issued.cluster.mode),
        issued.token,
    )

    answers = [await ask(client, one) for one in (crossed, unknown)]

    assert [status for status, _, _ in answers] == [401, 401]
    assert answers[0][1] == answers[1][1]


async def test_it_is_audited_without_flooding(deps: Deps, client: Client, issued: Issued) -> None:
    """Once an hour for each environment, and when what is given changes; never with a login."""
    await add(deps)
    for namespace in ("web", "api", "web", "play"):
        await ask(client, issued, f"namespace={namespace}")
    assert [(one["namespace"], one["environment"]) for one in await events(deps)] == [
        ("web", "production"),
        ("play", "staging"),
    ]

    await add(deps, answers=generic("second"))
    await ask(client, issued)
    clock_of(deps).skip(timedelta(minutes=61))
    await ask(client, issued)

    found = await events(deps)
    assert [one["registries"] for one in found[2:]] == ["harbor-team, second"] * 2
    assert found[0]["cluster"] == "prod-eu"
    assert "correct horse" not in json.dumps(found)


async def test_a_cluster_that_asks_too_often_waits(
    client: Client, issued: Issued, deps: Deps
) -> None:
    """It alone."""
    other = await cluster(deps, "other")
    for _ in range(PER_CLUSTER):
        await ask(client, issued)

    status, body, headers = await ask(client, issued)
    assert (status, headers["Retry-After"]) == (429, "1")
    assert "too often" in body["error"]
    assert (await ask(client, other))[0] == 200


async def test_many_that_ask_at_once_get_one_answer(
    deps: Deps, client: Client, issued: Issued, provider: Provider
) -> None:
    """It is made once; who hangs up takes it from nobody, and the next one is made anew."""
    await add(deps, answers=ecr())
    asking = [asyncio.create_task(ask(client, issued, f"namespace=n{n}")) for n in range(8)]
    await asyncio.sleep(0)
    asking[0].cancel()
    answers = await asyncio.gather(*asking, return_exceptions=True)

    good = [one for one in answers if not isinstance(one, BaseException)]
    assert len(good) == 7
    assert {status for status, _, _ in good} == {200}
    assert len({headers["ETag"] for _, _, headers in good}) == 1
    assert [body["namespace"] for _, body, _ in good] == [f"n{n}" for n in range(1, 8)]
    assert provider.given == 1
    await add(deps, answers=generic())
    assert set((await ask(client, issued))[1]["good_until"]) == {"ecr", "harbor-team"}


async def test_without_the_database_there_is_nothing_to_give(
    deps: Deps, client: Client, issued: Issued, sqlite_url: str
) -> None:
    """No secret is kept in memory: 503 with a sentence, and the cluster keeps what it has."""
    await add(deps)
    await ask(client, issued)
    await deps.store.close()
    deps.store.engine = deps_on(sqlite_url.replace(".sqlite3", "/nowhere/x.sqlite3")).store.engine
    deps.store._reading = deps.store.engine

    status, body, _ = await ask(client, issued)

    assert status == 503
    assert "database" in body["error"]
