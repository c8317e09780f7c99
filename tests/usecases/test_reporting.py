"""What a period was like."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, update

from bot.core.check import Verdict
from bot.core.day_counts import DayState
from bot.core.report import Next, Report
from bot.store.schema import Registry
from bot.usecases import checking, drafts, registries, reporting
from bot.usecases.deps import Deps
from tests.factories import (
    ALICE,
    BOB,
    MALLORY,
    NOW,
    add,
    checker_of,
    clock_of,
    cluster,
    expiring,
    generic,
    proven,
    refused,
    stored,
    unproven,
)
from tests.usecases.history import ago, checked, failed
from tests.usecases.telling import inventory


async def week(deps: Deps) -> Report:
    now = deps.clock.now()
    return await reporting.report(deps, BOB, now - timedelta(days=7), now)


async def test_failures_tell_for_how_long(deps: Deps) -> None:
    """Those that last come first; what ended before the period is left out."""
    one = await add(deps)
    two = await add(deps, answers=generic("other"))
    await failed(deps, one.id, ago(days=3), ago(days=2))
    await failed(deps, two.id, ago(hours=2))
    await failed(deps, one.id, ago(days=20), ago(days=19))
    told = await week(deps)

    assert [(one.names, one.length(NOW)) for one in told.failures] == [
        (("other",), timedelta(hours=2)),
        (("harbor-team",), timedelta(days=1)),
    ]
    assert [one.until is None for one in told.failures] == [True, False]


async def test_a_rotation_is_another_secret_in_place_of_one(deps: Deps) -> None:
    """An edit of the description is none, and neither is a new registry."""
    await add(deps)
    await add(deps, answers=generic("other"))
    clock_of(deps).skip(timedelta(days=1))
    for name, changes in (
        ("harbor-team", {"password": "another one"}),
        ("other", {"description": "words", "password": ""}),
    ):
        view = await registries.show(deps, ALICE, name)
        draft = await drafts.begin(
            deps, ALICE, generic(name, **changes), name_of_edited=name, version=view.version
        )
        await drafts.try_draft(deps, ALICE, draft)
    clock_of(deps).skip(timedelta(minutes=1))
    told = await week(deps)

    assert [(one.name, one.by) for one in told.rotated] == [("harbor-team", "UALICE")]


async def test_expiries_and_rotations_come_up(deps: Deps) -> None:
    """With who told the expiry."""
    checker_of(deps).answers = [expiring(NOW + timedelta(days=14))]
    await add(deps)
    checker_of(deps).answers = [proven()]
    await add(deps, answers=generic("other", rotate_days="30"))
    coming = await reporting.next_up(deps, BOB)

    assert [(one.name, one.what, one.source) for one in coming.soon] == [
        ("harbor-team", Next.EXPIRY, "provider"),
        ("other", Next.ROTATION, ""),
    ]


async def test_what_was_never_proven_is_named(deps: Deps) -> None:
    """Not what is refused: that is an incident."""
    await add(deps, answers=generic("fine"))
    checker_of(deps).answers = [unproven()]
    await stored(deps, answers=generic("open"))
    checker_of(deps).answers = [refused()]
    await stored(deps, answers=generic("bad"))

    assert (await week(deps)).unproven == ("open",)


async def test_a_month_without_one_good_check_is_perhaps_unused(deps: Deps) -> None:
    """A young registry is not judged so."""
    old = await add(deps)
    young = await add(deps, answers=generic("young"))
    async with deps.store.transaction() as session:
        aged = update(Registry).where(col(Registry.id) == old.id)
        await session.exec(aged.values(created_at=ago(days=60)))
    for view in (old, young):
        await checked(deps, view.id, [(ago(days=n), refused()) for n in range(5)])

    assert (await week(deps)).idle == ("harbor-team",)


async def test_what_nothing_uses_is_named_once_somebody_tells_what_runs(deps: Deps) -> None:
    """Without an inventory every registry would be called unused."""
    await add(deps)
    await add(deps, answers=generic("other-team"))
    assert (await week(deps)).unused == ()

    prod = (await cluster(deps, "prod-eu")).cluster.id
    await inventory(deps, prod, [("web/Deployment/api", "other-team.example.com/api:1")])

    assert (await week(deps)).unused == ("harbor-team",)


async def test_a_check_by_a_person_shows_in_the_grid(deps: Deps) -> None:
    """Counted in the transaction that writes it down."""
    await add(deps)
    checker_of(deps).answers = [refused()]
    await checking.check_registry(deps, BOB, "harbor-team")
    told = await week(deps)

    assert told.grid.rows[0].states[-1] is DayState.FAILED
    assert told.counters.by_verdict == {Verdict.REFUSED: 1}


async def test_a_report_is_of_one_workspace(deps: Deps) -> None:
    """Another one sees nothing of it."""
    view = await add(deps)
    await failed(deps, view.id, ago(hours=2))
    told = await reporting.report(deps, MALLORY, ago(days=7), NOW)

    assert (told.failures, told.grid.rows, told.coming.total) == ((), (), 0)
