"""Whole rotations at practice providers: what is made, what is ended, and what nobody may lose."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.auto_rotation import Step
from bot.core.rotation import Phase
from bot.core.secret import Secret
from bot.errors import InvalidInput
from bot.slack.render_rotation import rotation_card
from bot.store import credentials, rotation_runs
from bot.store.rotations import Entry, members
from bot.usecases import registries, rotation_policies, rotations
from bot.usecases.deps import Deps
from bot.usecases.rotation_policies import Wanted
from tests.factories import ALICE
from tests.usecases.at_providers import PLACES, Scene, let_rotate, scene
from tests.usecases.test_auto_rotation import begun, run, state

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
STOPPABLE = ["ecr", "public ecr", "google"]
DUAL = [*STOPPABLE, "scaleway", "gitlab deploy token", "docker hub"]
MADE_AT = {
    "ecr": "CreateAccessKey",
    "public ecr": "CreateAccessKey",
    "google": "/keys",
    "scaleway": "/api-keys",
    "gitlab token": "/self/rotate",
    "gitlab deploy token": "/deploy_tokens",
    "docker hub": "/access-tokens",
}


async def in_force(at: Scene) -> str:
    shown = await registries.show(at.deps, ALICE, "target")
    async with at.deps.store.reading() as session:
        held = await credentials.current(session, shown.id)
    return credentials.opened(held, at.deps.store.keyring)[at.place.secret].reveal()


async def rotated(at: Scene, lasts: timedelta = 5 * DAY) -> tuple[str, tuple[Phase, Step]]:
    rotation = await begun(at.deps, at.rotators, "target")
    await run(at.deps, at.rotators, lasts)
    return rotation, await state(at.deps, rotation)


async def why(at: Scene, rotation: str) -> str:
    return (await rotations.view(at.deps, "T1", rotation)).state.why


@pytest.mark.parametrize("name", STOPPABLE)
async def test_a_key_is_stopped_before_it_is_deleted(deps: Deps, name: str) -> None:
    """Two days after the switch the old one is there and refused; later it is gone."""
    async with scene(deps, name) as at:
        old = at.old
        rotation = await begun(at.deps, at.rotators, "target")
        await run(at.deps, at.rotators, 12 * HOUR)
        both = at.working()
        await run(at.deps, at.rotators, 18 * HOUR)
        stopped, there = at.working(), {one.secret for one in at.keys}
        await run(at.deps, at.rotators, 4 * DAY)

        assert await state(at.deps, rotation) == (Phase.DEAD, Step.OVER)
        new = await in_force(at)
        assert both == there == {old, new}
        assert stopped == at.working() == {one.secret for one in at.keys} == {new}


@pytest.mark.parametrize("name", ["scaleway", "gitlab token", "gitlab deploy token"])
async def test_a_credential_is_rotated_from_beginning_to_end(deps: Deps, name: str) -> None:
    """One key is left at the provider, the registry has it, and the old one was seen dead."""
    async with scene(deps, name) as at:
        old = at.old
        _, ended = await rotated(at)

        assert ended == (Phase.DEAD, Step.OVER)
        assert {await in_force(at)} == at.working() != {old}
        ends = next(iter(at.keys)).expires_at
        assert ends is not None
        assert abs(ends - at.lab.clock.now() - 85 * DAY) < 2 * DAY


async def test_docker_hub_leaves_what_it_cannot_name_and_ends_what_it_made(deps: Deps) -> None:
    """The first old token is a person's to remove; the second rotation does all by itself."""
    async with scene(deps, "docker hub") as at:
        old = at.old
        rotation, ended = await rotated(at)
        first = await in_force(at)
        assert ended == (Phase.ENDING, Step.OVER)
        assert at.working() == {old, first}

        at.keys.end(next(one.handle for one in at.keys if one.secret == old))
        await run(at.deps, at.rotators, 3 * DAY)
        assert (await state(at.deps, rotation))[0] is Phase.DEAD
        _, ended = await rotated(at)

        assert ended == (Phase.DEAD, Step.OVER)
        assert at.working() == {await in_force(at)} != {first}


@pytest.mark.parametrize("name", DUAL)
async def test_an_answer_that_never_came_leaves_no_orphan(deps: Deps, name: str) -> None:
    """What was made in doubt is found by its label and ended before another is made."""
    async with scene(deps, name) as at:
        at.deaf(2, "POST", MADE_AT[name])
        before = at.working()
        rotation, _ = await rotated(at, 12 * HOUR)

        assert (await state(at.deps, rotation))[1] is Step.GRACE
        assert at.working() == before | {await in_force(at)}


