"""Clusters: added, looked at, made stricter, given a new token, shut out, deleted."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlmodel import select

from bot.core.access import Actor
from bot.core.cluster import Mode, NamespaceRule
from bot.core.registry import Environment
from bot.core.secret import Secret
from bot.errors import BadToken, Conflict, InvalidInput, NotAllowed, NotFound
from bot.store.schema import AuditEvent
from bot.usecases import cluster_rotation, clusters
from bot.usecases.cluster_tokens import authenticate
from bot.usecases.clusters import NAMESPACES_MOST, Wanted
from bot.usecases.deps import Deps
from bot.usecases.secret_links import tick_links
from tests.factories import ALICE, BOB, MALLORY, NOW, clock_of, cluster
from tests.usecases.watching import channel, letters

DAY = timedelta(hours=24)


async def test_a_cluster_begins_in_audit_and_for_any_environment(deps: Deps) -> None:
    """Unless something else is said; it is listed by name, in its workspace only."""
    await cluster(deps, "staging-eu")
    await cluster(deps, "prod-eu", environment="production", mode="enforce")

    listed = await clusters.list_clusters(deps, BOB)

    assert [(one.name, one.environment, one.mode) for one in listed] == [
        ("prod-eu", Environment.PRODUCTION, Mode.ENFORCE),
        ("staging-eu", Environment.ANY, Mode.AUDIT),
    ]
    assert await clusters.list_clusters(deps, MALLORY) == []
    with pytest.raises(NotFound):
        await clusters.show(deps, MALLORY, "prod-eu")


@pytest.mark.parametrize(
    "name", ["", "A", "a b", "-a", "a-", "a" * 64, "a\x00", "\ud800", "a\n", "ümlaut", "a/b"]
)
async def test_a_hostile_name_is_refused_where_it_is_typed(deps: Deps, name: str) -> None:
    """And harms nothing where one is looked for."""
    with pytest.raises(InvalidInput) as caught:
        await clusters.add(deps, ALICE, Wanted(name, "moon", "splendid"))
    with pytest.raises(NotFound):
        await clusters.show(deps, ALICE, name)

    assert set(caught.value.fields) == {"name", "environment", "mode"}


async def test_a_name_is_taken_until_its_cluster_is_deleted(deps: Deps) -> None:
    """Another workspace may have it too."""
    await cluster(deps)
    await cluster(deps, actor=MALLORY)
    with pytest.raises(InvalidInput, match="already a cluster called prod-eu"):
        await cluster(deps)

    await clusters.delete(deps, ALICE, "prod-eu", "prod-eu")
    await cluster(deps)


async def test_a_near_name_is_hinted_at(deps: Deps) -> None:
    """A typing error names what was meant."""
    await cluster(deps)
    with pytest.raises(NotFound, match="Did you mean prod-eu"):
        await clusters.show(deps, BOB, "prod-ue")


async def test_a_rotation_leaves_no_gap(deps: Deps) -> None:
    """Both tokens are good for a day; then the new one alone, for ever."""
    old = await cluster(deps)
    new = await cluster_rotation.rotate(deps, ALICE, "prod-eu")

    assert [one.expires_at for one in (await clusters.show(deps, BOB, "prod-eu")).tokens] == [
        None,
        NOW + DAY,
    ]
    await _good(deps, old.cluster.id, old.token)
    await _good(deps, old.cluster.id, new.token)
    clock_of(deps).skip(DAY)
    await _ended(deps, old.cluster.id, old.token)
    assert await tick_links(deps) == 1
    clock_of(deps).skip(365 * DAY)
    await _good(deps, old.cluster.id, new.token)


async def test_rotating_often_never_makes_a_token_last_longer(deps: Deps) -> None:
    """Each ends a day after the first rotation that followed it, and not all are kept."""
    first = await cluster(deps)
    for _ in range(12):
        clock_of(deps).skip(timedelta(hours=1))
        last = await cluster_rotation.rotate(deps, ALICE, "prod-eu")

    assert len((await clusters.show(deps, BOB, "prod-eu")).tokens) == 10
    await _ended(deps, first.cluster.id, first.token)
    clock_of(deps).skip(DAY)
    await _good(deps, first.cluster.id, last.token)


async def test_revoking_ends_what_was_replaced_and_nothing_else(deps: Deps) -> None:
    """A second time it ends nothing, however often it is pressed."""
    old = await cluster(deps)
    with pytest.raises(Conflict, match="cluster rotate prod-eu"):
        await cluster_rotation.revoke(deps, ALICE, "prod-eu")
    new = await cluster_rotation.rotate(deps, ALICE, "prod-eu")

    _, ended = await cluster_rotation.revoke(deps, ALICE, "prod-eu")

    assert ended == 1
    await _ended(deps, old.cluster.id, old.token)
    with pytest.raises(Conflict):
        await cluster_rotation.revoke(deps, ALICE, "prod-eu")
    await _good(deps, old.cluster.id, new.token)


async def test_what_has_ended_by_itself_cannot_be_revoked(deps: Deps) -> None:
    """Although it may still stand in the database for a minute."""
    await cluster(deps)
    await cluster_rotation.rotate(deps, ALICE, "prod-eu")
    clock_of(deps).skip(DAY)

    with pytest.raises(Conflict):
        await cluster_rotation.revoke(deps, ALICE, "prod-eu")


async def test_a_cluster_can_be_shut_out_at_once(deps: Deps) -> None:
    """And let in again with a new token."""
    old = await cluster(deps)
    await cluster_rotation.revoke(deps, ALICE, "prod-eu", everything=True)

    await _ended(deps, old.cluster.id, old.token)
    assert (await clusters.show(deps, BOB, "prod-eu")).tokens == ()
    new = await cluster_rotation.rotate(deps, ALICE, "prod-eu")
    await _good(deps, old.cluster.id, new.token)


async def test_a_deleted_cluster_is_heard_no_more(deps: Deps) -> None:
    """Its name has to be typed."""
    issued = await cluster(deps)
    with pytest.raises(InvalidInput) as caught:
        await clusters.delete(deps, ALICE, "prod-eu", "prod")
    assert "typed_name" in caught.value.fields

    await clusters.delete(deps, ALICE, "prod-eu", " prod-eu ")

    await _ended(deps, issued.cluster.id, issued.token)
    assert await clusters.list_clusters(deps, BOB) == []


async def test_a_namespace_may_differ_and_be_like_the_cluster_again(deps: Deps) -> None:
    """In its mode, its environment, or both."""
    await cluster(deps, mode="warn")
    await clusters.set_mode(deps, ALICE, "prod-eu", "ENFORCE", "web")
    changed = await clusters.set_environment(deps, ALICE, "prod-eu", " Production", "web")

    assert changed.namespaces == {"web": NamespaceRule(Mode.ENFORCE, Environment.PRODUCTION)}
    await clusters.set_mode(deps, ALICE, "prod-eu", "inherit", "web")
    await clusters.set_environment(deps, ALICE, "prod-eu", "inherit", "web")
    changed = await clusters.set_mode(deps, ALICE, "prod-eu", "audit")
    assert (changed.mode, changed.namespaces) == (Mode.AUDIT, {})
    assert (await clusters.show(deps, BOB, "prod-eu")).cluster == changed


@pytest.mark.parametrize(
    ("mode", "namespace", "field"),
    [
        ("strict", "", "mode"),
        ("inherit", "", "mode"),
        ("", "web", "mode"),
        ("warn", "We b", "namespace"),
        ("warn", "a\x00", "namespace"),
        ("warn", "n" * 64, "namespace"),
    ],
)
async def test_a_mode_or_namespace_that_is_none_is_refused(
    deps: Deps, mode: str, namespace: str, field: str
) -> None:
    """With what there is."""
    await cluster(deps)
    with pytest.raises(InvalidInput) as caught:
        await clusters.set_mode(deps, ALICE, "prod-eu", mode, namespace)

    assert set(caught.value.fields) == {field}


async def test_a_thousand_namespaces_have_rules_and_not_one_more(deps: Deps) -> None:
    """The others can still be changed."""
    await cluster(deps)
    many = {f"team-{number}": NamespaceRule(Mode.ENFORCE) for number in range(NAMESPACES_MOST)}
    await _store_rules(deps, many)

    with pytest.raises(InvalidInput, match="1,000 namespaces"):
        await clusters.set_mode(deps, ALICE, "prod-eu", "warn", "one-more")
    changed = await clusters.set_mode(deps, ALICE, "prod-eu", "warn", "team-7")

    assert len(changed.namespaces) == NAMESPACES_MOST
    assert changed.mode_of("team-7") is Mode.WARN
    assert changed.mode_of("team-8") is Mode.ENFORCE


async def test_only_managers_change_clusters(deps: Deps) -> None:
    """A member's try is in the audit, and changes nothing."""
    issued = await cluster(deps)
    await channel(deps)
    member = Actor("T1", "UBOB")
    for attempt in (
        clusters.add(deps, member, Wanted("mine")),
        clusters.add_with_link(deps, member, Wanted("mine")),
        clusters.set_mode(deps, member, "prod-eu", "audit"),
        clusters.set_environment(deps, member, "prod-eu", "any"),
        clusters.delete(deps, member, "prod-eu", "prod-eu"),
        cluster_rotation.rotate(deps, member, "prod-eu"),
        cluster_rotation.rotate_with_link(deps, member, "prod-eu"),
        cluster_rotation.revoke(deps, member, "prod-eu", everything=True),
    ):
        with pytest.raises(NotAllowed):
            await attempt

    await _good(deps, issued.cluster.id, issued.token)
    assert [one.name for one in await clusters.list_clusters(deps, BOB)] == ["prod-eu"]
    assert [one.action for one in await _audit(deps)].count("refused") == 8


