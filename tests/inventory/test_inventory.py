"""`registrar inventory`: the whole of a cluster, or nothing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.secret import Secret
from bot.errors import InventoryFailed
from bot.inventory.look import PAGE, POLICY_HASH, RESTARTS, TRIES, Cluster, Seen
from bot.inventory.send import PAGE_WORKLOADS, Registrar, Summary
from bot.terminal_inventory import line_of, token_from
from bot.usecases import uses
from bot.usecases.deps import Deps
from bot.web.bearer import Bearer
from bot.web.inventory import inventory_routes
from tests.factories import ALICE, add, deps_on, generic
from tests.inventory.api_server import ApiServer, obj, owned_by, pod_spec, serving, template
from tests.web.machines import Machine, machine


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
async def cluster(server: ApiServer, waits: list[float]) -> AsyncIterator[Cluster]:
    async with serving(server, waits) as made:
        yield made


async def workloads(cluster: Cluster) -> dict[str, list[str]]:
    return {"/".join(one): images for one, images in (await cluster.look()).workloads.items()}


async def test_pods_are_told_as_what_people_deployed(server: ApiServer, cluster: Cluster) -> None:
    """Up to the highest controller, with the images that differ from its template."""
    deployment = obj("api", spec=template("quay.io/acme/api:2"))
    new = obj(
        "api-2", owner=owned_by("Deployment", deployment), spec=template("quay.io/acme/api:2")
    )
    old = obj(
        "api-1",
        owner=owned_by("Deployment", deployment),
        spec=template("quay.io/acme/api:1", replicas=0),
    )
    debug = {**pod_spec("quay.io/acme/api:2"), "ephemeralContainers": [{"image": "busybox"}]}
    server.lists = {
        "deployments": [deployment],
        "replicasets": [old, new],
        "pods": [obj("api-2-x", owner=owned_by("ReplicaSet", new), spec=debug)],
    }

    assert await workloads(cluster) == {"web/Deployment/api": ["busybox", "quay.io/acme/api:2"]}


async def test_what_only_rests_counts(server: ApiServer, cluster: Cluster) -> None:
    """Scaled to zero, suspended, or mounted; what has ended does not."""
    nightly = obj("nightly", spec={"suspend": True, "jobTemplate": {"spec": template("cron:1")}})
    ended = {"conditions": [{"type": "Complete", "status": "True"}]}
    volume = {"name": "data", "image": {"reference": "quay.io/acme/data:1"}}
    server.lists = {
        "deployments": [obj("idle", spec=template("idle:1", replicas=0))],
        "cronjobs": [nightly],
        "jobs": [
            obj("nightly-1", owner=owned_by("CronJob", nightly), spec=template("cron:0")),
            obj("once", spec=template("once:1"), status=ended),
        ],
        "pods": [
            obj("done", spec=pod_spec("done:1"), status={"phase": "Succeeded"}),
            obj("bare", spec={**pod_spec("bare:1"), "volumes": [volume]}),
        ],
    }

    assert await workloads(cluster) == {
        "web/CronJob/nightly": ["cron:0", "cron:1"],
        "web/Deployment/idle": ["idle:1"],
        "web/Pod/bare": ["bare:1", "quay.io/acme/data:1"],
    }


async def test_owners_of_kinds_that_nobody_lists(server: ApiServer, cluster: Cluster) -> None:
    """A rollout is known by name; a static pod belongs to itself, not to its node."""
    rollout, node = obj("shop"), obj("node1", "")
    replicas = obj("shop-1", owner=owned_by("Rollout", rollout), spec=template("shop:1"))
    server.lists = {
        "replicasets": [replicas],
        "pods": [
            obj("shop-1-x", owner=owned_by("ReplicaSet", replicas), spec=pod_spec("shop:1")),
            obj("etcd", "kube-system", owned_by("Node", node), spec=pod_spec("etcd:3")),
        ],
    }

    assert await workloads(cluster) == {
        "kube-system/Pod/etcd": ["etcd:3"],
        "web/Rollout/shop": ["shop:1"],
    }


@pytest.mark.parametrize("forgotten", [0, 1, RESTARTS])
async def test_long_lists_are_read_in_pages_also_when_the_server_forgets(
    server: ApiServer, cluster: Cluster, forgotten: int
) -> None:
    """After a few 410s the list is read in one answer, which cannot grow old."""
    many = 2 * PAGE + 1
    server.lists["pods"] = [obj(f"p{n:04}", spec=pod_spec(f"app:{n}")) for n in range(many)]
    server.forget["pods"] = forgotten

    assert len(await workloads(cluster)) == many
    assert server.tokens == {"Bearer service-account"}


@pytest.mark.parametrize(
    ("status", "said"),
    [(403, "may not list cronjobs"), (401, "does not accept the token"), (404, "HTTP 404")],
)
async def test_one_kind_that_cannot_be_listed_fails_it_all(
    server: ApiServer, cluster: Cluster, status: int, said: str
) -> None:
    """Half a list would look as if the rest were gone."""
    server.lists["pods"] = [obj("bare", spec=pod_spec("bare:1"))]
    server.refuse["cronjobs"] = status

    with pytest.raises(InventoryFailed, match=said):
        await cluster.look()


async def test_what_passes_is_waited_for(
    server: ApiServer, cluster: Cluster, waits: list[float]
) -> None:
    """As long as the server asks."""
    server.lists["pods"] = [obj("bare", spec=pod_spec("bare:1"))]
    server.fail["pods"] = [500, 429, 503]

    assert await workloads(cluster) == {"web/Pod/bare": ["bare:1"]}
    assert waits == [7.0, 7.0, 7.0]


async def test_what_does_not_pass_fails_it(
    server: ApiServer, cluster: Cluster, waits: list[float]
) -> None:
    """After some patience."""
    server.refuse["pods"] = 500

    with pytest.raises(InventoryFailed, match="HTTP 500"):
        await cluster.look()
    assert (server.asked["pods"], waits) == (TRIES, [1.0, 2.0, 4.0, 8.0, 16.0])


@pytest.mark.parametrize(
    ("policies", "refused", "found"),
    [
        ([], 0, ""),
        ([obj("registrar", "") | {"metadata": {"annotations": {POLICY_HASH: "abc"}}}], 0, "abc"),
        ([], 403, None),
    ],
)
async def test_the_policy_is_looked_at_if_that_is_allowed(
    server: ApiServer, cluster: Cluster, policies: list[Any], refused: int, found: str | None
) -> None:
    """An old cluster has no such kind; that is no reason to fail."""
    server.lists["validatingadmissionpolicies"] = policies
    if refused:
        server.refuse["validatingadmissionpolicies"] = refused

    assert (await cluster.look()).policy_hash == found


@pytest.fixture
async def agent(sqlite_url: str) -> AsyncIterator[tuple[Deps, Machine]]:
    """Registrar itself, over HTTP."""
    deps = deps_on(sqlite_url)
    async with machine(deps, inventory_routes(deps, Bearer(deps))) as made:
        await add(deps, answers=generic("quay", url="https://quay.io", path_scope="acme"))
        yield deps, made
    await deps.store.close()


def told(made: Machine, token: Secret | None = None) -> Registrar:
    url = str(made.client.make_url("/"))

    async def no_wait(_seconds: float) -> None:
        return None

    return Registrar(url, made.issued.cluster.id, token or made.issued.token, no_wait)


async def test_an_inventory_of_many_pages_arrives(agent: tuple[Deps, Machine]) -> None:
    """And is summed up in one line."""
    deps, made = agent
    registrar = told(made)
    await registrar.begin()
    many = {
        ("web", "Pod", f"p{n:04}"): [f"quay.io/acme/app:{n}", "nginx", "x" * 9999]
        for n in range(PAGE_WORKLOADS + 1)
    }
    summary = await registrar.send(Seen(many, "abc"))

    count = PAGE_WORKLOADS + 1
    assert summary == Summary(count, count + 1, 1, count)
    assert line_of(summary) == (
        f"inventory sent: {count} workloads, {count + 1} images, "
        f"1 of no registered registry, {count} that cannot be read"
    )
    assert len((await uses.of_registry(deps, ALICE, "quay")).uses) == count


async def test_an_empty_cluster_is_an_inventory_too(agent: tuple[Deps, Machine]) -> None:
    """Nothing runs: that is worth knowing."""
    registrar = told(agent[1])
    await registrar.begin()

    assert await registrar.send(Seen({}, "")) == Summary(0, 0, 0, 0)


async def test_a_wrong_token_is_told_in_a_sentence(agent: tuple[Deps, Machine]) -> None:
    """Registrar's own."""
    with pytest.raises(InventoryFailed, match="Registrar refused it: No cluster has this id"):
        await told(agent[1], Secret("wrong-token-of-somebody")).begin()


@pytest.mark.parametrize(
    "url", ["http://registrar.example.com", "registrar.example.com", "ftp://x"]
)
def test_the_token_does_not_travel_in_the_open(url: str) -> None:
    """Only on this machine."""
    with pytest.raises(InventoryFailed, match="https"):
        Registrar(url, "0" * 32, Secret("a-token-of-a-cluster"))


def test_the_token_comes_from_the_environment_or_a_file(tmp_path: Any) -> None:
    """Never from the arguments, which everybody on the machine sees."""
    file = tmp_path / "token"
    file.write_text("rgct_from-a-file\n")

    assert token_from({"REGISTRAR_TOKEN": "rgct_plain-text"}) == Secret("rgct_plain-text")
    assert token_from({"REGISTRAR_TOKEN_FILE": str(file)}) == Secret("rgct_from-a-file")
    with pytest.raises(InventoryFailed, match="cannot be read"):
        token_from({"REGISTRAR_TOKEN_FILE": str(tmp_path / "none")})
    with pytest.raises(InventoryFailed, match="Set REGISTRAR_TOKEN"):
        token_from({})
