"""Rotating a credential, from the new one in force to the old one seen dead."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, select

from bot.core.access import Actor
from bot.core.check import Cause, CheckResult, Progress, Verdict
from bot.core.config import Config
from bot.core.rotation import Phase, Trial
from bot.core.secret import Secret
from bot.errors import Conflict, InvalidInput, NotAllowed, NotFound
from bot.store.schema import CURRENT, PREVIOUS, RETIRED, Credential, ImageUse, Outgoing
from bot.usecases import drafts, registries, rotating, rotations
from bot.usecases.deps import Deps
from bot.usecases.drafts import Outcome
from bot.usecases.rotation_switch import Plan
from bot.usecases.rotations import RotationView, tick_rotations
from tests.factories import (
    ALICE,
    BOB,
    MALLORY,
    NOW,
    add,
    clock_of,
    generic,
    refused,
    same_host,
    unreachable,
)
from tests.usecases.provider import NEW, NEWER, OLD, Provider

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def with_provider(deps: Deps) -> tuple[Deps, Provider]:
    provider = Provider()
    return replace(deps, checker=provider), provider


async def rotate(
    deps: Deps,
    name: str = "harbor-team",
    secret: str = NEW,
    plan: Plan | None = None,
    actor: Actor = ALICE,
) -> Outcome:
    version = (await registries.show(deps, actor, name)).version
    draft_id = await rotating.begin(
        deps, actor, name, version, {}, {"password": Secret(secret)}, plan or Plan()
    )
    return await drafts.try_draft(deps, actor, draft_id)


async def begun(deps: Deps, plan: Plan | None = None) -> RotationView:
    """A registry whose credential was just rotated."""
    await add(deps)
    outcome = await rotate(deps, plan=plan)
    return await rotations.view(deps, "T1", outcome.rotation)


async def after(deps: Deps, lasts: timedelta) -> None:
    """Let time pass, and let the clock's task look every minute of the last ten."""
    clock = clock_of(deps)
    clock.skip(max(timedelta(), lasts - 10 * MINUTE))
    for _ in range(10):
        clock.skip(min(lasts, 10 * MINUTE) / 10)
        await tick_rotations(deps)


async def held(deps: Deps, name: str = "harbor-team") -> dict[str, list[bool]]:
    """By state of a registry's credentials, whether each still has its secret."""
    shown = await registries.show(deps, ALICE, name)
    async with deps.store.reading() as session:
        wanted = select(Credential).where(col(Credential.registry_id) == shown.id)
        found: dict[str, list[bool]] = {}
        for one in (await session.exec(wanted)).all():
            found.setdefault(one.state, []).append(one.blob is not None)
        return found


def _texts(config: Config) -> set[str]:
    return {secret.reveal() for secret in config.secrets.values()}


async def letters(deps: Deps, what: Iterable[str] = ("rotation", "rotation_entry")) -> list[str]:
    """What was put into the outbox for the rotation's message, in order."""
    async with deps.store.reading() as session:
        rows = (await session.exec(select(Outgoing).order_by(col(Outgoing.id)))).all()
    return [
        f"{row.op}:{json.loads(row.values_json).get('entry', '')}"
        for row in rows
        if row.what in what
    ]


async def test_a_proven_credential_takes_the_place_of_the_old_one(deps: Deps) -> None:
    """The new one is in force at once; the old one is kept as a way back."""
    deps, _ = with_provider(deps)

    view = await begun(deps)

    assert view.state.phase is Phase.GRACE
    assert await held(deps) == {CURRENT: [True], PREVIOUS: [True]}
    assert view.old_fingerprint != view.new_fingerprint


async def test_a_refused_credential_changes_nothing(deps: Deps) -> None:
    """The old one stays in force, and what was typed waits to be corrected."""
    deps, provider = with_provider(deps)
    await add(deps)
    provider.alive = {OLD}

    outcome = await rotate(deps)

    assert (outcome.saved, outcome.rotation) == (None, "")
    shown = await registries.show(deps, ALICE, "harbor-team")
    assert shown.verdict is Verdict.PROVEN
    assert await rotations.open_of(deps, ALICE, "harbor-team") == ()


async def test_the_credential_in_force_is_no_new_one(deps: Deps) -> None:
    """Somebody who pastes the old one is told at its field."""
    deps, _ = with_provider(deps)
    await add(deps)

    with pytest.raises(InvalidInput) as caught:
        await rotate(deps, secret=OLD)

    assert "in force" in caught.value.fields["password"]


