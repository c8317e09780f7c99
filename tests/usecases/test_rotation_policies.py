"""When credentials are rotated by themselves, what is missing for it, and who has to agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.auto_rotation import Step
from bot.core.clock import FixedClock
from bot.core.rotation import Phase
from bot.core.rotation_schedule import Wish, due_at, opens_at
from bot.core.secret import Secret
from bot.core.worktime import WorkHours
from bot.errors import Conflict, InvalidInput, NotAllowed
from bot.kinds.base import Field
from bot.kinds.rotation.base import Errand, Issued
from bot.store import rotation_runs
from bot.store.engine import Store
from bot.store.schema import CURRENT, Credential, RotationJournal, RotationRow
from bot.usecases import auto_rotation, freezes, rotation_policies, rotations, workspaces
from bot.usecases.deps import Deps
from bot.usecases.rotation_policies import Wanted, tick_rotation_policies
from tests.factories import ALICE, BOB, NOW, add, clock_of, deps_on, generic, keyring
from tests.usecases.cloud import Base, Chosen, Cloud, Dual, no_rotators
from tests.usecases.provider import OLD
from tests.usecases.test_auto_rotation import in_force, run, state, with_cloud

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HOURS = WorkHours(ZoneInfo("UTC"))
FRIDAY_EVENING = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
CAROL = replace(ALICE, user_id="UCAROL")


class WithAccess(Dual):
    """A provider that wants a credential of its own to rotate with."""

    fields: ClassVar[tuple[Field, ...]] = (Field("admin_token", "Admin token", secret=True),)


def test_it_is_due_by_age_or_before_it_expires_whichever_comes_first() -> None:
    """An expiry that nobody tells counts for nothing."""
    wish = Wish(at_age_days=90, before_expiry_days=14)

    assert due_at(wish, MONDAY, None) == MONDAY + 90 * DAY
    assert due_at(wish, MONDAY, MONDAY + 30 * DAY) == MONDAY + 16 * DAY
    assert due_at(Wish(), MONDAY, MONDAY) is None


def test_it_begins_at_work_and_never_in_a_freeze() -> None:
    """Due on a Friday evening, it begins on Monday morning; frozen, when that is over."""
    assert opens_at(FRIDAY_EVENING, FRIDAY_EVENING, HOURS, None) == MONDAY
    frozen = MONDAY + 2 * DAY
    assert opens_at(FRIDAY_EVENING, FRIDAY_EVENING, HOURS, frozen) == frozen
    night = frozen + timedelta(hours=12)
    assert opens_at(FRIDAY_EVENING, FRIDAY_EVENING, HOURS, night) == MONDAY + 3 * DAY


async def switched_on(deps: Deps, cloud: Cloud, **changes: object) -> None:
    wanted = replace(Wanted(enabled=True, at_age_days=90), **changes)  # type: ignore[arg-type]
    rotators = cloud.rotators(Dual(cloud))
    await rotation_policies.change(deps, rotators, ALICE, "harbor-team", 0, wanted, {})


async def test_what_is_due_is_begun_once(deps: Deps) -> None:
    """By whichever process looks first, and not again while it is under way."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    await switched_on(deps, cloud)
    assert await tick_rotation_policies(deps, rotators) == 0
    clock_of(deps).skip(90 * DAY)

    assert await tick_rotation_policies(deps, rotators) == 1
    assert await tick_rotation_policies(deps, rotators) == 0
    await run(deps, rotators, HOUR)

    assert await in_force(deps) == "secret number 1"


async def test_no_policy_is_out_of_sight(deps: Deps) -> None:
    """However many there are, all are looked at."""
    cloud = Cloud(clock_of(deps))
    rotators = cloud.rotators(Dual(cloud))
    for number in range(3):
        name = f"reg-{number}"
        await add(deps, answers=generic(name, password=f"{OLD} {number}"))
        wanted = Wanted(enabled=True, at_age_days=90)
        await rotation_policies.change(deps, rotators, ALICE, name, 0, wanted, {})
    clock_of(deps).skip(90 * DAY)

    assert await tick_rotation_policies(deps, rotators, batch=2) == 3