async def test_every_change_is_audited_and_told_in_the_channel(deps: Deps) -> None:
    """Once each; what was so already is told to nobody."""
    await channel(deps)
    await cluster(deps)
    for _ in range(2):
        await clusters.set_mode(deps, ALICE, "prod-eu", "enforce", "web")
    issued = await cluster_rotation.rotate(deps, ALICE, "prod-eu")
    await cluster_rotation.revoke(deps, ALICE, "prod-eu")
    await clusters.delete(deps, ALICE, "prod-eu", "prod-eu")

    deeds = ["added", "changed", "rotated", "revoked", "deleted"]
    told = [row for what in deeds for row in await letters(deps, what=f"cluster_{what}")]
    assert [one.what for one in told] == [f"cluster_{what}" for what in deeds]
    assert {one.channel for one in told} == {"CALERTS"}
    values = json.loads(told[1].values_json)
    assert (values["namespace"], values["changed"], values["to"]) == ("web", "mode", "enforce")
    written = "".join(one.details_json for one in await _audit(deps))
    assert [one.action for one in await _audit(deps)] == [f"cluster_{what}" for what in deeds]
    assert issued.token.reveal() not in written + "".join(one.values_json for one in told)


async def _good(deps: Deps, cluster_id: str, token: Secret) -> None:
    assert (await authenticate(deps, cluster_id, token)).id == cluster_id


async def _ended(deps: Deps, cluster_id: str, token: Secret) -> None:
    with pytest.raises(BadToken):
        await authenticate(deps, cluster_id, token)


async def _audit(deps: Deps) -> list[AuditEvent]:
    async with deps.store.reading() as session:
        return list((await session.exec(select(AuditEvent).order_by(AuditEvent.id))).all())  # type: ignore[arg-type]


async def _store_rules(deps: Deps, rules: dict[str, NamespaceRule]) -> None:
    from bot.core.cluster import written_namespaces
    from bot.store import clusters as rows

    found = await clusters.show(deps, ALICE, "prod-eu")
    async with deps.store.transaction() as session:
        stored = {"namespaces_json": written_namespaces(rules)}
        await rows.change(session, found.cluster.id, stored)
