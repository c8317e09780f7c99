"""The rules that admission keeps in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.core.cluster import Mode
from bot.core.policy import Policy
from bot.errors import StoreError
from bot.store import audit
from bot.usecases import clusters, drafts, exemptions, gate_rules, registries
from bot.usecases.deps import Deps
from bot.usecases.exemptions import Wanted
from bot.usecases.gate_rules import GateRules
from tests.databases import take_away
from tests.factories import ALICE, MALLORY, NOW, add, clock_of, cluster, generic

HARBOR = "harbor-team.example.com/app"
TOOL = "quay.io/tool/one"


async def _fresh(deps: Deps) -> GateRules:
    rules = GateRules(deps)
    await rules.refresh()
    return rules


def _policy(rules: GateRules, cluster_id: str) -> Policy:
    gate = rules.of(cluster_id)
    assert gate is not None
    return gate.policy


async def _edit(deps: Deps) -> None:
    answers = generic(path_scope="moved")
    draft = await drafts.begin(deps, ALICE, answers, name_of_edited="harbor-team", version=1)
    await drafts.try_draft(deps, ALICE, draft)
    await drafts.save_anyway(deps, ALICE, draft)  # the cluster is silent, so it waits for a word


async def _delete(deps: Deps) -> None:
    await registries.delete(deps, ALICE, "harbor-team", "harbor-team", "a test")


async def _exempt(deps: Deps) -> None:
    await exemptions.exempt(deps, ALICE, Wanted(HARBOR, NOW + timedelta(days=1), "a test"))


async def _end(deps: Deps) -> None:
    (one,) = await exemptions.in_force(deps, ALICE)
    await exemptions.end(deps, ALICE, one.id)


CHANGES: list[tuple[Callable[[Deps], Awaitable[object]], bool]] = [
    (add, True),
    (_edit, False),
    (_delete, False),
    (_exempt, True),
    (_end, False),
]


async def test_every_change_of_the_rules_is_seen(deps: Deps) -> None:
    """Each by the next look at the database: one that noted nothing would never be in force."""
    made = await cluster(deps)
    rules = await _fresh(deps)
    for change, allowed in CHANGES:
        await change(deps)
        await rules.refresh()
        decided = _policy(rules, made.cluster.id).decide(HARBOR, now=rules.now())
        assert decided.allowed is allowed, change

    await registries.restore(deps, ALICE, "harbor-team")
    await rules.refresh()
    assert _policy(rules, made.cluster.id).decide("harbor-team.example.com/moved/app").allowed


async def test_every_change_of_a_cluster_is_seen(deps: Deps) -> None:
    """Added, stricter, for an environment, deleted."""
    rules = await _fresh(deps)
    made = (await cluster(deps)).cluster
    assert rules.of(made.id) is None

    await rules.refresh()
    await clusters.set_mode(deps, ALICE, made.name, Mode.ENFORCE)
    await clusters.set_environment(deps, ALICE, made.name, "production")
    await rules.refresh()
    gate = rules.of(made.id)
    assert gate is not None
    assert (gate.cluster.mode, gate.cluster.environment) == ("enforce", "production")

    await clusters.delete(deps, ALICE, made.name, made.name)
    await rules.refresh()
    assert rules.of(made.id) is None


async def test_only_the_workspace_that_changed_is_read_again(deps: Deps) -> None:
    """The others' rules stay the very same, and so does everything when nothing changed."""
    ours, theirs = await cluster(deps), await cluster(deps, actor=MALLORY)
    rules = await _fresh(deps)
    before = _policy(rules, ours.cluster.id), _policy(rules, theirs.cluster.id)
    await rules.refresh()
    assert _policy(rules, ours.cluster.id) is before[0]

    await add(deps)
    await rules.refresh()

    assert _policy(rules, ours.cluster.id).decide(HARBOR).allowed
    assert _policy(rules, theirs.cluster.id) is before[1]


async def test_more_changes_than_are_listed_are_all_seen(deps: Deps) -> None:
    """Then everything is read again."""
    made = await cluster(deps)
    rules = await _fresh(deps)
    await add(deps)
    async with deps.store.transaction() as session:
        for number in range(60):
            await audit.note(session, audit.Deed("T1", "U1", f"deed-{number}"), NOW)
    await rules.refresh()

    assert _policy(rules, made.cluster.id).decide(HARBOR).allowed


async def test_a_change_that_left_no_trace_is_seen_after_minutes(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one by hand in the database."""
    made = await cluster(deps)
    rules = await _fresh(deps)
    async with deps.store.transaction() as session:
        row = await clusters.find(session, ALICE, made.cluster.name)
        row.mode = Mode.ENFORCE
        session.add(row)
    await rules.refresh()
    gate = rules.of(made.cluster.id)
    assert gate is not None
    assert gate.cluster.mode is Mode.AUDIT

    monkeypatch.setattr(gate_rules, "_ALL_ANEW", 0.0)
    await rules.refresh()
    gate = rules.of(made.cluster.id)
    assert gate is not None
    assert gate.cluster.mode is Mode.ENFORCE


async def test_the_rules_outlive_the_database(deps: Deps, database_url: str) -> None:
    """Verdicts are what they were; an exemption lapses in time, whoever announces it."""
    made = await cluster(deps)
    await add(deps)
    await exemptions.exempt(deps, ALICE, Wanted(TOOL, NOW + timedelta(hours=1), "a test"))
    rules = await _fresh(deps)
    asked = [HARBOR, TOOL, "evil.example/x", "a b"]

    def verdicts() -> list[bool]:
        policy = _policy(rules, made.cluster.id)
        return [policy.decide(image, now=rules.now()).allowed for image in asked]

    before = verdicts()
    await deps.store.close()
    take_away(database_url)
    with pytest.raises(StoreError):
        await rules.refresh()
    young = rules.age()
    await asyncio.sleep(0.01)

    assert before == verdicts() == [True, True, False, False]
    assert rules.age() > young
    clock_of(deps).skip(timedelta(hours=1))
    assert verdicts() == [True, False, False, False]
