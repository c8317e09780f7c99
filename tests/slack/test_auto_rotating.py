"""Letting Registrar rotate by itself, in Slack: the form, the start, the second pair of eyes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.auto_rotation import Step
from bot.core.rotation import Phase
from bot.kinds.base import Field
from bot.kinds.rotation.base import Right, Strategy
from bot.kinds.rotation.gateway import Rotators
from bot.slack import ids
from bot.slack.deliver import Courier
from bot.slack.policy_form import diagnosis_card, policy_card, policy_form, policy_meta
from bot.slack.render_rotation import rotation_card
from bot.usecases import registries, rotation_policies, workspaces
from bot.usecases.deps import Deps
from bot.usecases.rotation_policies import Diagnosis, PolicyView, Wanted
from tests.factories import ALICE, NOW, add, generic
from tests.slack.payloads import message_problems, view_problems
from tests.slack.test_rotating import a_view
from tests.slack.workspace import Office, Person, opened
from tests.usecases.cloud import Cloud, Dual
from tests.usecases.test_auto_rotation import run, with_cloud

HOUR = timedelta(hours=1)


@pytest.fixture
def clouded(deps: Deps) -> tuple[Deps, Cloud, Rotators]:
    made, cloud = with_cloud(deps)
    return made, cloud, cloud.rotators(Dual(cloud))


@pytest.fixture
async def office(clouded: tuple[Deps, Cloud, Rotators]) -> AsyncIterator[Office]:
    """A workspace with an alert channel, two managers, and one registry of the cloud."""
    deps, _, rotators = clouded
    async with opened(deps, rotators=rotators) as made:
        settings = await workspaces.settings(deps, ALICE)
        managers = ("UALICE", "UCAROL")
        wanted = replace(settings, alert_channel="C9", manager_users=managers)
        await workspaces.change_settings(deps, ALICE, wanted)
        await add(deps)
        await deliver(made)
        yield made
    assert made.slack.problems == []


async def deliver(office: Office) -> None:
    await Courier(office.deps, office.client, apart=0).deliver_due()


def buttons(shown: dict[str, Any]) -> dict[str, str]:
    found = [each for block in shown["blocks"] for each in block.get("elements", [])]
    found += [block["accessory"] for block in shown["blocks"] if "accessory" in block]
    return {each["action_id"]: each["value"] for each in found if "value" in each}


async def test_the_guided_form_leads_to_it(
    office: Office, alice: Person, clouded: tuple[Deps, Cloud, Rotators]
) -> None:
    """Where the provider offers it; a policy is stored from the form."""
    await alice.type("rotate harbor-team")
    name = buttons(office.slack.view)[ids.ROTATION_POLICY]
    await alice.press(ids.ROTATION_POLICY, name, inside="modal")

    assert await alice.submit(enabled="on", at_age_days="60", grace_hours="48") == {}

    assert "is rotated by itself" in json.dumps(office.slack.view)
    view = await rotation_policies.view(office.deps, clouded[2], ALICE, "harbor-team")
    assert view.wanted == Wanted(enabled=True, at_age_days=60, grace_hours=48)


async def test_a_policy_without_a_time_is_refused_on_its_field(
    office: Office, alice: Person
) -> None:
    """The form stays, with what was typed."""
    await alice.type("rotate harbor-team auto")

    errors = await alice.submit(enabled="on")

    assert "which age" in errors["at_age_days"]


async def test_a_policy_is_not_stored_for_another_registry_of_the_name(
    office: Office, alice: Person, clouded: tuple[Deps, Cloud, Rotators]
) -> None:
    """What the provider wants to be shown would be kept for somebody else's host."""
    await alice.type("rotate harbor-team auto")
    await registries.delete(office.deps, ALICE, "harbor-team", "harbor-team", "moving")
    await add(office.deps, answers=generic(url="https://evil.example.com"))

    await alice.submit(enabled="on", at_age_days="60", grace_hours="48")

    assert "is another registry now" in json.dumps(office.slack.view, ensure_ascii=False)
    view = await rotation_policies.view(office.deps, clouded[2], ALICE, "harbor-team")
    assert not view.wanted.enabled


async def test_a_dry_run_shows_the_steps(office: Office, alice: Person) -> None:
    """On top of the form."""
    await alice.type("rotate harbor-team auto")

    await alice.press(ids.ROTATION_DIAGNOSE, "harbor-team", inside="modal")

    shown = json.dumps(office.slack.view, ensure_ascii=False)
    assert "Check it three times" in shown
    assert "Nothing is missing" in shown


