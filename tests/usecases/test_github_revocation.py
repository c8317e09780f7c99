"""A retired token of GitHub is ended there on request, and seen dead afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.rotation import Phase
from bot.core.secret import Secret
from bot.errors import Conflict, NotAllowed, NotDone
from bot.slack import ids
from bot.slack.render_rotation import revoked_card, rotation_card
from bot.usecases import drafts, github_revocation, registries, rotating, rotations
from bot.usecases.deps import Deps
from bot.usecases.rotation_switch import Plan
from tests.factories import ALICE, BOB
from tests.usecases.at_providers import Scene, scene
from tests.usecases.test_auto_rotation import run
from tests.usecases.test_rotation_policies import CAROL, with_four_eyes

HOUR = timedelta(hours=1)


async def rotated(at: Scene) -> str:
    """A person put in another token; the id of the rotation."""
    new = at.lab.practice.ghcr.make("new")
    version = (await registries.show(at.deps, ALICE, "target")).version
    draft = await rotating.begin(
        at.deps, ALICE, "target", version, {}, {"token": Secret(new.secret)}, Plan()
    )
    return (await drafts.try_draft(at.deps, ALICE, draft)).rotation


async def test_the_old_token_is_ended_at_github_and_seen_dead(deps: Deps) -> None:
    """GitHub takes a while: nobody is told meanwhile that the old one still works."""
    async with scene(deps, "github") as at:
        rotation = await rotated(at)
        old = at.old

        view = await github_revocation.revoke(at.deps, at.rotators, ALICE, rotation)
        assert "tells its owner" in revoked_card(view).text
        await run(at.deps, at.rotators, HOUR)

        view = await rotations.view(at.deps, "T1", rotation)
        assert view.state.phase is Phase.DEAD
        assert view.state.told_at is None
        assert old not in at.working()
        assert len(at.working()) == 1


async def test_github_is_asked_without_a_sign_in(deps: Deps) -> None:
    """It refuses whoever signs in; the token stands in the body alone."""
    async with scene(deps, "github") as at:
        rotation = await rotated(at)
        at.lab.practice.forget()
        await github_revocation.revoke(at.deps, at.rotators, ALICE, rotation)

        assert at.lab.practice.received == {("api.github.com", "body")}


async def test_a_token_that_is_still_in_force_somewhere_is_not_ended(deps: Deps) -> None:
    """Another registry was given the retired token since."""
    async with scene(deps, "github") as at:
        rotation = await rotated(at)
        copy = {"url": "https://ghcr.io", "username": "ci", "name": "other", "path_scope": "public"}
        public = {**copy, "test_image": "", "description": "", "environment": "any", "owner": ""}
        answers = drafts.Answers(
            "ghcr", "account", {**public, "rotate_days": "90"}, {"token": Secret(at.old)}
        )
        draft = await drafts.begin(at.deps, ALICE, answers)
        assert (await drafts.try_draft(at.deps, ALICE, draft)).saved is not None

        with pytest.raises(Conflict, match="other still signs in"):
            await github_revocation.revoke(at.deps, at.rotators, ALICE, rotation)
        assert at.old in at.working()


async def test_with_four_eyes_another_manager_than_whoever_rotated_ends_it(deps: Deps) -> None:
    """It cannot be undone, so nobody does both alone where the workspace wants two."""
    async with scene(deps, "github") as at:
        rotation = await rotated(at)
        await with_four_eyes(at.deps)

        with pytest.raises(NotAllowed, match="Another manager"):
            await github_revocation.revoke(at.deps, at.rotators, ALICE, rotation)
        assert at.old in at.working()

        await github_revocation.revoke(at.deps, at.rotators, CAROL, rotation)
        assert (await rotations.view(at.deps, "T1", rotation)).state.phase is Phase.ENDING
        await run(at.deps, at.rotators, HOUR)
        assert at.old not in at.working()


async def test_when_github_takes_no_more_the_token_lives(deps: Deps) -> None:
    """It takes 60 an hour; the rotation goes on as it was."""
    async with scene(deps, "github") as at:
        rotation = await rotated(at)
        at.lab.practice.ghcr._revocations = [at.lab.clock.now()] * 60
        with pytest.raises(NotDone, match="in an hour"):
            await github_revocation.revoke(at.deps, at.rotators, ALICE, rotation)

        assert (await rotations.view(at.deps, "T1", rotation)).state.phase is Phase.GRACE


async def test_only_managers_revoke_and_only_tokens_of_github(deps: Deps) -> None:
    """Nor one whose rotation is over."""
    async with scene(deps, "github") as at:
        rotation = await rotated(at)
        with pytest.raises(NotAllowed):
            await github_revocation.revoke(at.deps, at.rotators, BOB, rotation)
        await github_revocation.revoke(at.deps, at.rotators, ALICE, rotation)
        await run(at.deps, at.rotators, HOUR)
        with pytest.raises(Conflict, match="over already"):
            await github_revocation.revoke(at.deps, at.rotators, ALICE, rotation)


async def test_the_button_asks_before(deps: Deps) -> None:
    """It says that there is no way back and who hears of it."""
    async with scene(deps, "github") as at:
        rotation = await rotated(at)
        card = rotation_card(await rotations.view(at.deps, "T1", rotation))
        elements = [one for block in card.blocks for one in block.get("elements", [])]
        (asked,) = [one for one in elements if one.get("action_id") == ids.ROTATION_REVOKE]

        assert asked["value"] == rotation
        assert "for good, and tells its owner" in asked["confirm"]["text"]["text"]
