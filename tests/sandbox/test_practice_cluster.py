"""The practice cluster against the bot's real webhook and inventory, over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.jobs.metrics import Metrics
from bot.sandbox.cluster.practice_cluster import PracticeCluster
from bot.sandbox.slackd.refusal import Impossible
from bot.usecases import cluster_rotation, clusters, uses
from bot.usecases.deps import Deps
from bot.web.application import web_application
from bot.web.bearer import Bearer
from bot.web.gatehouse import Gatehouse
from bot.web.inventory import inventory_routes
from tests.factories import ALICE, add, clock_of, deps_on

OURS_NAME = "harbor-team"
OURS = "harbor-team.example.com/app:1"
FOREIGN = "quay.io/stranger/tool:1.0"
LOOK_ALIKE = "harbor-team.example.com.evil.example/app:1"
PATIENCE = 10


@pytest.fixture
async def deps(sqlite_url: str) -> AsyncIterator[Deps]:
    made = deps_on(sqlite_url)
    yield made
    await made.store.close()


@pytest.fixture
async def gatehouse(deps: Deps) -> AsyncIterator[Gatehouse]:
    made = Gatehouse(deps, "/registry", Metrics())
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def bot(deps: Deps, gatehouse: Gatehouse) -> AsyncIterator[TestServer]:
    """The bot's own web server, as far as clusters ask it."""

    async def ready() -> dict[str, bool]:
        return {}

    routes: list[web.RouteDef] = [
        *gatehouse.routes(),
        *inventory_routes(deps, Bearer(deps)),
    ]
    application = web_application(app=None, ready=ready, clock=deps.clock, routes=routes)
    server = TestServer(application)
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
def shown() -> asyncio.Event:
    """Set when the page is told to look again."""
    return asyncio.Event()


@pytest.fixture
async def practice(
    bot: TestServer, deps: Deps, shown: asyncio.Event
) -> AsyncIterator[PracticeCluster]:
    """One that runs, beside a registry that is registered."""
    await add(deps)
    made = PracticeCluster(str(bot.make_url("")), deps.clock, tends_every=0.05, again_after=0.2)
    made.attach(deps, ALICE.team_id, shown.set)
    await made.start()
    yield made
    await made.close()


async def _set_mode(deps: Deps, gatehouse: Gatehouse, mode: str) -> None:
    await clusters.set_mode(deps, ALICE, "practice", mode)
    await gatehouse._rules.refresh()


async def _last(practice: PracticeCluster) -> tuple[str, str]:
    """How the last command ended, and what it printed."""
    printed = (await practice.shown())["terminal"][-1]
    return printed["outcome"], "\n".join(printed["lines"])


async def _until(practice: PracticeCluster, **wanted: Any) -> None:
    """Wait until the first workload is so."""
    async with asyncio.timeout(PATIENCE):
        while True:
            workload = (await practice.shown())["workloads"][0]
            if wanted.items() <= workload.items():
                return
            await asyncio.sleep(0.02)


async def test_it_is_a_cluster_like_any_other(practice: PracticeCluster, deps: Deps) -> None:
    """It stands in the bot's list, warns, and one of its namespaces is production."""
    (found,) = await clusters.list_clusters(deps, ALICE)

    assert (found.name, found.mode, found.inventory_at is not None) == ("practice", "warn", True)
    assert (found.environment_of("web"), found.environment_of("tools")) == ("production", "any")
    shown = await practice.shown()
    assert (shown["state"], shown["mode"]) == ("running", "warn")
    assert [one["name"] for one in shown["namespaces"]] == ["web", "tools"]