async def test_one_started_by_hand_is_told_of_when_it_is_in_force(
    office: Office, alice: Person, clouded: tuple[Deps, Cloud, Rotators]
) -> None:
    """One message, which says that the rest is done by itself."""
    await alice.type("rotate harbor-team auto")
    await alice.press(ids.ROTATION_NOW, "harbor-team", inside="modal")
    await run(office.deps, clouded[2], HOUR)
    await deliver(office)

    (message,) = [one for one in office.slack.posted.values() if "in force" in one["text"]]
    assert "Registrar ends it at the provider" in message["text"]
    assert set(buttons(message)) == {ids.ROTATION_BACK, ids.SHOW}


async def test_another_manager_approves_in_the_channel(
    office: Office, alice: Person, clouded: tuple[Deps, Cloud, Rotators]
) -> None:
    """Not the one who wished for it."""
    settings = await workspaces.settings(office.deps, ALICE)
    preferences = replace(settings.preferences, four_eyes=True)
    await workspaces.change_settings(office.deps, ALICE, replace(settings, preferences=preferences))
    await alice.type("rotate harbor-team auto")
    await alice.press(ids.ROTATION_NOW, "harbor-team", inside="modal")
    await deliver(office)
    (message,) = [one for one in office.slack.posted.values() if "may its" in one["text"]]
    rotation = buttons(message)[ids.ROTATION_APPROVE]

    await alice.press(ids.ROTATION_APPROVE, rotation, inside="posted")
    assert "Another manager than you" in office.slack.said
    await office.person("UCAROL").press(ids.ROTATION_APPROVE, rotation, inside="posted")
    await run(office.deps, clouded[2], HOUR)
    await deliver(office)

    assert "in force" in office.slack.posted[message["ts"]]["text"]


async def test_another_manager_declines_with_a_reason(
    office: Office, alice: Person, clouded: tuple[Deps, Cloud, Rotators]
) -> None:
    """The message says why."""
    settings = await workspaces.settings(office.deps, ALICE)
    preferences = replace(settings.preferences, four_eyes=True)
    await workspaces.change_settings(office.deps, ALICE, replace(settings, preferences=preferences))
    rotation = await rotation_policies.rotate_now(office.deps, clouded[2], ALICE, "harbor-team")
    await deliver(office)
    carol = office.person("UCAROL")

    await carol.press(ids.ROTATION_DECLINE, rotation, inside="posted")
    assert await carol.submit(reason="Not this week.") == {}
    await deliver(office)

    (message,) = [one for one in office.slack.posted.values() if "could not" in one["text"]]
    assert "Not this week." in message["text"]


async def test_a_freeze_is_typed_and_ended(office: Office, alice: Person, bob: Person) -> None:
    """Everybody may see it, managers end it."""
    await alice.type("freeze for 2d the release")
    assert "No credential is rotated by itself until" in office.slack.said
    await bob.type("freeze")
    assert office.slack.said.count("the release") == 2

    await alice.press(ids.THAW)

    assert "again" in office.slack.said


async def test_four_eyes_are_chosen_in_the_settings(office: Office, alice: Person) -> None:
    """And kept."""
    await alice.type("settings")

    assert await alice.submit(four_eyes="second") == {}

    assert (await workspaces.settings(office.deps, ALICE)).preferences.four_eyes


def test_every_look_keeps_to_the_limits() -> None:
    """Whatever the names and the sentences."""
    view = PolicyView(
        name="x" * 100,
        kind="ecr",
        wanted=Wanted(enabled=True, at_age_days=90),
        version=3,
        strategy=Strategy.DUAL,
        rights=tuple(Right(f"iam:{'Y' * 100}{number}", "why") for number in range(30)),
        fields=tuple(Field(f"field_{number}", "L" * 200, hint="H" * 500) for number in range(6)),
        next_at=NOW,
    )
    for page in (False, True):
        assert view_problems(policy_form(view, policy_meta(view, "C1", page=page))) == []
    assert message_problems(policy_card(view).message()) == []
    assert message_problems(policy_card(replace(view, unsuited="u" * 3000)).message()) == []
    found = Diagnosis("x" * 100, ("s" * 500,) * 9, ("<!channel> " * 300,) * 9)
    assert view_problems(diagnosis_card(found).view("C1")) == []
    for step in Step:
        for phase in (Phase.PREPARING, Phase.GRACE, Phase.FAILED, Phase.ENDING):
            card = rotation_card(a_view(phase, step=step), by="B" * 300)
            assert message_problems(card.message()) == []