async def test_the_old_secret_is_not_tried_in_the_grace_period(deps: Deps) -> None:
    """Nobody asked for its removal yet."""
    deps, provider = with_provider(deps)
    await begun(deps)
    before = provider.tries_of(OLD)

    await after(deps, DAY - HOUR)

    assert provider.tries_of(OLD) == before


async def test_an_old_secret_that_is_dead_is_destroyed_after_two_refusals(deps: Deps) -> None:
    """It was removed within the grace period; nobody has to be reminded."""
    deps, provider = with_provider(deps)
    view = await begun(deps)
    provider.alive = {NEW}

    await after(deps, DAY + 5 * MINUTE)

    ended = await rotations.view(deps, "T1", view.id)
    assert ended.state.phase is Phase.DEAD
    assert await held(deps) == {CURRENT: [True], RETIRED: [False]}
    assert await letters(deps) == ["post:", "thread:dead"]


async def test_an_old_secret_that_lives_on_is_told_of_once(deps: Deps) -> None:
    """After the grace period one reply asks for its removal, however often it is tried."""
    deps, _ = with_provider(deps)
    view = await begun(deps)

    await after(deps, DAY + 5 * MINUTE)
    await after(deps, 8 * HOUR)

    assert (await rotations.view(deps, "T1", view.id)).state.phase is Phase.ENDING
    assert [one for one in await letters(deps) if one.startswith("thread")] == ["thread:remove"]
    assert await held(deps) == {CURRENT: [True], PREVIOUS: [True]}


@pytest.mark.parametrize(
    "answer",
    [
        unreachable(),
        refused(cause=Cause.BLOCKED_BY_REGISTRY),
        replace(unreachable(), verdict=Verdict.LIMITED, cause=Cause.RATE_LIMITED),
        replace(unreachable(), cause=Cause.REGISTRY_ERROR),
        replace(unreachable(), cause=Cause.NOT_A_REGISTRY),
    ],
    ids=["timeout", "ban", "429", "5xx", "404"],
)
async def test_what_proves_nothing_destroys_nothing(deps: Deps, answer: CheckResult) -> None:
    """A rate limit, an outage, a 404 or a ban is no rejection."""
    deps, provider = with_provider(deps)
    view = await begun(deps)
    provider.answers[OLD] = answer

    await after(deps, DAY + 9 * MINUTE)

    assert (await rotations.view(deps, "T1", view.id)).state.is_open
    assert (await held(deps))[PREVIOUS] == [True]


async def test_a_refusal_counts_only_while_the_new_secret_works(deps: Deps) -> None:
    """Without that control the registry may be refusing everybody."""
    deps, provider = with_provider(deps)
    view = await begun(deps)
    provider.alive = set()

    await after(deps, DAY + 9 * MINUTE)

    assert (await rotations.view(deps, "T1", view.id)).state.is_open
    assert (await held(deps))[PREVIOUS] == [True]


async def test_who_removed_it_sees_at_once_whether_it_is_dead(deps: Deps) -> None:
    """The click tries it; a minute later it is confirmed and destroyed."""
    deps, provider = with_provider(deps)
    view = await begun(deps)
    provider.alive = {NEW}

    _, tried = await rotations.removed(deps, BOB, view.id)
    assert tried is not None
    assert tried.trial is Trial.DEAD
    assert (await held(deps))[PREVIOUS] == [True]

    clock_of(deps).skip(MINUTE)
    await tick_rotations(deps)
    assert (await rotations.view(deps, "T1", view.id)).state.phase is Phase.DEAD


async def test_a_double_click_is_one_try(deps: Deps) -> None:
    """Two refusals in one second prove no more than one."""
    deps, provider = with_provider(deps)
    view = await begun(deps)
    provider.alive = {NEW}

    await rotations.removed(deps, BOB, view.id)
    await rotations.removed(deps, BOB, view.id)

    assert (await rotations.view(deps, "T1", view.id)).state.is_open


async def test_five_failed_tries_in_ten_minutes_are_the_most(deps: Deps) -> None:
    """Whoever keeps clicking does not lock the account."""
    deps, provider = with_provider(deps)
    view = await begun(deps)
    provider.alive = {NEW}
    before = provider.tries_of(OLD)

    for _ in range(8):
        clock_of(deps).skip(timedelta(seconds=5))
        await rotations.removed(deps, BOB, view.id)

    assert provider.tries_of(OLD) - before <= 4