async def test_two_replicas_begin_and_do_it_once(postgresql_url: str) -> None:
    """Both look at the same moment, again and again, until it is over."""
    clock, ring = FixedClock(NOW), keyring()
    cloud = Cloud(clock)
    cloud.most = 9
    replicas = [replace(deps_on(postgresql_url, clock, ring), checker=cloud) for _ in range(2)]
    rotators = cloud.rotators(Dual(cloud))
    await add(replicas[0])
    await switched_on(replicas[0], cloud)
    clock.skip(90 * DAY)
    begun, steps = 0, 0
    for _ in range(200):
        ticks = [tick_rotation_policies(one, rotators) for one in replicas]
        begun += sum(await asyncio.gather(*ticks))
        done = sum(
            await asyncio.gather(*(rotations.tick_rotations(one, rotators) for one in replicas))
        )
        steps += done
        if not done:
            clock.skip(HOUR)
    async with replicas[0].store.reading() as session:
        lines = (await session.exec(select(RotationJournal))).all()
    for one in replicas:
        await one.store.close()

    assert begun == 1
    assert cloud.calls == ["ready", "issue", "disable", "revoke"]
    assert len(cloud.keys) == 1
    assert len([one for one in lines if one.outcome == "began"]) == len(lines) / 2 == steps - 2


class StalledStore(Store):
    """The store of a replica that stands still before its first transaction."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        waited, self.meanwhile = self.meanwhile, None
        if waited is not None:
            await waited()
        async with super().transaction() as session:
            yield session


def stalled(deps: Deps, meanwhile: Callable[[], Awaitable[object]]) -> Deps:
    store = StalledStore(deps.store.engine, deps.store.keyring, deps.clock)
    store.meanwhile = meanwhile
    return replace(deps, store=store)


@pytest.mark.parametrize("strategy", [Chosen, Dual])
async def test_what_a_stalled_replica_saw_as_due_is_not_begun(
    deps: Deps, strategy: type[Base]
) -> None:
    """Another replaced the credential between its look and its beginning: one rotation is enough."""
    deps, cloud = with_cloud(deps)
    cloud.most = 9
    rotators = cloud.rotators(strategy(cloud))  # type: ignore[arg-type]
    await add(deps)
    await switched_on(deps, cloud)
    clock_of(deps).skip(90 * DAY)

    async def meanwhile() -> None:
        assert await tick_rotation_policies(deps, rotators) == 1
        await run(deps, rotators, HOUR)

    assert await tick_rotation_policies(stalled(deps, meanwhile), rotators) == 0
    await run(deps, rotators, HOUR)

    assert cloud.calls.count("issue") == 1
    assert (await in_force(deps)) in cloud.working - {OLD}


async def test_whoever_is_overtaken_is_told_that_it_was_replaced(deps: Deps) -> None:
    """A manager meant the credential that was there, not the one that just took its place."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Chosen(cloud))
    await add(deps)

    async def meanwhile() -> None:
        await rotation_policies.rotate_now(deps, rotators, ALICE, "harbor-team")
        await run(deps, rotators, HOUR)

    with pytest.raises(Conflict, match="replaced meanwhile"):
        await rotation_policies.rotate_now(stalled(deps, meanwhile), rotators, ALICE, "harbor-team")
    async with deps.store.reading() as session:
        assert len((await session.exec(select(RotationRow))).all()) == 1


async def test_a_freeze_holds_it_back(deps: Deps) -> None:
    """And a start by hand as well; when it is over, what is due begins."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    await switched_on(deps, cloud)
    clock_of(deps).skip(90 * DAY)
    await freezes.freeze(deps, ALICE, "2d", "the release")

    assert await tick_rotation_policies(deps, rotators) == 0
    with pytest.raises(Conflict, match="frozen"):
        await rotation_policies.rotate_now(deps, rotators, ALICE, "harbor-team")
    await freezes.thaw(deps, ALICE)

    assert await tick_rotation_policies(deps, rotators) == 1


async def test_one_that_failed_is_not_begun_again_at_once(deps: Deps) -> None:
    """People were told why; it is tried again the next day."""
    deps, cloud = with_cloud(deps)
    cloud.make("somebody else's")
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    await switched_on(deps, cloud)
    clock_of(deps).skip(90 * DAY)
    await tick_rotation_policies(deps, rotators)
    await run(deps, rotators, HOUR)

    assert await tick_rotation_policies(deps, rotators) == 0
    clock_of(deps).skip(DAY)
    assert await tick_rotation_policies(deps, rotators) == 1


async def with_four_eyes(deps: Deps) -> None:
    settings = await workspaces.settings(deps, ALICE)
    preferences = replace(settings.preferences, four_eyes=True)
    wanted = replace(settings, preferences=preferences, manager_users=("UALICE", "UCAROL"))
    await workspaces.change_settings(deps, ALICE, wanted)


async def test_a_second_manager_approves(deps: Deps) -> None:
    """Nobody approves their own wish, and until then nothing is asked of the provider."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    await with_four_eyes(deps)
    rotation = await rotation_policies.rotate_now(deps, rotators, ALICE, "harbor-team")
    await run(deps, rotators, HOUR)
    assert cloud.calls == []

    with pytest.raises(NotAllowed, match="Another manager"):
        await auto_rotation.decide(deps, ALICE, rotation, yes=True)
    with pytest.raises(NotAllowed):
        await auto_rotation.decide(deps, BOB, rotation, yes=True)
    await auto_rotation.decide(deps, CAROL, rotation, yes=True)
    await run(deps, rotators, HOUR)

    assert (await state(deps, rotation))[1] is Step.GRACE


