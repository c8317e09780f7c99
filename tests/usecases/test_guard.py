"""Before rules get narrower: who would be refused."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from sqlmodel import col, select

from bot.core.access import WorkspaceSettings
from bot.errors import InvalidInput, NotAllowed
from bot.store.schema import AuditEvent
from bot.usecases import drafts, exemptions, outbox, registries, workspaces
from bot.usecases.deps import Deps
from bot.usecases.drafts import Outcome
from bot.usecases.exemptions import Wanted
from bot.usecases.guard import Guard
from tests.factories import (
    ALICE,
    BOB,
    NOW,
    add,
    checker_of,
    clock_of,
    cluster,
    generic,
    refused,
)
from tests.usecases.telling import declared, inventory

API = ("web/Deployment/api", "quay.io/acme/api:1")
TOOL = ("jobs/CronJob/tool", "quay.io/acme/tools/x:1")
OTHER = ("web/Pod/nginx", "docker.io/library/nginx:1")
WHY = "we move"


@pytest.fixture
async def prod(deps: Deps) -> str:
    """The id of a cluster, in a workspace with a registry that it uses."""
    await add(deps, answers=generic("quay", url="https://quay.io", path_scope="acme", owner="UBOB"))
    made = (await cluster(deps, "prod-eu")).cluster.id
    await inventory(deps, made, [API, TOOL, OTHER])
    return made


async def edited(deps: Deps, **changes: str) -> tuple[str, Outcome]:
    """An edit of the registry, tried."""
    view = await drafts.open_edit(deps, ALICE, "quay")
    answers = generic(**{**view.answers.public, "password": "", **changes})
    draft = await drafts.begin(deps, ALICE, answers, name_of_edited="quay", version=view.version)
    return draft, await drafts.try_draft(deps, ALICE, draft)


def refused_places(guard: Guard | None) -> list[str]:
    assert guard is not None
    return [use.place for use in guard.change.refused]


async def test_a_deletion_refuses_what_only_this_registry_covers(deps: Deps, prod: str) -> None:
    """What was refused before is none of its business."""
    guard = await registries.weigh_deletion(deps, ALICE, "quay")

    assert refused_places(guard) == [TOOL[0], API[0]]
    assert (len(guard.change.used), guard.change.heir, guard.in_use) == (2, "", True)


async def test_another_registry_may_cover_all_of_it(deps: Deps, prod: str) -> None:
    """Then nothing is refused, and the form says whose it will be."""
    other = generic("other", url="https://quay.io", path_scope="acme", username="second")
    await add(deps, answers=other)
    first = await registries.weigh_deletion(deps, ALICE, "quay")
    second = await registries.weigh_deletion(deps, ALICE, "other")

    heirs = {guard.name: guard.change.heir for guard in (first, second) if guard.change.used}
    assert list(heirs.items()) in ([("quay", "other")], [("other", "quay")])
    assert (first.hurts, second.hurts) == (False, False)


async def test_some_are_refused_and_others_belong_elsewhere(deps: Deps, prod: str) -> None:
    """By the rules that are left."""
    await add(deps, answers=generic("tools", url="https://quay.io", path_scope="acme/tools"))
    await add(deps, answers=generic("api", url="https://quay.io", path_scope="acme/api/x"))
    guard = await registries.weigh_deletion(deps, ALICE, "tools")

    assert (refused_places(guard), guard.change.heir) == ([], "quay")
    assert refused_places(await registries.weigh_deletion(deps, ALICE, "quay")) == [API[0]]


async def test_an_exempted_image_is_not_refused(deps: Deps, prod: str) -> None:
    """As long as that holds."""
    until = NOW + timedelta(days=3)
    await registries.delete(deps, ALICE, "quay", "quay", WHY)
    await exemptions.exempt(deps, ALICE, Wanted("quay.io/acme/api", until, WHY, ""))
    await registries.restore(deps, ALICE, "quay")
    guard = await registries.weigh_deletion(deps, ALICE, "quay")

    assert refused_places(guard) == [TOOL[0]]


async def test_what_is_in_use_is_deleted_with_a_reason_only(deps: Deps, prod: str) -> None:
    """And its owner, the channel and the audit hear whom it concerned."""
    await workspaces.change_settings(deps, ALICE, WorkspaceSettings(alert_channel="C1"))
    with pytest.raises(InvalidInput) as wrong:
        await registries.delete(deps, ALICE, "quay", "quay", "  ")
    await registries.delete(deps, ALICE, "quay", "quay", WHY)

    assert wrong.value.fields.keys() == {"reason"}
    (letter,) = [one for one in await outbox.claim(deps, 10) if one.what == "registry_deleted"]
    concerned = {"workloads": "2", "refused_workloads": "2", "owner": "UBOB", "reason": WHY}
    assert concerned.items() <= letter.values.items()
    async with deps.store.reading() as session:
        wanted = select(AuditEvent).where(col(AuditEvent.action) == "registry_deleted")
        (event,) = (await session.exec(wanted)).all()
    assert '"refused_workloads": "2"' in event.details_json


async def test_what_nothing_uses_needs_no_reason(deps: Deps) -> None:
    """With a fresh inventory, or without any cluster."""
    await add(deps)
    guard = await registries.weigh_deletion(deps, ALICE, "harbor-team")

    assert not guard.in_use
    assert (await registries.delete(deps, ALICE, "harbor-team", "harbor-team")).deleted_at


async def test_a_stale_inventory_counts_as_in_use(deps: Deps, prod: str) -> None:
    """The cluster may run anything by now."""
    await add(deps, answers=generic("idle"))
    assert not (await registries.weigh_deletion(deps, ALICE, "idle")).in_use
    clock_of(deps).skip(timedelta(hours=25))
    guard = await registries.weigh_deletion(deps, ALICE, "idle")

    assert (guard.in_use, [one.name for one in guard.silent]) == (True, ["prod-eu"])
    with pytest.raises(InvalidInput):
        await registries.delete(deps, ALICE, "idle", "idle")


async def test_what_covers_nothing_is_not_in_use(deps: Deps, prod: str) -> None:
    """A shared host without a path, however silent the clusters are."""
    await add(deps, answers=generic("ghcr", url="https://ghcr.io"))
    clock_of(deps).skip(timedelta(hours=25))

    assert not (await registries.weigh_deletion(deps, ALICE, "ghcr")).in_use


async def test_only_managers_weigh(deps: Deps, prod: str) -> None:
    """Who may not delete need not know what it would do."""
    with pytest.raises(NotAllowed):
        await registries.weigh_deletion(deps, BOB, "quay")


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"path_scope": "acme/tools"}, [API[0]]),
        ({"url": "https://quay.example.com", "password": "typed again"}, [TOOL[0], API[0]]),
        ({"environment": "staging"}, ["shop/production/api"]),
    ],
)
async def test_an_edit_that_narrows_waits_for_a_word(
    deps: Deps, prod: str, changes: dict[str, str], places: list[str]
) -> None:
    """Proven or not, it is saved when a person says so."""
    await declared(deps, "shop/production/api", API[1])
    if "environment" not in changes:
        await declared(deps, "shop/production/api")
    draft, outcome = await edited(deps, **changes)

    assert (outcome.saved, refused_places(outcome.guard)) == (None, places)
    before = await registries.show(deps, ALICE, "quay")
    assert (before.version, before.path_scope) == (1, "acme")
    saved = await drafts.save_anyway(deps, ALICE, draft)
    assert (saved.version, saved.verdict) == (2, "proven")


async def test_another_place_that_is_left_out_is_narrower_too(deps: Deps, prod: str) -> None:
    """Its images ran from there."""
    _, wider = await edited(deps, also_at="mirror.example.com/quay")
    assert wider.saved is not None
    await inventory(
        deps, prod, [("web/Pod/m", "mirror.example.com/quay/acme/x")], NOW + timedelta(1)
    )
    _, outcome = await edited(deps, also_at="")

    assert refused_places(outcome.guard) == ["web/Pod/m"]


@pytest.mark.parametrize(
    "changes",
    [{"description": "ours"}, {"name": "quay-two"}, {"environment": "any"}, {"path_scope": ""}],
)
async def test_other_edits_are_saved_at_once(
    deps: Deps, prod: str, changes: dict[str, str]
) -> None:
    """A new name covers the same; nothing about an empty scope on a host of one's own is narrower."""
    if "path_scope" in changes:
        await add(deps, answers=generic("own", url="https://own.example.com", path_scope="a"))
        view = await drafts.open_edit(deps, ALICE, "own")
        answers = generic(**{**view.answers.public, **changes, "password": ""})
        draft = await drafts.begin(deps, ALICE, answers, name_of_edited="own", version=view.version)
        outcome = await drafts.try_draft(deps, ALICE, draft)
    else:
        _, outcome = await edited(deps, **changes)

    assert (outcome.saved is not None, outcome.guard) == (True, None)