async def test_going_back_puts_the_old_one_in_force(deps: Deps) -> None:
    """The new one is destroyed here, and the registry is checked again at once."""
    deps, _ = with_provider(deps)
    view = await begun(deps)

    done = await rotations.go_back(deps, ALICE, view.id)

    assert done.state.phase is Phase.BACK
    assert await held(deps) == {CURRENT: [True], RETIRED: [False]}
    shown = await registries.show(deps, ALICE, "harbor-team")
    assert shown.credential is not None
    assert (
        shown.credential.fingerprint == view.old_fingerprint[:4] + " " + view.old_fingerprint[4:8]
    )
    assert shown.next_check_at == NOW


async def test_there_is_no_way_back_twice(deps: Deps) -> None:
    """The second click is told that it is over."""
    deps, _ = with_provider(deps)
    view = await begun(deps)
    await rotations.go_back(deps, ALICE, view.id)

    with pytest.raises(Conflict, match="over"):
        await rotations.go_back(deps, ALICE, view.id)


async def test_there_is_no_way_back_past_a_later_edit(deps: Deps) -> None:
    """Somebody put in a third secret: going back would undo that unseen."""
    deps, provider = with_provider(deps)
    view = await begun(deps)
    provider.alive.add(NEWER)
    version = (await registries.show(deps, ALICE, "harbor-team")).version
    edit = await drafts.begin(
        deps, ALICE, generic(password=NEWER), name_of_edited="harbor-team", version=version
    )
    assert (await drafts.try_draft(deps, ALICE, edit)).saved is not None

    with pytest.raises(Conflict, match="changed again"):
        await rotations.go_back(deps, ALICE, view.id)


async def test_members_cannot_go_back_or_let_go(deps: Deps) -> None:
    """Trying is for everyone, changing is for managers."""
    deps, _ = with_provider(deps)
    view = await begun(deps)

    with pytest.raises(NotAllowed):
        await rotations.go_back(deps, BOB, view.id)
    with pytest.raises(NotAllowed):
        await rotations.let_go(deps, BOB, view.id)


async def test_another_workspace_sees_nothing(deps: Deps) -> None:
    """A rotation's id is no key to it."""
    deps, _ = with_provider(deps)
    view = await begun(deps)

    with pytest.raises(NotFound):
        await rotations.view(deps, "T2", view.id)
    with pytest.raises(NotFound):
        await rotations.go_back(deps, MALLORY, view.id)


async def test_let_go_destroys_it_unseen(deps: Deps) -> None:
    """A person who will not wait any longer says so, and it is written down."""
    deps, _ = with_provider(deps)
    view = await begun(deps)

    done = await rotations.let_go(deps, ALICE, view.id)

    assert done.state.phase is Phase.LET_GO
    assert await held(deps) == {CURRENT: [True], RETIRED: [False]}


async def test_a_shared_secret_is_rotated_everywhere(deps: Deps) -> None:
    """Both registries get the new one, each proven, in one rotation."""
    deps, provider = with_provider(deps)
    await add(deps)
    await add(deps, answers=same_host("other-team"))

    outcome = await rotate(deps)

    view = await rotations.view(deps, "T1", outcome.rotation)
    assert (view.name, view.others) == ("harbor-team", ("other-team",))
    assert provider.tries_of(NEW) == 2
    assert await held(deps, "other-team") == {CURRENT: [True], PREVIOUS: [True]}


async def test_a_shared_secret_is_rotated_everywhere_or_nowhere(deps: Deps) -> None:
    """Where the new one does not work at one of them, none is switched."""
    deps, provider = with_provider(deps)
    await add(deps)
    await add(deps, answers=same_host("other-team"))
    works = provider.check

    async def fussy(config: Config, progress: Progress | None = None) -> CheckResult:
        if config.path_scope == "other-team" and NEW in _texts(config):
            return refused()
        return await works(config, progress)

    provider.check = fussy  # type: ignore[method-assign]
    outcome = await rotate(deps)

    assert outcome.saved is None
    assert "another registry" in outcome.result.sentence
    assert await held(deps, "harbor-team") == {CURRENT: [True], "draft": [True]}
    assert await held(deps, "other-team") == {CURRENT: [True]}


async def test_the_same_password_at_another_server_is_another_credential(deps: Deps) -> None:
    """The new one is none of that server's business, and is not sent there."""
    deps, provider = with_provider(deps)
    await add(deps)
    await add(deps, answers=generic("other-team"))

    outcome = await rotate(deps)

    assert (await rotations.view(deps, "T1", outcome.rotation)).others == ()
    assert ("other-team.example.com", NEW) not in provider.seen
    assert await held(deps, "other-team") == {CURRENT: [True]}