async def test_a_second_manager_declines_with_a_reason(deps: Deps) -> None:
    """Nothing was done, and it cannot be decided twice."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    await with_four_eyes(deps)
    rotation = await rotation_policies.rotate_now(deps, rotators, ALICE, "harbor-team")

    with pytest.raises(InvalidInput):
        await auto_rotation.decide(deps, CAROL, rotation, yes=False)
    await auto_rotation.decide(deps, CAROL, rotation, yes=False, reason="Not this week.")
    with pytest.raises(Conflict, match="decided"):
        await auto_rotation.decide(deps, CAROL, rotation, yes=True)
    await run(deps, rotators, DAY)

    assert await state(deps, rotation) == (Phase.FAILED, Step.FAILED)
    assert (await rotations.view(deps, "T1", rotation)).state.why == "Declined: Not this week."
    assert cloud.calls == []
    assert await in_force(deps) == OLD


async def test_a_dry_run_makes_nothing(deps: Deps) -> None:
    """It tells the steps, and what is missing."""
    deps, cloud = with_cloud(deps)
    cloud.make("somebody else's")
    await add(deps)

    found = await rotation_policies.diagnose(deps, cloud.rotators(Dual(cloud)), BOB, "harbor-team")

    assert "Delete the old one at the provider." in found.steps
    assert found.problems == ("There are two keys already; delete one that nobody uses.",)
    assert cloud.calls == ["ready"]


async def test_in_place_says_that_the_old_one_dies_at_once(deps: Deps) -> None:
    """Before anybody switches it on."""
    deps, cloud = with_cloud(deps)
    await add(deps)

    found = await rotation_policies.diagnose(
        deps, cloud.rotators(Chosen(cloud)), BOB, "harbor-team"
    )

    assert "dead from then on" in found.steps[0]


async def test_what_a_provider_needs_is_asked_for_and_kept_sealed(deps: Deps) -> None:
    """Blank keeps what is stored; it is never told again, nor used at another address."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(WithAccess(cloud))
    await add(deps)
    wanted = Wanted(enabled=True, at_age_days=90)
    with pytest.raises(InvalidInput) as caught:
        await rotation_policies.change(deps, rotators, ALICE, "harbor-team", 0, wanted, {})
    assert "Admin token is needed" in caught.value.fields["admin_token"]

    access = {"admin_token": Secret("a token that may do more")}
    await rotation_policies.change(deps, rotators, ALICE, "harbor-team", 0, wanted, access)
    view = await rotation_policies.change(deps, rotators, ALICE, "harbor-team", 1, wanted, {})

    assert view.held
    async with deps.store.reading() as session:
        from bot.store import registries

        stored = await registries.live(session, "T1", "harbor-team")
        assert stored is not None
        found = await rotation_runs.policy(session, stored.registry.id)
    assert rotation_runs.access(found, deps.store.keyring, stored.registry.url) == access
    assert rotation_runs.access(found, deps.store.keyring, "https://other.example.com") == {}
    assert found is not None
    assert b"may do more" not in (found.access_blob or b"")