async def test_a_key_that_was_there_before_is_not_taken_for_ours(deps: Deps) -> None:
    """Google's keys bear no label; a person's, made just before, is left alone in doubt."""
    async with scene(deps, "google") as at:
        theirs = at.lab.practice.google.make("by hand")
        at.deaf(1, "POST", "/keys")
        rotation, _ = await rotated(at, 12 * HOUR)

        assert (await state(at.deps, rotation))[1] is Step.GRACE
        assert at.working() == {at.old, theirs.secret, await in_force(at)}


async def test_a_lost_answer_of_gitlab_is_told_and_nothing_is_asked_again(deps: Deps) -> None:
    """A second request would end the whole family."""
    async with scene(deps, "gitlab token") as at:
        at.deaf(9, "POST", MADE_AT["gitlab token"])
        rotation, ended = await rotated(at)

        assert ended == (Phase.FAILED, Step.LOST)
        assert "never came" in await why(at, rotation)
        assert len(at.working()) == 1
        rotates = [one for one in at.lab.practice.log if one.path.endswith("/self/rotate")]
        assert len(rotates) == 1


@pytest.mark.parametrize("name", ["gitlab deploy token", "docker hub"])
async def test_without_access_it_is_said_before_anything_is_made(deps: Deps, name: str) -> None:
    """The provider's own credential cannot rotate itself there."""
    async with scene(deps, name, access=False) as at:
        before = at.working()
        rotation, ended = await rotated(at, HOUR)

        assert ended == (Phase.FAILED, Step.FAILED)
        assert (await why(at, rotation)).startswith("Put in")
        assert at.working() == before


async def test_a_key_that_may_only_read_makes_none(deps: Deps) -> None:
    """Scaleway tells who may make keys only when one is to be made; nothing is changed by that."""
    async with scene(deps, "scaleway", access=False) as at:
        rotation, ended = await rotated(at, HOUR)

        assert ended == (Phase.FAILED, Step.FAILED)
        assert "IAMManager" in await why(at, rotation)
        assert at.working() == {at.old}


async def test_a_token_without_self_rotate_is_told_so(deps: Deps) -> None:
    """Before it is asked to replace itself."""
    async with scene(deps, "gitlab token") as at:
        at.lab.practice.gitlab.rotates_itself = False
        rotation, ended = await rotated(at, HOUR)

        assert ended == (Phase.FAILED, Step.FAILED)
        assert "lacks self_rotate" in await why(at, rotation)
        assert at.working() == {at.old}


async def test_a_server_that_wants_shorter_lives_is_told_of(deps: Deps) -> None:
    """Its refusal leaves the old token as it was."""
    async with scene(deps, "gitlab token") as at:
        shown = await registries.show(at.deps, ALICE, "target")
        async with at.deps.store.transaction() as session:
            policy = await rotation_runs.policy(session, shown.id)
            assert policy is not None
            policy.lasts_days = 700
            session.add(policy)
        rotation, ended = await rotated(at, HOUR)

        assert ended == (Phase.FAILED, Step.FAILED)
        assert "700 days" in await why(at, rotation)
        assert at.working() == {at.old}


@pytest.mark.parametrize("trouble", ["wrong", "token", "two factor"])
async def test_docker_hub_takes_only_a_plain_password(deps: Deps, trouble: str) -> None:
    """A token is not even sent, and a wrong password is not tried until the account is locked."""
    async with scene(deps, "docker hub", access=False) as at:
        hub = at.lab.practice.docker_hub
        given = {"wrong": "not this one, surely", "token": hub.token}.get(trouble, hub.password)
        hub.two_factor = trouble == "two factor"
        await let_rotate(at.deps, {"account_password": Secret(given)})
        for _ in range(8):
            rotation, ended = await rotated(at, timedelta(minutes=1))
            assert ended == (Phase.FAILED, Step.FAILED)
        said = await why(at, rotation)

        assert ("may not manage" if trouble == "token" else "refused the account's") in said
        assert len(hub._failures) <= 1
        assert (await at.lab.checker().check(at.config)).verdict.value == "proven"


async def test_the_old_secret_keeps_its_own_key_id(deps: Deps) -> None:
    """With the new one it would be refused, and be taken for dead while it lives."""
    async with scene(deps, "ecr") as at:
        old = at.keys.shown.handle
        rotation, _ = await rotated(at, HOUR)
        async with at.deps.store.reading() as session:
            member = (await members(session, rotation))[0]

        assert Entry.parse(member.before_json).values["access_key_id"] == old
        assert Entry.parse(member.after_json).values["access_key_id"] == at.keys.shown.handle != old