async def test_going_back_goes_back_everywhere(deps: Deps) -> None:
    """All that were switched together."""
    deps, _ = with_provider(deps)
    await add(deps)
    await add(deps, answers=same_host("other-team"))
    outcome = await rotate(deps)

    await rotations.go_back(deps, ALICE, outcome.rotation)

    assert await held(deps, "other-team") == {CURRENT: [True], RETIRED: [False]}


async def test_a_planned_credential_is_switched_to_at_its_time(deps: Deps) -> None:
    """Until then the old one is in force and the next one is stored."""
    deps, _ = with_provider(deps)
    view = await begun(deps, Plan(switch_at=NOW + DAY))
    assert await held(deps) == {CURRENT: [True], "next": [True]}

    await after(deps, DAY - HOUR)
    assert (await rotations.view(deps, "T1", view.id)).state.phase is Phase.WAITING

    await after(deps, HOUR)
    assert (await rotations.view(deps, "T1", view.id)).state.phase is Phase.GRACE
    assert await held(deps) == {CURRENT: [True], PREVIOUS: [True]}


async def test_a_planned_credential_that_is_refused_is_not_put_in_force(deps: Deps) -> None:
    """The old one stays, and people are told once."""
    deps, provider = with_provider(deps)
    view = await begun(deps, Plan(switch_at=NOW + DAY))
    provider.alive = {OLD}

    await after(deps, DAY)
    await after(deps, HOUR)

    assert (await rotations.view(deps, "T1", view.id)).state.phase is Phase.WAITING
    threads = [one for one in await letters(deps) if one.startswith("thread")]
    assert threads == ["thread:not_switched"]
    assert (await held(deps))[CURRENT] == [True]


async def test_calling_off_a_plan_destroys_the_next_credential(deps: Deps) -> None:
    """The one in force is not touched."""
    deps, _ = with_provider(deps)
    view = await begun(deps, Plan(switch_at=NOW + DAY))

    await rotations.let_go(deps, ALICE, view.id)

    assert await held(deps) == {CURRENT: [True], RETIRED: [False]}
    shown = await registries.show(deps, ALICE, "harbor-team")
    assert shown.credential is not None
    assert shown.credential.fingerprint.replace(" ", "") == view.old_fingerprint[:8]


async def test_a_deleted_registry_is_left_alone(deps: Deps) -> None:
    """Its old secret is not tried; restored, it goes on."""
    deps, provider = with_provider(deps)
    view = await begun(deps)
    await registries.delete(deps, ALICE, "harbor-team", "harbor-team")
    before = provider.tries_of(OLD)

    await after(deps, DAY + HOUR)

    assert provider.tries_of(OLD) == before
    assert (await rotations.view(deps, "T1", view.id)).state.is_open


async def test_the_proof_pulls_an_image_that_was_seen_in_use(deps: Deps) -> None:
    """A registry without a test image proves pulling with one that runs."""
    deps, provider = with_provider(deps)
    await add(deps)
    async with deps.store.transaction() as session:
        session.add(
            ImageUse(
                team_id="T1",
                source="declared",
                place="shop/production/web",
                image="harbor-team.example.com/shop/web:1.4",
                first_seen_at=NOW,
                last_seen_at=NOW,
            )
        )

    await rotate(deps)

    assert provider.images[-1] == "shop/web:1.4"


async def test_a_grace_period_has_bounds(deps: Deps) -> None:
    """Nobody keeps an old secret for a year by a slip of the finger."""
    deps, _ = with_provider(deps)
    await add(deps)

    with pytest.raises(InvalidInput) as caught:
        await rotate(deps, plan=Plan(grace=timedelta(days=365)))

    assert "hours" in caught.value.fields["grace"]


async def test_the_old_secret_goes_to_its_own_address_only(deps: Deps) -> None:
    """Somebody points the registry elsewhere: the old secret is not sent there."""
    deps, provider = with_provider(deps)
    await begun(deps)
    version = (await registries.show(deps, ALICE, "harbor-team")).version
    moved = generic(password=NEW, url="https://mallory.example.com")
    edit = await drafts.begin(deps, ALICE, moved, name_of_edited="harbor-team", version=version)
    assert (await drafts.try_draft(deps, ALICE, edit)).saved is not None

    await after(deps, DAY + 5 * MINUTE)

    assert ("mallory.example.com", OLD) not in provider.seen
    assert ("harbor-team.example.com", OLD) in provider.seen
