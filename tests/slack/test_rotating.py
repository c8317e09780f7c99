"""Rotating a credential in Slack: the four steps, the message, and the clicks of the days after."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.rotation import Phase, Rotation
from bot.kinds.guide import GUIDES
from bot.kinds.registry_kinds import KINDS
from bot.slack import ids
from bot.slack.deliver import Courier
from bot.slack.metadata import ViewMeta
from bot.slack.render_rotation import entry_text, rotation_card
from bot.slack.rotation_form import RotationState, rotation_form
from bot.usecases import registries, workspaces
from bot.usecases.deps import Deps
from bot.usecases.drafts import Answers, DraftView
from bot.usecases.rotating import RotationForm, credential_fields
from bot.usecases.rotations import RotationView, tick_rotations
from tests.factories import ALICE, NOW, add, clock_of, generic
from tests.slack.payloads import message_problems, view_problems
from tests.slack.workspace import Office, Person, opened
from tests.usecases.provider import NEW, OLD, Provider

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def office(deps: Deps, provider: Provider) -> AsyncIterator[Office]:
    """A workspace with an alert channel and one registry whose secret is OLD."""
    async with opened(replace(deps, checker=provider)) as made:
        settings = await workspaces.settings(made.deps, ALICE)
        wanted = replace(settings, alert_channel="C9", manager_users=("UALICE",))
        await workspaces.change_settings(made.deps, ALICE, wanted)
        await add(made.deps)
        await deliver(made)
        yield made
    assert made.slack.problems == []


async def deliver(office: Office) -> None:
    await Courier(office.deps, office.client, apart=0).deliver_due()


async def rotated(office: Office, alice: Person) -> str:
    """Alice put the new secret in; the id of the rotation."""
    await alice.type("rotate harbor-team")
    assert await alice.submit(password=NEW) == {}
    await deliver(office)
    return buttons(standing(office))[ids.ROTATION_REMOVED]


def standing(office: Office) -> dict[str, Any]:
    """The rotation's one message in the channel."""
    found = [one for one in office.slack.posted.values() if one["text"][0] in "🗝⚠✅↩🗑"]
    (message,) = [one for one in found if "fingerprint" in one["text"]]
    return message


def replies(office: Office) -> list[str]:
    posts = office.slack.of("chat.postMessage")
    return [one["text"] for one in posts if one.get("thread_ts")]


def buttons(message: dict[str, Any]) -> dict[str, str]:
    elements = [each for block in message["blocks"] for each in block.get("elements", [])]
    return {each["action_id"]: each["value"] for each in elements if "action_id" in each}


async def let_pass(office: Office, lasts: timedelta) -> None:
    """Time passes, and the clock's task looks twice, a minute apart."""
    clock_of(office.deps).skip(lasts)
    for _ in range(3):
        await tick_rotations(office.deps)
        clock_of(office.deps).skip(MINUTE)
    await deliver(office)


async def test_the_form_leads_through_the_four_steps(office: Office, alice: Person) -> None:
    """With the fields of the credential and nothing else, and no secret in it."""
    await alice.type("rotate harbor-team")

    view = office.slack.view
    text = json.dumps(view, ensure_ascii=False)
    assert all(step in text for step in ("1. Create", "2. Put", "3. Registrar", "4. Remove"))
    asked = [
        block["block_id"].split(":")[1] for block in view["blocks"] if block["type"] == "input"
    ]
    assert asked == ["username", "password", "expires_on", "grace", "switch_at"]
    assert OLD not in text


async def test_a_proven_secret_is_switched_to_and_announced_once(
    office: Office, alice: Person
) -> None:
    """The window shows the proof; the channel has one message, with the way back."""
    await rotated(office, alice)

    shown = json.dumps(office.slack.view, ensure_ascii=False)
    assert "Proven and in force" in shown
    message = standing(office)
    assert "a new credential is in force* by" in message["text"]
    assert set(buttons(message)) == {
        ids.ROTATION_REMOVED, ids.ROTATION_BACK, ids.SHOW
    }  # fmt: skip
    assert NEW not in json.dumps(office.slack.calls)


async def test_a_refused_secret_is_corrected_in_the_same_form(
    office: Office, alice: Person, provider: Provider
) -> None:
    """The four steps come back; what was typed is kept, and nothing was switched."""
    provider.alive = {OLD}
    await alice.type("rotate harbor-team")
    await alice.submit(password=NEW, grace="48")
    draft = buttons(office.slack.view)[ids.CORRECT]

    await alice.press(ids.CORRECT, draft, inside="modal")
    form = json.dumps(office.slack.view)
    assert "kept for 15 minutes" in form
    assert '"initial_value": "48"' in form
    provider.alive = {OLD, NEW}
    assert await alice.submit() == {}

    assert "Proven and in force" in json.dumps(office.slack.view)


async def test_the_old_secret_is_refused_at_its_field(office: Office, alice: Person) -> None:
    """Before any network."""
    await alice.type("rotate harbor-team")

    errors = await alice.submit(password=OLD)

    assert "in force" in errors["password"]


async def test_a_member_is_told_who_can_rotate(office: Office, bob: Person) -> None:
    """As with every change."""
    await bob.type("rotate harbor-team")

    assert "Only managers may edit a registry" in office.slack.said


