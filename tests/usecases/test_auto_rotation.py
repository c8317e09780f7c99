"""Rotating by itself: every step, every refusal, every doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, select
from structlog.testing import capture_logs

from bot.core.auto_rotation import Step
from bot.core.rotation import Phase
from bot.core.secret import Secret
from bot.errors import Conflict
from bot.kinds.rotation.base import Errand, Issued, Readiness
from bot.kinds.rotation.gateway import Rotators
from bot.store import rotation_runs, rotations
from bot.store.registries import live
from bot.store.schema import CURRENT, RETIRED, Credential, Outgoing, RotationRow
from bot.usecases import auto_rotation, registries, rotation_orphans
from bot.usecases import rotations as usecase
from bot.usecases.deps import Deps
from bot.usecases.rotation_orphans import Found
from tests.factories import ALICE, add, clock_of, generic, same_host
from tests.usecases.cloud import Chosen, Cloud, Dual, Key, Plain, Told
from tests.usecases.provider import OLD

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def with_cloud(deps: Deps) -> tuple[Deps, Cloud]:
    cloud = Cloud(clock_of(deps))
    return replace(deps, checker=cloud), cloud


async def begun(deps: Deps, rotators: Rotators, name: str = "harbor-team") -> str:
    async with deps.store.reading() as session:
        seen = await live(session, "T1", name)
    assert seen is not None
    return (await auto_rotation.start(deps, rotators, seen, "UALICE")).id


async def run(
    deps: Deps, rotators: Rotators, lasts: timedelta, enough: Callable[[], bool] = lambda: False
) -> None:
    """Let time pass, from one thing that is due to the next, or until `enough` was seen."""
    clock = clock_of(deps)
    end = clock.now() + lasts
    while True:
        while await usecase.tick_rotations(deps, rotators):
            if enough():
                return
        async with deps.store.reading() as session:
            due = (await session.exec(select(RotationRow.next_at))).all()
            leases = (await session.exec(select(RotationRow.lease_until))).all()
        ahead = [at for at in (*due, *leases) if at is not None and at > clock.now()]
        if not ahead or min(ahead) > end:
            break
        clock.skip(min(ahead) - clock.now())
    clock.skip(end - clock.now())


async def state(deps: Deps, rotation_id: str) -> tuple[Phase, Step]:
    async with deps.store.reading() as session:
        row = await rotations.by_id(session, rotation_id)
        assert row is not None
        return rotations.state_of(row).phase, rotation_runs.run_of(row).step


async def in_force(deps: Deps, name: str = "harbor-team") -> str:
    """The secret that the registry signs in with."""
    from bot.store import credentials

    shown = await registries.show(deps, ALICE, name)
    async with deps.store.reading() as session:
        held = await credentials.current(session, shown.id)
    return credentials.opened(held, deps.store.keyring)["password"].reveal()


async def kept(deps: Deps, name: str = "harbor-team") -> dict[str, list[bool]]:
    shown = await registries.show(deps, ALICE, name)
    async with deps.store.reading() as session:
        wanted = select(Credential).where(col(Credential.registry_id) == shown.id)
        found: dict[str, list[bool]] = {}
        for one in (await session.exec(wanted)).all():
            found.setdefault(one.state, []).append(one.blob is not None)
        return found


async def told(deps: Deps) -> list[str]:
    import json

    async with deps.store.reading() as session:
        rows = (await session.exec(select(Outgoing).order_by(col(Outgoing.id)))).all()
    values = [(one.op, json.loads(one.values_json)) for one in rows if "rotation" in one.what]
    return [f"{op} {value.get('entry', '')}".strip() for op, value in values]


async def test_a_key_is_rotated_from_beginning_to_end(deps: Deps) -> None:
    """Made, proven three times, in force, the old one stopped, deleted, and seen dead."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)

    await run(deps, rotators, 3 * DAY)

    assert await state(deps, rotation) == (Phase.DEAD, Step.OVER)
    assert cloud.calls == ["ready", "issue", "disable", "revoke"]
    assert list(cloud.keys) == ["key-1"]
    assert await in_force(deps) == "secret number 1"
    assert await kept(deps) == {CURRENT: [True], RETIRED: [False]}
    assert await told(deps) == ["post", "thread dead"]