async def test_kubectl_says_what_the_bot_says(
    practice: PracticeCluster, deps: Deps, gatehouse: Gatehouse
) -> None:
    """Nothing for ours; a warning, then a refusal for a stranger's, which is not kept."""
    await practice.deploy("web", OURS)
    assert await _last(practice) == ("done", "deployment.apps/app created")
    await practice.deploy("web", LOOK_ALIKE)
    outcome, words = await _last(practice)
    assert outcome == "warned"
    assert words.startswith(f"Warning: “{LOOK_ALIKE}” is in no registered registry")

    await _set_mode(deps, gatehouse, "enforce")
    await practice.deploy("web", FOREIGN)
    outcome, words = await _last(practice)
    assert outcome == "refused"
    assert words.startswith(
        'error: failed to create deployment: admission webhook "images.registrar.internal" denied '
        f"the request: “{FOREIGN}” (spec.template.spec.containers[0].image) may not run here"
    )
    assert f"/registry check {FOREIGN}" in words
    assert [one["name"] for one in (await practice.shown())["workloads"]] == ["app", "app-2"]


async def test_what_runs_is_told_at_once(practice: PracticeCluster, deps: Deps) -> None:
    """Each change sends the inventory, so uses come and go on the registry."""
    await practice.deploy("web", OURS)
    await practice.deploy("tools", FOREIGN)
    found = await uses.of_registry(deps, ALICE, OURS_NAME)

    assert [(one.cluster, one.place) for one in found.uses] == [("practice", "web/Deployment/app")]
    assert list((await uses.not_covered(deps, ALICE)).repositories) == ["quay.io/stranger/tool"]
    told = (await practice.shown())["inventory"]
    assert (told["workloads"], told["uncovered"]) == (2, 1)

    clock_of(deps).at += timedelta(minutes=1)
    await practice.delete("web", "app")
    assert (await uses.of_registry(deps, ALICE, OURS_NAME)).uses == ()
    assert await _last(practice) == ("done", 'deployment.apps "app" deleted')


async def test_new_pods_are_asked_about(
    practice: PracticeCluster, deps: Deps, gatehouse: Gatehouse
) -> None:
    """What runs goes on, but gets no more pods once it is refused; and gets them when it may."""
    await practice.deploy("tools", FOREIGN)
    await _set_mode(deps, gatehouse, "enforce")
    await practice.scale("tools", "stranger-tool", 3)
    outcome, words = await _last(practice)

    assert outcome == "refused"
    assert words.startswith("deployment.apps/stranger-tool scaled\nWarning  FailedCreate  replica")
    await _until(practice, running=1, wanted=3)
    await _set_mode(deps, gatehouse, "audit")
    await _until(practice, running=3, trouble="")
    await practice.scale("tools", "stranger-tool", 0)
    await _until(practice, running=0)


async def test_the_inventory_is_sent_again_with_time(
    practice: PracticeCluster, deps: Deps, shown: asyncio.Event
) -> None:
    """As the job in a cluster does every quarter of an hour, so that it does not grow stale."""
    clock_of(deps).at += timedelta(days=3)
    async with asyncio.timeout(PATIENCE):
        await shown.wait()

    (found,) = await clusters.list_clusters(deps, ALICE)
    assert found.inventory_at == deps.clock.now()


async def test_what_the_webhook_noted_late_is_answered(
    practice: PracticeCluster, deps: Deps, gatehouse: Gatehouse, shown: asyncio.Event
) -> None:
    """Deployed and deleted before the bot wrote it down: the next inventory says it is gone."""
    await practice.deploy("web", OURS)
    await practice.delete("web", "app")
    clock_of(deps).at += timedelta(seconds=1)
    await gatehouse._sightings.flush()
    shown.clear()
    async with asyncio.timeout(PATIENCE):
        await shown.wait()

    assert (await uses.of_registry(deps, ALICE, OURS_NAME)).uses == ()


async def test_a_cluster_that_was_deleted_can_begin_anew(
    practice: PracticeCluster, deps: Deps, gatehouse: Gatehouse
) -> None:
    """The bot refuses it, and its token; a new one is empty."""
    await practice.deploy("web", OURS)
    await clusters.delete(deps, ALICE, "practice", "practice")
    await gatehouse._rules.refresh()
    assert (await practice.shown())["state"] == "gone"
    await practice.deploy("web", OURS)
    outcome, words = await _last(practice)
    assert (outcome, "Registrar has no cluster at this address" in words) == ("refused", True)
    assert "No cluster has this id" in (await practice.shown())["inventory"]["trouble"]

    await practice.start()
    shown = await practice.shown()
    assert (shown["state"], shown["workloads"], shown["terminal"]) == ("running", [], [])