async def test_the_message_follows_the_old_secret_to_its_death(
    office: Office, alice: Person, bob: Person, provider: Provider
) -> None:
    """One message, a reply for each step, and green at the end."""
    rotation = await rotated(office, alice)
    await let_pass(office, DAY)
    assert "still works" in standing(office)["text"]

    provider.alive = {NEW}
    await bob.press(ids.ROTATION_REMOVED, rotation, inside="posted")
    assert "was refused. It is tried once more" in office.slack.said
    await let_pass(office, MINUTE)

    assert standing(office)["text"].startswith("✅")
    assert ["still works" in replies(office)[0], "refused twice" in replies(office)[1]] == [
        True,
        True,
    ]
    assert len(replies(office)) == 2


async def test_one_button_goes_back(office: Office, alice: Person) -> None:
    """The old secret is in force again, and the message says by whom."""
    rotation = await rotated(office, alice)

    await alice.press(ids.ROTATION_BACK, rotation, inside="posted")
    await deliver(office)

    assert "the old credential is in force again* by" in standing(office)["text"]


async def test_a_late_click_changes_nothing(office: Office, alice: Person) -> None:
    """After going back, the old buttons of somebody else's screen say that it is over."""
    rotation = await rotated(office, alice)
    await alice.press(ids.ROTATION_BACK, rotation, inside="posted")

    await alice.press(ids.ROTATION_REMOVED, rotation, inside="posted")

    assert "over already" in office.slack.said


async def test_a_switch_can_be_planned_and_called_off(office: Office, alice: Person) -> None:
    """The next credential is stored, and destroyed when it is called off."""
    await alice.type("rotate harbor-team")
    at = int((NOW + DAY).timestamp())
    await alice.submit(password=NEW, switch_at=at)
    await deliver(office)
    message = standing(office)
    assert "is stored* by" in message["text"]

    await alice.press(ids.ROTATION_LET_GO, buttons(message)[ids.ROTATION_LET_GO], inside="posted")
    await deliver(office)

    assert "never put in force" in standing(office)["text"]
    shown = await registries.show(office.deps, ALICE, "harbor-team")
    assert shown.version == 1


def a_view(phase: Phase, **changes: object) -> RotationView:
    """A rotation with the longest of everything."""
    moments = dict.fromkeys(
        (
            "switch_at",
            "grace_until",
            "switched_at",
            "ending_at",
            "next_at",
            "refused_at",
            "alive_at",
        ),
        NOW,
    )
    state = Rotation(phase, by="U" * 11, why="<!channel> & " * 200, **moments)  # type: ignore[arg-type]
    view = RotationView(
        id="a" * 32,
        team_id="T1",
        name="x" * 100,
        others=tuple(f"{'y' * 90}-{number}" for number in range(1000)),
        kind="docker_hub",
        kind_label="Docker Hub",
        variant="account",
        host="h" * 253,
        owner="U" * 11,
        state=state,
        old_login="o" * 255,
        old_fingerprint="0" * 32,
        new_fingerprint="1" * 32,
        version=3,
    )
    return replace(view, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_look_of_the_message_keeps_to_the_limits(phase: Phase, kind: str) -> None:
    """Whatever the names, the numbers and the sentences."""
    card = rotation_card(a_view(phase, kind=kind), by="B" * 300)

    assert message_problems(card.message()) == []
    assert "<!channel>" not in card.text


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_form_keeps_to_the_limits(kind: str) -> None:
    """For every way to sign in that has a secret."""
    for variant in KINDS[kind].variants:
        answers = Answers(kind, variant.slug, {"username": "u" * 255})
        draft = DraftView(answers, frozenset(), "x" * 100, 7)
        sharing = tuple(f"{'y' * 90}-{number}" for number in range(1000))
        fields = credential_fields(kind, variant.slug)
        form = RotationForm(draft, fields, sharing, "containers." + "h" * 200)
        meta = ViewMeta("C1", kind, variant.slug, "x" * 100, 7)
        view = rotation_form(RotationState(form, meta, problems=("p" * 900,) * 5))

        assert view_problems(view) == []


def test_every_kind_has_its_guide() -> None:
    """Nobody is left with the words for a registry in general."""
    assert set(GUIDES) == set(KINDS)


def test_an_entry_of_a_later_version_is_told_plainly() -> None:
    """An older process meets a letter of a newer one."""
    text = entry_text(a_view(Phase.GRACE), {"entry": "quite_new"}, "")

    assert "quite_new" in text


async def test_a_name_that_is_anothers_by_now_is_sent_no_secret(
    office: Office, alice: Person, provider: Provider
) -> None:
    """Deleted, and its name given to a registry elsewhere, while the form is open."""
    await alice.type("rotate harbor-team")
    await registries.delete(office.deps, ALICE, "harbor-team", "harbor-team", "moving")
    await add(office.deps, answers=generic(url="https://evil.example.com"))
    provider.seen.clear()

    await alice.submit(password=NEW)

    assert "is another registry now" in json.dumps(office.slack.view, ensure_ascii=False)
    assert provider.tries_of(NEW) == 0