async def test_the_old_key_works_through_the_grace_period(deps: Deps) -> None:
    """Deployments that still use it are not broken."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    await begun(deps, rotators)

    await run(deps, rotators, DAY - HOUR)

    assert cloud.working == {OLD, "secret number 1"}


async def test_a_key_that_takes_a_while_to_be_known_is_waited_for(deps: Deps) -> None:
    """It is put in force once it works, three times in a row."""
    deps, cloud = with_cloud(deps)
    cloud.settles = 2 * MINUTE
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)

    await run(deps, rotators, MINUTE)
    assert await in_force(deps) == OLD
    await run(deps, rotators, 20 * MINUTE)

    assert (await state(deps, rotation))[1] is Step.GRACE
    assert await in_force(deps) == "secret number 1"


async def test_a_key_that_never_works_is_ended_again(deps: Deps) -> None:
    """The old one stays in force, nothing is left behind, and people hear why."""
    deps, cloud = with_cloud(deps)
    cloud.settles = timedelta(days=30)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)

    await run(deps, rotators, 12 * HOUR)

    assert await state(deps, rotation) == (Phase.FAILED, Step.FAILED)
    assert list(cloud.keys) == ["key-0"]
    assert await in_force(deps) == OLD
    assert await told(deps) == ["post"]


async def test_what_is_missing_is_said_before_anything_is_made(deps: Deps) -> None:
    """No room for one more key."""
    deps, cloud = with_cloud(deps)
    cloud.make("somebody else's")
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)

    await run(deps, rotators, HOUR)

    assert await state(deps, rotation) == (Phase.FAILED, Step.FAILED)
    assert cloud.calls == ["ready"]
    view = await usecase.view(deps, "T1", rotation)
    assert "two keys already" in view.state.why


async def test_what_was_made_in_doubt_is_ended_before_another_is_made(deps: Deps) -> None:
    """The answer with the secret never came: that key is found by its label."""
    deps, cloud = with_cloud(deps)
    cloud.most = 3
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    await begun(deps, rotators)
    cloud.deaf = {"issue"}
    cloud.after = lambda call: cloud.deaf.clear() if call == "labelled" else None

    await run(deps, rotators, 3 * DAY)

    assert list(cloud.keys) == ["key-2"]
    assert await in_force(deps) == "secret number 2"


async def test_what_was_made_in_doubt_is_not_forgotten_when_it_may_not_be_ended(deps: Deps) -> None:
    """The rotation does not give up with a living key behind it: it asks again, and says so."""
    deps, cloud = with_cloud(deps)
    cloud.most = 9
    rotators = cloud.rotators(Plain(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)
    cloud.deaf = {"issue"}
    cloud.refuses = {"revoke": "This key may not delete keys."}

    await run(deps, rotators, DAY)
    assert (await state(deps, rotation))[1] is Step.RECONCILE
    assert await told(deps) == ["post", "thread not_ended"]
    cloud.deaf, cloud.refuses = set(), {}
    await run(deps, rotators, 3 * DAY)

    assert list(cloud.keys) == ["key-2"]
    assert await in_force(deps) == "secret number 2"


async def test_a_provider_that_never_answers_is_given_up(deps: Deps) -> None:
    """After three tries, with nothing of ours left there."""
    deps, cloud = with_cloud(deps)
    cloud.most = 9
    cloud.deaf = {"issue"}
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)

    await run(deps, rotators, DAY)

    assert await state(deps, rotation) == (Phase.FAILED, Step.FAILED)
    assert list(cloud.keys) == ["key-0"]
    assert cloud.calls.count("issue") == 3


async def test_going_back_ends_the_new_key(deps: Deps) -> None:
    """The old one is in force again and the one that was made is no forgotten key."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)
    await run(deps, rotators, HOUR)

    await usecase.go_back(deps, ALICE, rotation)
    await run(deps, rotators, HOUR)

    assert (await state(deps, rotation))[0] is Phase.BACK
    assert list(cloud.keys) == ["key-0"]
    assert await in_force(deps) == OLD