async def test_a_revoked_token_is_told_and_replaced(practice: PracticeCluster, deps: Deps) -> None:
    """Its inventory is not taken, until it has another; the webhook needs none."""
    await cluster_rotation.revoke(deps, ALICE, "practice", everything=True)
    await practice.deploy("web", OURS)

    assert (await _last(practice))[0] == "done"
    assert "the token has ended" in (await practice.shown())["inventory"]["trouble"]
    issued = await cluster_rotation.rotate(deps, ALICE, "practice")
    await practice.use_token(f" {issued.token.reveal()}\n")
    assert (await practice.shown())["inventory"]["workloads"] == 1


async def test_what_no_node_can_pull_does_not_run(practice: PracticeCluster) -> None:
    """The server admits it, as a real one does; its pods do not start, and nothing counts it."""
    await practice.deploy("web", "not an image")
    (shown,) = (await practice.shown())["workloads"]

    assert (shown["running"], shown["note"].split(":")[0]) == (0, "InvalidImageName")
    assert (await practice.shown())["terminal"][-1]["command"].endswith("--image='not an image'")
    assert (await practice.shown())["inventory"]["workloads"] == 0


async def test_a_name_that_is_taken_is_not_taken_twice(
    bot: TestServer, deps: Deps, practice: PracticeCluster
) -> None:
    """Where `practice` is somebody's cluster, it becomes `practice-2`."""
    other = PracticeCluster(str(bot.make_url("")), deps.clock)
    other.attach(deps, ALICE.team_id, lambda: None)
    await other.start()
    name = (await other.shown())["name"]
    await other.close()

    assert name == "practice-2"


async def test_without_an_answer_it_is_let_through_and_said(
    practice: PracticeCluster, bot: TestServer
) -> None:
    """As with `failurePolicy: Ignore`; the inventory says that it did not arrive."""
    await bot.close()
    await practice.deploy("web", FOREIGN)
    outcome, words = await _last(practice)

    assert outcome == "warned"
    assert words.startswith("# Not asked, so it is let through: No answer")
    assert "did not arrive" in (await practice.shown())["inventory"]["trouble"]


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("ghcr.io/team/app:1.2", "team-app"),
        ("nginx", "nginx"),
        ("nginx:1.27", "nginx"),
        ("localhost:5000/Team_X/app@sha256:" + "0" * 64, "team-x-app"),
        ("team/app", "team-app"),
        ("quay.io/9lives/cat", "app-9lives-cat"),
        ("…", "app"),
        ("a" * 200, "a" * 40),
    ],
)
async def test_a_deployment_is_called_after_its_image(
    practice: PracticeCluster, image: str, name: str
) -> None:
    """By a name that Kubernetes takes."""
    await practice.deploy("web", image)

    assert (await practice.shown())["workloads"][0]["name"] == name


async def test_what_cannot_be_done_is_said(practice: PracticeCluster, deps: Deps) -> None:
    """In the words of a toast, and nothing is changed."""
    fresh = PracticeCluster("http://127.0.0.1:1", deps.clock)
    with pytest.raises(Impossible, match="does not run yet"):
        await fresh.start()
    fresh.attach(deps, ALICE.team_id, lambda: None)
    with pytest.raises(Impossible, match="Start the practice cluster first"):
        await fresh.deploy("web", OURS)
    assert (await fresh.shown())["state"] == "new"
    with pytest.raises(Impossible, match="runs already"):
        await practice.start()
    for namespace, image in (("kube-system", OURS), ("web", " "), ("web", "a" * 1025)):
        with pytest.raises(Impossible):
            await practice.deploy(namespace, image)
    with pytest.raises(Impossible, match="no deployment nginx in web"):
        await practice.scale("web", "nginx", 2)
    with pytest.raises(Impossible, match="Between none and 9"):
        await practice.scale("web", "nginx", 10)
    assert (await practice.shown())["workloads"] == []
