"""What Prometheus scrapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.jobs.metrics import Metrics
from bot.store import outbox
from bot.store.outbox import Letter
from bot.usecases import checking
from bot.usecases.deps import Deps
from bot.web.application import web_application
from tests.databases import migrated_sqlite
from tests.factories import BOB, NOW, add, checker_of, clock_of, deps_on, refused
from tests.usecases.history import ago, failed


@pytest.fixture
async def deps(tmp_path: Path) -> AsyncIterator[Deps]:
    made = deps_on(migrated_sqlite(tmp_path))
    yield made
    await made.store.close()


async def lines(metrics: Metrics, deps: Deps) -> list[str]:
    return (await metrics.page(deps)).decode().splitlines()


async def test_checks_are_counted_by_kind_and_verdict(deps: Deps) -> None:
    """Whoever asked for them."""
    metrics = Metrics()
    await add(deps)
    checker = metrics.counting(checker_of(deps))
    config = checker_of(deps).seen[0]
    await checker.check(config)
    checker_of(deps).answers = [refused()]
    await checker.check(config)
    await checker.check(config)
    found = await lines(metrics, deps)

    assert 'registrar_checks_total{kind="generic",verdict="proven"} 1.0' in found
    assert 'registrar_checks_total{kind="generic",verdict="refused"} 2.0' in found
    assert 'registrar_check_seconds_bucket{le="0.5"} 3.0' in found


async def test_queues_are_read_from_the_database(deps: Deps) -> None:
    """How long they are, and how old their first."""
    view = await add(deps)
    await failed(deps, view.id, ago(hours=1))
    async with deps.store.transaction() as session:
        await outbox.put(session, Letter("T1", "a", "C1", "registry_added"), NOW)
    clock_of(deps).skip(timedelta(hours=2))
    found = await lines(Metrics(), deps)

    assert "registrar_outbox_waiting 1.0" in found
    assert "registrar_outbox_oldest_seconds 7200.0" in found
    assert "registrar_checks_due 1.0" in found
    assert 'registrar_incidents_open{trouble="refused"} 1.0' in found
    assert 'registrar_registries{kind="generic",verdict="proven"} 1.0' in found


async def test_what_is_no_more_is_no_longer_told(deps: Deps) -> None:
    """A state that nobody is in has no old number."""
    metrics = Metrics()
    await add(deps)
    await metrics.page(deps)
    checker_of(deps).answers = [refused()]
    await checking.check_registry(deps, BOB, "harbor-team")
    found = await lines(metrics, deps)

    assert 'registrar_registries{kind="generic",verdict="refused"} 1.0' in found
    assert not [line for line in found if 'verdict="proven"' in line]


async def test_lateness_beats_and_delivery_errors_are_told(deps: Deps) -> None:
    """What only this process knows."""
    metrics, errors = Metrics(), Counter({"is_archived": 3})
    metrics.late(7)
    metrics.beat("watch", 0.25, "done")
    metrics.delivery_errors(lambda: errors)
    found = await lines(metrics, deps)

    assert 'registrar_check_lateness_seconds_bucket{le="5.0"} 0.0' in found
    assert 'registrar_check_lateness_seconds_bucket{le="10.0"} 1.0' in found
    assert 'registrar_task_beats_total{end="done",task="watch"} 1.0' in found
    assert 'registrar_delivery_errors_total{error="is_archived"} 3.0' in found


async def test_two_bots_in_one_process_count_apart(deps: Deps) -> None:
    """There is no global registry of metrics."""
    one, two = Metrics(), Metrics()
    one.late(1)

    assert "registrar_check_lateness_seconds_count 0.0" in await lines(two, deps)


async def test_the_page_is_served(deps: Deps) -> None:
    """On `/metrics`, without names of workspaces or registries in it."""
    await add(deps)
    metrics = Metrics()

    async def ready() -> dict[str, bool]:
        return {}

    async def page() -> bytes:
        return await metrics.page(deps)

    application = web_application(app=None, ready=ready, clock=deps.clock, metrics=page)
    async with TestClient(TestServer(application)) as client:
        answer = await client.get("/metrics")
        text = await answer.text()

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "harbor" not in text
    assert "T1" not in text