async def test_going_back_starts_a_stopped_key_first(deps: Deps) -> None:
    """Also in the second grace period, when the old one is stopped already."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)
    await run(deps, rotators, DAY + HOUR)
    assert cloud.working == {"secret number 1"}

    await usecase.go_back(deps, ALICE, rotation)
    await run(deps, rotators, HOUR)

    assert cloud.working == {OLD}
    assert await in_force(deps) == OLD


async def test_in_place_there_is_no_way_back(deps: Deps) -> None:
    """The provider ended the old one when it made the new one."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Chosen(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)
    await usecase.tick_rotations(deps, rotators)
    await usecase.tick_rotations(deps, rotators)

    assert await in_force(deps) != OLD
    with pytest.raises(Conflict, match="no way back"):
        await usecase.go_back(deps, ALICE, rotation)


@pytest.mark.parametrize("kind", [Chosen, Told])
async def test_in_place_the_new_one_is_in_force_at_once(deps: Deps, kind: type[Chosen]) -> None:
    """And the old one is seen dead."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(kind(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)

    await run(deps, rotators, HOUR)

    assert await state(deps, rotation) == (Phase.DEAD, Step.OVER)
    assert {await in_force(deps)} == cloud.working


async def test_a_chosen_secret_survives_a_lost_answer(deps: Deps) -> None:
    """It was stored before the provider was given it."""
    deps, cloud = with_cloud(deps)
    cloud.deaf = {"issue"}
    rotators = cloud.rotators(Chosen(cloud))
    await add(deps)
    await begun(deps, rotators)

    await run(deps, rotators, HOUR)

    assert {await in_force(deps)} == cloud.working
    assert cloud.calls.count("issue") == 1


async def test_a_secret_told_once_and_lost_is_said_aloud_and_not_asked_for_again(
    deps: Deps,
) -> None:
    """Asking again with the ended one would end everything that came of it."""
    deps, cloud = with_cloud(deps)
    cloud.deaf = {"issue"}
    rotators = cloud.rotators(Told(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)

    await run(deps, rotators, DAY)

    assert (await state(deps, rotation))[1] is Step.LOST
    assert cloud.calls.count("issue") == 1
    assert cloud.working == {"secret number 1"}
    view = await usecase.view(deps, "T1", rotation)
    assert "never came" in view.state.why


async def test_a_request_that_never_arrived_is_sent_again(deps: Deps) -> None:
    """The old one still works: nothing was done, so asking again harms nothing."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Told(cloud))
    await add(deps)
    await begun(deps, rotators)
    failures = iter([True])

    def cut(call: str) -> None:
        from bot.errors import Unclear

        if call == "issue" and next(failures, False):
            raise Unclear("The connection was cut.")

    cloud.before = cut
    await run(deps, rotators, HOUR)

    assert {await in_force(deps)} == cloud.working == {"secret number 1"}


