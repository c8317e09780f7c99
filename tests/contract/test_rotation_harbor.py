"""A robot of the practice Harbor is rotated: by itself, by a maintainer, and in every bad moment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.auto_rotation import Step
from bot.core.check import Verdict
from bot.core.rotation import Phase
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.rotation.harbor import HarborRobots
from bot.kinds.rotation.providers import provider_for
from bot.sandbox.practice.vendors.generic import HARBOR
from bot.store.schema import CURRENT, RETIRED
from tests.contract.lab import Lab, open_lab
from tests.contract.rotating import NAME, World, deaf, errand, open_world, unheard
from tests.contract.test_age import harbor
from tests.usecases.test_auto_rotation import begun, in_force, kept, run, state

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CHOSEN = Secret("Rg1-a-secret-of-the-tests")
PROVIDER = HarborRobots()


def maintainer(lab: Lab) -> dict[str, str]:
    vendor = lab.practice.generic
    return {"harbor_username": vendor.maintainer, "harbor_secret": vendor.maintainer_secret}


async def opened(world: World) -> None:
    vendor = world.lab.practice.generic
    vendor.robot_ends_at = None
    await world.save(f"https://{HARBOR}", vendor.robot, vendor.robot_secret)


async def test_a_robot_is_rotated_from_beginning_to_end(database_url: str) -> None:
    """By itself: the new secret is in force at once, and the old one is seen dead."""
    async with open_world(database_url) as world:
        await opened(world)
        old = world.lab.practice.generic.robot_secret
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, DAY)

        assert await state(world.deps, rotation) == (Phase.DEAD, Step.OVER)
        new = await in_force(world.deps, NAME)
        assert new == world.lab.practice.generic.robot_secret != old
        held = await kept(world.deps, NAME)
        assert held[CURRENT] == [True]
        assert not any(held[RETIRED])


async def test_an_answer_that_never_came_loses_nothing(database_url: str) -> None:
    """Harbor has the new secret, which was stored before; it is recognised, and sent only once."""
    async with open_world(database_url) as world:
        await opened(world)
        vendor = world.lab.practice.generic
        world.lab.practice.serve(HARBOR, deaf(vendor.answer, "PATCH"))
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, DAY)

        assert (await state(world.deps, rotation))[1] is Step.OVER
        assert await in_force(world.deps, NAME) == vendor.robot_secret
        assert len([one for one in world.lab.practice.log if one.method == "PATCH"]) == 1


async def test_a_request_that_never_arrived_is_sent_again(database_url: str) -> None:
    """The old secret still works, so nothing was done."""
    async with open_world(database_url) as world:
        await opened(world)
        vendor = world.lab.practice.generic
        world.lab.practice.serve(HARBOR, unheard(vendor.answer, "PATCH"))
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, DAY)

        assert (await state(world.deps, rotation))[1] is Step.OVER
        assert await in_force(world.deps, NAME) == vendor.robot_secret


async def test_a_missing_right_is_said_before_anything_is_changed(database_url: str) -> None:
    """The robot may not update robots; a maintainer who may is named, and then it works."""
    async with open_world(database_url) as world:
        await opened(world)
        vendor = world.lab.practice.generic
        vendor.robot_may = {"list"}
        first = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, HOUR)
        assert (await state(world.deps, first))[1] is Step.FAILED
        assert "may not update robots" in await world.why(first)
        assert not any(one.method == "PATCH" for one in world.lab.practice.log)

        await world.give(maintainer(world.lab))
        second = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, DAY)

        assert (await state(world.deps, second))[1] is Step.OVER
        assert await in_force(world.deps, NAME) == vendor.robot_secret


@pytest.mark.parametrize(
    ("changed", "access", "said"),
    [
        ({"robot_may": set()}, {}, "may not list robots"),
        ({"robot_disabled": True}, {}, "disabled"),
        ({"robot": "robot$team+other"}, None, "lists no robot"),
        ({}, {"harbor_username": "somebody", "harbor_secret": "wrong"}, "Harbor refused somebody"),
        ({}, {"harbor_username": "somebody"}, "or neither"),
    ],
)
async def test_what_is_missing_is_named(
    changed: dict[str, object], access: dict[str, str] | None, said: str
) -> None:
    """Nothing is made, and the sentence says what to do."""
    async with open_lab() as lab:
        vendor = lab.practice.generic
        vendor.robot_ends_at = None
        config = lab.config("generic", changed=harbor(lab))
        for name, value in changed.items():
            setattr(vendor, name, value)
        with_this = maintainer(lab) if access is None else access
        try:
            problems = (await PROVIDER.ready(errand(lab, config, with_this))).problems
        except NotDone as error:
            problems = (str(error),)

        assert said in " ".join(problems)
        assert not any(one.method == "PATCH" for one in lab.practice.log)


async def test_a_robot_that_ends_soon_is_said_to() -> None:
    """A new secret does not extend it; later than two weeks nobody needs to hear of it."""
    async with open_lab() as lab:
        vendor = lab.practice.generic
        config = lab.config("generic", changed=harbor(lab))
        vendor.robot_ends_at = lab.clock.now() + 13 * DAY
        soon = await PROVIDER.ready(errand(lab, config))
        vendor.robot_ends_at = lab.clock.now() + 15 * DAY
        later = await PROVIDER.ready(errand(lab, config))
        made = await PROVIDER.issue(errand(lab, config), "", 90 * DAY, CHOSEN)

    assert "does not change that" in " ".join(soon.problems)
    assert later.problems == ()
    assert made.expires_at == vendor.robot_ends_at
    assert made.secrets == {"password": CHOSEN}


async def test_the_new_secret_works_and_the_old_one_does_not() -> None:
    """The practice Harbor replaces it at once, and `recover` knows it."""
    async with open_lab() as lab:
        config = lab.config("generic", changed=harbor(lab))
        assert await PROVIDER.recover(errand(lab, config), CHOSEN) is None
        made = await PROVIDER.issue(errand(lab, config), "", 90 * DAY, CHOSEN)
        known = await PROVIDER.recover(errand(lab, config), CHOSEN)
        after = [
            (await lab.checker().check(each)).verdict
            for each in (config, config.with_secrets(made.secrets))
        ]

    assert known is not None
    assert known.secrets == made.secrets
    assert after == [Verdict.REFUSED, Verdict.PROVEN]


async def test_a_secret_that_harbor_does_not_take_changes_nothing() -> None:
    """Too simple: a definite no, in our words."""
    async with open_lab() as lab:
        config = lab.config("generic", changed=harbor(lab))
        with pytest.raises(NotDone, match="did not take"):
            await PROVIDER.issue(errand(lab, config), "", 90 * DAY, Secret("allsmallletters"))

        assert (await lab.checker().check(config)).verdict is Verdict.PROVEN


async def test_a_refused_sign_in_while_replacing_is_a_doubt() -> None:
    """The secret that asks may be dead because an earlier request was done after all."""
    async with open_lab() as lab:
        config = lab.config("generic", changed=harbor(lab))
        vendor = lab.practice.generic
        lab.practice.serve(HARBOR, deaf(vendor.answer, "PATCH"))
        first = errand(lab, config)
        with pytest.raises(Exception, match="failing"):
            await PROVIDER.issue(first, "", 90 * DAY, CHOSEN)
        assert CHOSEN.reveal() not in repr(first.visit.evidence)
        with pytest.raises((Unclear, NotDone), match="refused"):
            await PROVIDER.issue(errand(lab, config), "", 90 * DAY, CHOSEN)


async def test_no_other_server_is_given_what_rotates() -> None:
    """A registry that is no Harbor is said to be none, and is sent nothing secret."""
    async with open_lab() as lab:
        vendor = lab.practice.generic
        config = lab.config("generic", changed=harbor(lab) | {"url": vendor.registry_url})
        with pytest.raises(NotDone, match="not a Harbor"):
            await PROVIDER.ready(errand(lab, config, maintainer(lab)))

        assert not lab.practice.received


async def test_only_robots_are_rotated_so() -> None:
    """By their name; others are told that a person has to."""
    async with open_lab() as lab:
        robot = lab.config("generic", changed=harbor(lab))
        person = lab.config("generic")

    assert isinstance(provider_for(robot)[0], HarborRobots)
    provider, reason = provider_for(person)
    assert provider is None
    assert reason.count("robots of Harbor") == 1