async def test_a_key_that_may_not_be_stopped_is_told_of(deps: Deps) -> None:
    """Rights were taken away meanwhile: both keys work, and the reason is said."""
    async with scene(deps, "ecr") as at:
        rotation = await begun(at.deps, at.rotators, "target")
        await run(at.deps, at.rotators, HOUR)
        at.lab.practice.ecr.rights.discard("iam:UpdateAccessKey")
        await run(at.deps, at.rotators, 3 * DAY)

        assert await state(at.deps, rotation) == (Phase.GRACE, Step.DISABLE)
        assert "iam:UpdateAccessKey" in await why(at, rotation)
        assert at.working() == {at.old, await in_force(at)}


async def test_going_back_ends_the_new_one_and_keeps_the_old(deps: Deps) -> None:
    """At a provider that cannot stop the old one, too."""
    for name in DUAL:
        async with scene(deps, name) as at:
            rotation, _ = await rotated(at, HOUR)
            await rotations.go_back(at.deps, ALICE, rotation)
            await run(at.deps, at.rotators, HOUR)

            assert (await state(at.deps, rotation))[0] is Phase.BACK
            assert at.old in at.working()
            assert await in_force(at) == at.old
            assert len(at.working()) == 1
            await registries.delete(at.deps, ALICE, "target", "target")


@pytest.mark.parametrize("name", list(PLACES))
async def test_no_secret_travels_in_an_address(deps: Deps, name: str) -> None:
    """Nor does any reach the journal."""
    async with scene(deps, name) as at:
        rotation, _ = await rotated(at)
        manners = {manner for _, manner in at.lab.practice.received}
        async with at.deps.store.reading() as session:
            lines = await rotation_runs.journal(session, rotation)
        written = "".join(f"{one.handle} {one.detail}" for one in lines)

        assert "address" not in manners
        everything = at.lab.practice.vendors[at.place.slug].secrets()
        assert not any(secret in written for secret in everything)


async def test_the_message_says_who_removes_a_token_that_nobody_can_name(deps: Deps) -> None:
    """A person does, and says so with the button of a guided rotation."""
    async with scene(deps, "docker hub") as at:
        rotation, _ = await rotated(at, HOUR)
        begun_card = rotation_card(await rotations.view(at.deps, "T1", rotation)).text
        await run(at.deps, at.rotators, 2 * DAY)
        view = await rotations.view(at.deps, "T1", rotation)
        assert "remove it" in begun_card
        assert "Registrar ends it" not in begun_card
        assert "I removed the old one" in str(rotation_card(view).blocks)

        at.keys.end(next(one.handle for one in at.keys if one.secret == at.old))
        seen, tried = await rotations.removed(at.deps, ALICE, rotation)
        assert tried is not None
        assert seen.state.refused_at is not None


async def test_what_is_good_to_know_is_said_before(deps: Deps) -> None:
    """A dry run tells that the first old token stays, and what is missing, and makes nothing."""
    async with scene(deps, "docker hub") as at:
        found = await rotation_policies.diagnose(at.deps, at.rotators, ALICE, "target")

        assert found.problems == ()
        assert "It stays until a person removes it" in found.notes[0]
        assert at.working() == {at.old}


async def test_a_key_with_rights_of_its_own_needs_nothing_else(deps: Deps) -> None:
    """The field for another key may be left blank."""
    async with scene(deps, "scaleway", access=False) as at:
        wanted = Wanted(enabled=True, at_age_days=30)
        change = rotation_policies.change
        await change(at.deps, at.rotators, ALICE, "target", 0, wanted, {})
        at.lab.practice.scaleway.iam = "manage"
        _, ended = await rotated(at)
        assert ended == (Phase.DEAD, Step.OVER)


async def test_what_rotates_a_deploy_token_is_asked_for(deps: Deps) -> None:
    """Its access token; the place is the path scope where none is given."""
    async with scene(deps, "gitlab deploy token", access=False) as at:
        wanted = Wanted(enabled=True, at_age_days=30)
        change = rotation_policies.change
        with pytest.raises(InvalidInput) as caught:
            await change(at.deps, at.rotators, ALICE, "target", 0, wanted, {})
        assert set(caught.value.fields) == {"access_token"}
        await change(at.deps, at.rotators, ALICE, "target", 0, wanted, at.access)
        _, ended = await rotated(at)
        assert ended == (Phase.DEAD, Step.OVER)