async def test_what_the_provider_will_not_end_is_told_of_and_asked_again(deps: Deps) -> None:
    """Once, after the third refusal; it is deleted as soon as it may be."""
    deps, cloud = with_cloud(deps)
    cloud.refuses = {"revoke": "AWS does not allow this key to delete keys."}
    rotators = cloud.rotators(Plain(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)

    await run(deps, rotators, 2 * DAY)
    assert await told(deps) == ["post", "thread not_ended"]
    cloud.refuses = {}
    await run(deps, rotators, DAY)

    assert (await state(deps, rotation))[0] is Phase.DEAD
    assert list(cloud.keys) == ["key-1"]


async def test_a_shared_key_is_rotated_once(deps: Deps) -> None:
    """A second start finds it under way, from whichever registry."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Dual(cloud))
    await add(deps)
    await add(deps, answers=same_host("other-team"))
    await begun(deps, rotators)

    with pytest.raises(Conflict, match="already"):
        await begun(deps, rotators, "other-team")
    await run(deps, rotators, HOUR)

    assert cloud.made == 1
    assert await in_force(deps, "other-team") == await in_force(deps) == "secret number 1"


async def test_a_deleted_registry_stops_its_rotation_until_it_is_restored(deps: Deps) -> None:
    """No key is ended while nobody knows whether it comes back; restored, it goes on."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Plain(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)
    await run(deps, rotators, HOUR)
    await registries.delete(deps, ALICE, "harbor-team", "harbor-team")

    await run(deps, rotators, 3 * DAY)
    assert set(cloud.keys) == {"key-0", "key-1"}
    await registries.restore(deps, ALICE, "harbor-team")
    await run(deps, rotators, DAY)

    assert (await state(deps, rotation))[0] is Phase.DEAD
    assert set(cloud.keys) == {"key-1"}


async def test_the_journal_tells_every_step(deps: Deps) -> None:
    """Begun and done, with the provider's own names of the keys, and no secret."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Plain(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)
    await run(deps, rotators, 3 * DAY)

    async with deps.store.reading() as session:
        lines = await rotation_runs.journal(session, rotation)
    steps = [(one.step, one.outcome) for one in lines]
    assert steps == [
        (step, outcome)
        for step in ("prepare", "issue", "prove", "prove", "prove", "grace", "revoke")
        for outcome in ("began", "done")
    ]
    assert "secret number" not in "".join(one.detail + one.handle for one in lines)


async def test_an_orphan_is_found_by_its_label(deps: Deps) -> None:
    """Somebody stopped the rotation in a bad moment; the key in force is none."""
    deps, cloud = with_cloud(deps)
    cloud.most = 9
    rotators = cloud.rotators(Plain(cloud))
    await add(deps)
    rotation = await begun(deps, rotators)
    await run(deps, rotators, HOUR)
    assert await rotation_orphans.find(deps, rotators, ALICE) == Found((), ())
    async with deps.store.reading() as session:
        row = await rotations.by_id(session, rotation)
        assert row is not None
    left = cloud.make(rotation_runs.run_of(row).label)

    found = await rotation_orphans.find(deps, rotators, ALICE)

    assert [(one.registry, one.handle) for one in found.orphans] == [("harbor-team", left.handle)]


async def test_a_provider_that_does_not_answer_is_not_taken_for_clean(deps: Deps) -> None:
    """It is named with the reason."""
    deps, cloud = with_cloud(deps)
    rotators = cloud.rotators(Plain(cloud))
    await add(deps)
    await begun(deps, rotators)
    await run(deps, rotators, HOUR)
    cloud.deaf = {"labelled"}

    found = await rotation_orphans.find(deps, rotators, ALICE)

    assert found.unseen == (("harbor-team", "The provider did not answer."),)


class Strange(Dual):
    """Breaks in a way that nobody thought of, at one host, in one call."""

    def __init__(self, cloud: Cloud, call: str) -> None:
        super().__init__(cloud)
        self.call = call

    def _break(self, errand: Errand, call: str) -> None:
        if call == self.call and errand.config.host == "strange.example.com":
            raise AssertionError("nobody thought of this")

    async def ready(self, errand: Errand) -> Readiness:
        self._break(errand, "ready")
        return await super().ready(errand)

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        self._break(errand, "issue")
        made = await super().issue(errand, label, lasts, proposed)
        strange = errand.config.host == "strange.example.com" and self.call == "stored"
        return replace(made, handle="key \ud800 of no alphabet") if strange else made


@pytest.mark.parametrize("call", ["ready", "issue", "stored"])
async def test_one_that_breaks_harms_no_other(deps: Deps, call: str) -> None:
    """An error in the program, or an answer that cannot be stored, is its own rotation's matter."""
    deps, cloud = with_cloud(deps)
    cloud.most = 9
    cloud.keys["key-9"] = Key("key-9", "a password of its own", clock_of(deps).now())
    rotators = cloud.rotators(Strange(cloud, call))
    await add(deps, answers=generic("strange", password="a password of its own"))
    await add(deps)
    strange = await begun(deps, rotators, "strange")
    other = await begun(deps, rotators)
    with capture_logs():
        await run(deps, rotators, HOUR)

    assert (await state(deps, other))[1] is Step.GRACE
    assert (await state(deps, strange))[1] is not Step.GRACE
    assert await in_force(deps, "strange") == "a password of its own"