async def test_no_reference_is_taken_for_what_a_provider_needs(deps: Deps) -> None:
    """It would be sent as it is, because only a registry's own secret is followed."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(WithAccess(cloud))
    await add(deps)
    wanted = Wanted(enabled=True, at_age_days=90)
    access = {"admin_token": Secret("env:REG_ADMIN_TOKEN")}

    with pytest.raises(InvalidInput) as caught:
        await rotation_policies.change(deps, rotators, ALICE, "harbor-team", 0, wanted, access)

    assert "looks like a reference" in caught.value.fields["admin_token"]


async def test_the_slower_of_two_editors_is_told(deps: Deps) -> None:
    """Nothing is overwritten unseen."""
    deps, cloud = with_cloud(deps)
    await add(deps)
    await switched_on(deps, cloud)

    with pytest.raises(Conflict, match="Somebody else"):
        await switched_on(deps, cloud)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"at_age_days": None}, "at_age_days"),
        ({"at_age_days": 0}, "at_age_days"),
        ({"before_expiry_days": 9999}, "before_expiry_days"),
        ({"lasts_days": 0}, "lasts_days"),
        ({"grace_hours": -1}, "grace_hours"),
    ],
)
async def test_a_policy_has_bounds(deps: Deps, changes: dict[str, object], field: str) -> None:
    """Each fault on its field."""
    deps, cloud = with_cloud(deps)
    await add(deps)

    with pytest.raises(InvalidInput) as caught:
        await switched_on(deps, cloud, **changes)

    assert field in caught.value.fields


async def test_members_change_nothing(deps: Deps) -> None:
    """Looking is for everyone."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)

    assert not (await rotation_policies.view(deps, rotators, BOB, "harbor-team")).unsuited
    with pytest.raises(NotAllowed):
        await rotation_policies.rotate_now(deps, rotators, BOB, "harbor-team")
    with pytest.raises(NotAllowed):
        await freezes.freeze(deps, BOB, "2d", "")


async def test_where_nothing_is_offered_it_says_so(deps: Deps) -> None:
    """And cannot be switched on."""
    deps, _ = with_cloud(deps)
    rotators = no_rotators(deps.clock)
    await add(deps)

    view = await rotation_policies.view(deps, rotators, ALICE, "harbor-team")
    assert view.unsuited == "A person has to."
    wanted = Wanted(enabled=True, at_age_days=90)
    with pytest.raises(Conflict, match="A person has to"):
        await rotation_policies.change(deps, rotators, ALICE, "harbor-team", 0, wanted, {})


def test_a_row_says_whether_it_is_running() -> None:
    """A guided one has no run."""
    row = RotationRow(
        id="r", team_id="T1", registry_id="x", mode="guided", phase="grace", state_json="{}",
        opened_at=MONDAY, opened_by="U1",
    )  # fmt: skip

    assert not rotation_runs.is_running(row)


class Unmoved(Chosen):
    """Replaces the secret of a robot, which ends when it would have ended."""

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        made = await super().issue(errand, label, lasts, proposed)
        return replace(made, expires_at=self.cloud.clock.now() + 5 * DAY)


async def test_a_rotation_that_changes_no_age_and_no_end_is_not_repeated(deps: Deps) -> None:
    """A robot is as old as before, and ends soon all the same: another new secret helps nobody."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Unmoved(cloud))
    await add(deps)
    await switched_on(deps, cloud, before_expiry_days=14)
    clock_of(deps).skip(90 * DAY)
    assert await tick_rotation_policies(deps, rotators) == 1
    await run(deps, rotators, HOUR)
    async with deps.store.transaction() as session:
        wanted = select(Credential).where(col(Credential.state) == CURRENT)
        held = (await session.exec(wanted)).one()
        held.issued_at = held.stored_at - 100 * DAY
        session.add(held)

    assert await tick_rotation_policies(deps, rotators) == 0
    view = await rotation_policies.view(deps, rotators, ALICE, "harbor-team")
    assert view.next_at is not None
    assert view.next_at > clock_of(deps).now() + 80 * DAY


class WithChoice(Dual):
    """A provider that can do with its own key, or with another."""

    fields: ClassVar[tuple[Field, ...]] = (
        Field("other_user", "Other user", secret=True, required=False),
        Field("other_secret", "Its secret", secret=True, required=False),
    )


async def test_what_may_stay_blank_is_not_asked_for(deps: Deps) -> None:
    """It is switched on without, and takes what is given."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(WithChoice(cloud))
    await add(deps)
    wanted = Wanted(enabled=True, at_age_days=90)

    first = await rotation_policies.change(deps, rotators, ALICE, "harbor-team", 0, wanted, {})
    given = {"other_user": Secret("robot$all"), "other_secret": Secret("hush hush hush")}
    second = await rotation_policies.change(deps, rotators, ALICE, "harbor-team", 1, wanted, given)

    assert (first.wanted.enabled, first.held, second.held) == (True, False, True)
