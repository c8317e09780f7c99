"""The settings of the workspace, in Slack."""

from __future__ import annotations

from datetime import time

import pytest

from bot.usecases import workspaces
from tests.factories import ALICE
from tests.slack.workspace import Office, Person


async def test_anyone_is_led_there_first_and_may_save(office: Office, bob: Person) -> None:
    """Before somebody set it up, the first one to come does."""
    await bob.press("settings")
    assert await bob.submit(alert_channel="C9", manager_users=["UBOB"]) == {}

    settings = await workspaces.settings(office.deps, ALICE)
    assert (settings.configured, settings.alert_channel) == (True, "C9")
    assert settings.manager_users == ("UBOB",)
    assert "News go to <#C9>" in str(office.slack.view["blocks"])


async def test_member_is_led_to_the_set_up_that_is_theirs(office: Office, bob: Person) -> None:
    """To be sent to an admin would be wrong where the member may say who manages."""
    await bob.type("add")
    assert "Nobody has said yet who they are" in office.slack.said
    assert "workspace admin" not in office.slack.said
    assert "'action_id': 'settings'" in str(office.slack.responses[-1]["blocks"])
    await bob.press("settings")
    await bob.submit(manager_users=["UBOB"])
    await bob.type("add")

    assert office.slack.view["callback_id"] == "registry_form"


@pytest.mark.parametrize("kind", ["guests", "strangers"])
async def test_guests_do_not_set_up(office: Office, bob: Person, kind: str) -> None:
    """Or whoever was invited to one channel could make themselves a manager of everything."""
    getattr(office.slack, kind).add("UBOB")
    await bob.type("add")
    await bob.type("settings")

    assert office.slack.said.count("Ask a workspace admin") == 2
    assert office.slack.views == {}


async def test_the_new_alert_channel_is_tried_at_once(office: Office, alice: Person) -> None:
    """A missing invitation shows now, not with the first alert."""
    office.slack.fail("chat.postMessage", "not_in_channel")
    await alice.type("settings")
    await alice.submit(alert_channel="C9")

    assert "invite it with `/invite` in <#C9>" in str(office.slack.view["blocks"])


async def test_the_numbers_are_held_to_their_limits(office: Office, alice: Person) -> None:
    """Each on its field."""
    await alice.type("settings")
    errors = await alice.submit(recheck_minutes="1", rotate_days="99999")

    assert set(errors) == {"recheck_minutes", "rotate_days"}


async def test_user_groups_can_manage(office: Office, alice: Person) -> None:
    """They are offered by handle and kept by id."""
    office.slack.groups = {"SPLATFORM": [], "SDESIGN": []}
    await alice.type("settings")
    await alice.submit(manager_groups=["SPLATFORM"])
    await alice.type("settings")

    assert (await workspaces.settings(office.deps, ALICE)).manager_groups == ("SPLATFORM",)
    chosen = office.slack.view["state"]["values"]["field:manager_groups:"]["pick_groups"]
    assert [option["value"] for option in chosen["selected_options"]] == ["SPLATFORM"]


async def test_a_thousand_user_groups_fit(office: Office, alice: Person) -> None:
    """A select holds a hundred options in each of its groups."""
    office.slack.groups = {f"S{number:04}": [] for number in range(1_000)}
    await alice.type("settings")
    await alice.submit(manager_groups=["S0123"])

    assert (await workspaces.settings(office.deps, ALICE)).manager_groups == ("S0123",)


async def test_groups_stay_when_slack_does_not_list_them(office: Office, alice: Person) -> None:
    """Saving a form that could not show them does not remove them."""
    office.slack.groups = {"SPLATFORM": []}
    await alice.type("settings")
    await alice.submit(manager_groups=["SPLATFORM"])
    office.slack.fail("usergroups.list", "paid_teams_only")
    await alice.type("settings")
    await alice.submit(rotate_days="30")

    settings = await workspaces.settings(office.deps, ALICE)
    assert (settings.rotate_days, settings.manager_groups) == (30, ("SPLATFORM",))


async def test_the_second_of_two_settings_is_told(office: Office, alice: Person) -> None:
    """Nothing is overwritten silently."""
    await alice.type("settings")
    first = dict(office.slack.view)
    await alice.type("settings")
    await alice.submit(rotate_days="30")
    office.slack.views[first["id"]] = office.slack.views.pop(first["id"])
    await alice.submit(rotate_days="40")

    assert "Somebody else changed the settings" in str(office.slack.view["blocks"])
    assert (await workspaces.settings(office.deps, ALICE)).rotate_days == 30


async def test_how_to_be_told_is_settled_too(office: Office, alice: Person) -> None:
    """Hours, days, reminders, and where to escalate."""
    office.slack.groups = {"SPLATFORM": []}
    await alice.type("settings")
    errors = await alice.submit(
        time_zone="Europe/Paris",
        quiet="20:00 to 8:00",
        remind_hours="2",
        escalate_hours="",
        escalation_group="SPLATFORM",
        work_start="8:30",
        work_days=["0", "1"],
        weekly_day="never",
        weekly_hour="7",
    )

    assert errors == {}
    told = (await workspaces.settings(office.deps, ALICE)).preferences
    assert (told.time_zone, told.quiet_from, told.quiet_to) == ("Europe/Paris", time(20), time(8))
    assert (told.remind_hours, told.escalate_hours) == (2, None)
    assert (told.escalation, told.installer) == ("SPLATFORM", "UALICE")
    assert (told.work_start, told.work_days) == (time(8, 30), frozenset({0, 1}))
    assert (told.weekly_day, told.weekly_hour) == (None, 7)


async def test_what_is_no_time_is_said_on_its_field(office: Office, alice: Person) -> None:
    """And nothing is saved."""
    await alice.type("settings")
    errors = await alice.submit(quiet="at night", work_start="9", time_zone="Paris")

    assert set(errors) >= {"quiet", "work_start"}
    assert set(await alice.submit(quiet="", work_start="9:00")) == {"time_zone"}
    assert not (await workspaces.settings(office.deps, ALICE)).configured


async def test_escalation_goes_one_way(office: Office, alice: Person) -> None:
    """A channel or a group, not both."""
    office.slack.groups = {"SPLATFORM": []}
    await alice.type("settings")
    errors = await alice.submit(escalation_channel="C7", escalation_group="SPLATFORM")

    assert set(errors) == {"escalation_channel"}


async def test_settings_are_shown_as_they_were_saved(office: Office, alice: Person) -> None:
    """Saving what is shown changes nothing."""
    await alice.type("settings")
    await alice.submit(quiet="20:00-08:00", remind_hours="", escalation_channel="C7")
    saved = (await workspaces.settings(office.deps, ALICE)).preferences
    await alice.type("settings")
    await alice.submit()

    assert (await workspaces.settings(office.deps, ALICE)).preferences == saved
