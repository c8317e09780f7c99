"""“Revoke it at GitHub” on the message of a rotation, and the forms of what rotates by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.core.rotation import Phase
from bot.slack import ids
from bot.slack.deliver import Courier
from bot.usecases import rotations, workspaces
from bot.usecases.deps import Deps
from tests.factories import ALICE
from tests.slack.test_auto_rotating import buttons
from tests.slack.workspace import opened
from tests.usecases.at_providers import scene
from tests.usecases.test_auto_rotation import begun, run
from tests.usecases.test_github_revocation import rotated

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_a_click_ends_the_old_token(deps: Deps) -> None:
    """Whoever clicked is answered, and the message says later that it was seen dead."""
    async with scene(deps, "github") as at, opened(at.deps, rotators=at.rotators) as office:
        settings = await workspaces.settings(at.deps, ALICE)
        wanted = replace(settings, alert_channel="C9", manager_users=("UALICE",))
        await workspaces.change_settings(at.deps, ALICE, wanted)
        await rotated(at)
        courier = Courier(office.deps, office.client, apart=0)
        await courier.deliver_due()
        (message,) = [one for one in office.slack.posted.values() if "in force" in one["text"]]
        rotation = buttons(message)[ids.ROTATION_REVOKE]

        await office.person("UALICE").press(ids.ROTATION_REVOKE, rotation, inside="posted")
        assert any("tells its owner" in str(one) for one in office.slack.responses)
        await run(at.deps, at.rotators, HOUR)
        await courier.deliver_due()

        (message,) = [one for one in office.slack.posted.values() if "seen dead" in one["text"]]
        assert ids.ROTATION_REVOKE not in buttons(message)
        assert office.slack.problems == []


async def test_what_rotates_it_is_typed_into_the_form(deps: Deps) -> None:
    """The hints say whose it must be; once stored, the rotation uses it."""
    place = scene(deps, "gitlab deploy token", access=False)
    async with place as at, opened(at.deps, rotators=at.rotators) as office:
        alice = office.person("UALICE")
        await alice.type("rotate target auto")
        assert "Maintainer of the project" in str(office.slack.view)
        token = at.access["access_token"].reveal()
        typed = {"enabled": "on", "at_age_days": "30"}
        assert "access_token" in await alice.submit(**typed)
        assert await alice.submit(**typed, access_token=token) == {}
        rotation = await begun(at.deps, at.rotators, "target")
        await run(at.deps, at.rotators, 3 * DAY)

        assert (await rotations.view(at.deps, "T1", rotation)).state.phase is Phase.DEAD
        assert office.slack.problems == []