async def test_an_edit_that_is_not_proven_says_both(deps: Deps, prod: str) -> None:
    """What the check found, and whom it concerns."""
    checker_of(deps).answers = [refused()]
    _, outcome = await edited(deps, path_scope="acme/tools")

    assert (outcome.result.verdict, refused_places(outcome.guard)) == ("refused", [API[0]])


async def test_a_narrower_edit_waits_while_a_cluster_is_silent(deps: Deps, prod: str) -> None:
    """Although nobody is known to be refused."""
    await inventory(deps, prod, [])
    clock_of(deps).skip(timedelta(hours=25))
    _, outcome = await edited(deps, path_scope="acme/tools")

    assert outcome.guard is not None
    assert [one.name for one in outcome.guard.silent] == ["prod-eu"]


async def test_the_file_lists_all_and_starts_no_formula(deps: Deps, prod: str) -> None:
    """Anybody can name a workload."""
    await declared(deps, "=cmd()/x/y", API[1])
    guard = await registries.weigh_deletion(deps, ALICE, "quay")
    head, *rows = csv.reader(io.StringIO(guard.as_csv().decode()))

    assert head[:3] == ["cluster", "place", "image"]
    assert sorted(row[1] for row in rows) == ["'=cmd()/x/y", TOOL[0], API[0]]
    assert {row[5] for row in rows} == {"refused"}
