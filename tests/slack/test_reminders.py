"""Reminders as people see them: one message, its buttons, and the plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.core.check import Expiry
from bot.core.preferences import Preferences
from bot.core.reminders import Kind, Snooze
from bot.slack import ids
from bot.slack.deliver import Courier
from bot.slack.expiry_words import told_by
from bot.slack.reminding import months_meant
from bot.slack.render_reminder import plan_card, reminder_card, step_text, summary_card
from bot.usecases import drafts, registries, workspaces
from bot.usecases.reminder_view import Left, ReminderView, Sharer, Stand
from bot.usecases.reminders import PlannedReminder
from bot.usecases.reminding import tick_reminders
from tests.factories import ALICE, add, checker_of, clock_of, generic, proven
from tests.slack.payloads import message_problems
from tests.slack.workspace import Office, Person

DAY = timedelta(days=1)
EXPIRES = datetime(2027, 1, 13, 15, 0, tzinfo=UTC)
FIRST = datetime(2026, 12, 14, 9, 30, tzinfo=UTC)
SECOND = datetime(2026, 12, 30, 9, 30, tzinfo=UTC)
EVE = datetime(2027, 1, 12, 9, 30, tzinfo=UTC)


@pytest.fixture
async def hall(office: Office) -> Office:
    """A workspace with an alert channel and one credential that expires on 13 January."""
    settings = await workspaces.settings(office.deps, ALICE)
    wanted = replace(settings, alert_channel="C9", manager_users=("UALICE",))
    await workspaces.change_settings(office.deps, ALICE, wanted)
    await keep(office, "scaleway-staging", owner="UOWNER")
    await look(office)
    return office


async def keep(office: Office, name: str, **public: str) -> None:
    checker_of(office.deps).answers[:] = [proven(expiry=Expiry(EXPIRES, "provider"))]
    await add(office.deps, ALICE, generic(name, **({"rotate_days": "0"} | public)))


async def look(office: Office, at: datetime | None = None) -> None:
    """Let the clock say what is due, and deliver it."""
    if at is not None:
        clock_of(office.deps).at = at
    await tick_reminders(office.deps)
    await Courier(office.deps, office.client, apart=0).deliver_due()


def message(office: Office) -> dict[str, Any]:
    """The one reminder that stands in the channel."""
    (found,) = [
        one
        for one in office.slack.posted.values()
        if "thread_ts" not in one
        and not any(news in one["text"] for news in ("was added", "edited", "was deleted"))
    ]
    return found


def replies(office: Office) -> list[str]:
    return [one["text"] for one in office.slack.posted.values() if "thread_ts" in one]


def elements(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for block in found["blocks"] for each in block.get("elements", [])]


def values(found: dict[str, Any]) -> dict[str, str]:
    """What the buttons carry, by action."""
    return {each["action_id"]: each.get("value", "") for each in elements(found)}


async def test_the_message_says_what_expires_when_and_who_says_so(hall: Office) -> None:
    """And what to do; the owner is called."""
    await look(hall, FIRST)

    text = message(hall)["text"]
    assert message(hall)["channel"] == "C9"
    assert "*`scaleway-staging`: the credential expires in 30 days" in text
    assert "13 Jan 2027" in text
    assert "told by the registry" in text
    assert "create a new credential and put it in here" in text
    assert "<@UOWNER>" in text
    assert "Next reminder <!date^" in text


async def test_its_buttons_lead_on(hall: Office) -> None:
    """Rotate, snooze, rotated elsewhere, assign owner."""
    await look(hall, FIRST)

    labels = [(each.get("text") or each["placeholder"])["text"] for each in elements(message(hall))]
    assert labels == ["Rotate", "Snooze", "Rotated elsewhere", "Assign owner"]
    assert values(message(hall))[ids.ROTATE] == "scaleway-staging"


async def test_the_same_message_comes_nearer(hall: Office) -> None:
    """Two weeks before it says so, with a reply; the day before the reply calls the owner."""
    await look(hall, FIRST)
    await look(hall, SECOND)

    assert "expires in 14 days" in message(hall)["text"]
    assert len(replies(hall)) == 1
    assert "<@" not in replies(hall)[0]
    await look(hall, EVE)
    assert "expires tomorrow" in message(hall)["text"]
    assert replies(hall)[-1].startswith("<@UOWNER> ⏰ `scaleway-staging` expires tomorrow")


async def test_a_snooze_is_told_and_shown(hall: Office) -> None:
    """The one who asked hears until when; the message shows it to all."""
    await look(hall, FIRST)
    alice = hall.person("UALICE")
    value = f"7:{values(message(hall))[ids.REMINDER_ROTATED]}"
    await alice.choose(ids.REMINDER_SNOOZE, value, inside="posted")
    await look(hall)

    assert "is snoozed until" in hall.slack.responses[-1]["text"]
    assert "💤 Snoozed by" in message(hall)["text"]


async def test_rotated_elsewhere_ends_the_message(hall: Office) -> None:
    """It has no buttons left but one, and says what the stored secret is still worth."""
    await look(hall, FIRST)
    alice = hall.person("UALICE")
    value = values(message(hall))[ids.REMINDER_ROTATED]
    await alice.press(ids.REMINDER_ROTATED, value, inside="posted")
    await look(hall)

    assert "counts as rotated today" in hall.slack.responses[-1]["text"]
    assert "marked as rotated elsewhere" in message(hall)["text"]
    assert "still expires" in message(hall)["text"]
    assert elements(message(hall)) == []


async def test_an_owner_is_assigned_in_a_form(hall: Office) -> None:
    """The form knows the present owner; afterwards the registry shows the new one."""
    await look(hall, FIRST)
    alice = hall.person("UALICE")
    value = values(message(hall))[ids.REMINDER_OWNER]
    await alice.press(ids.REMINDER_OWNER, value, inside="posted")

    assert hall.slack.view["blocks"][1]["element"]["initial_user"] == "UOWNER"
    assert await alice.submit(owner="UBOB") == {}
    registry = await registries.show(hall.deps, ALICE, "scaleway-staging")
    assert registry.details.owner == "UBOB"


async def test_a_member_who_does_not_own_it_changes_nothing(hall: Office, bob: Person) -> None:
    """He is told whom to ask."""
    await look(hall, FIRST)
    before = message(hall)["text"]
    value = values(message(hall))[ids.REMINDER_ROTATED]
    await bob.press(ids.REMINDER_ROTATED, value, inside="posted")
    await look(hall)

    assert "Only managers may mark a credential as rotated" in hall.slack.responses[-1]["text"]
    assert message(hall)["text"] == before


async def test_a_new_credential_closes_the_message(hall: Office) -> None:
    """It says who replaced it."""
    await look(hall, FIRST)
    answers = generic("scaleway-staging", password="another horse entirely", rotate_days="0")
    checker_of(hall.deps).answers[:] = [proven(expiry=Expiry(EXPIRES + 90 * DAY, "provider"))]
    draft_id = await drafts.begin(
        hall.deps, ALICE, answers, name_of_edited="scaleway-staging", version=1
    )
    await drafts.try_draft(hall.deps, ALICE, draft_id)
    await look(hall)

    ended = [one for one in hall.slack.posted.values() if "replaced" in one["text"]]
    assert len(ended) == 1
    assert "This reminder is done" in ended[0]["text"]


async def test_a_flood_becomes_one_message(hall: Office) -> None:
    """Down for a day: the four that were missed stand in one list, the nearest first."""
    for number in range(3):
        await keep(hall, f"registry-{number}")
    await look(hall)
    await look(hall, FIRST + DAY)

    text = message(hall)["text"]
    assert "*4 reminders came due while Registrar was not running*" in text
    assert text.count("\n• ") == 4


async def test_the_plan_is_listed_by_month(hall: Office) -> None:
    """What will be said when, for everyone."""
    await hall.person("UBOB").type("reminders")

    text = hall.slack.responses[-1]["text"]
    assert "*What Registrar will say in the next 12 months* · 6 reminders" in text
    assert text.index("*December 2026*") < text.index("*January 2027*")
    assert "`scaleway-staging` expires in 30 days" in text


async def test_a_long_plan_has_pages(hall: Office) -> None:
    """Twenty a page, and buttons to turn it."""
    for number in range(4):
        await keep(hall, f"registry-{number}")
    bob = hall.person("UBOB")
    await bob.type("reminders 3 months")
    first = hall.slack.responses[-1]

    assert "Page 1 of 2" in first["text"]
    assert values(first)[ids.REMINDERS_NEXT] == "3:2"
    await bob.press(ids.REMINDERS_NEXT, "3:2")
    assert "Page 2 of 2" in hall.slack.responses[-1]["text"]


async def test_nothing_planned_is_said_plainly(office: Office) -> None:
    """An empty plan is an answer too."""
    await office.person("UBOB").type("reminders 2 years")

    assert "Nothing will be said in the next 24 months" in office.slack.said


async def test_show_and_list_tell_the_date_and_how_sure_it_is(hall: Office) -> None:
    """Date, who says so, and the age; of a typed date that nobody confirmed it."""
    checker_of(hall.deps).answers[:] = [proven()]
    await add(hall.deps, ALICE, generic("typed", expires_on="2027-03-01"))
    bob = hall.person("UBOB")
    await bob.type("show typed")
    await bob.type("list")
    await bob.type("show scaleway-staging")

    shown, listed, told = (one["text"] for one in hall.slack.responses)
    assert "expires 1 Mar 2027 (in 97 days, typed by a person, not confirmed)" in shown
    assert "stored" in shown
    assert "(in 97 days, typed by a person, not confirmed)" in listed
    assert "(in 50 days, told by the registry)" in told


async def test_a_disagreement_is_a_warning(hall: Office) -> None:
    """The provider's word counts, and what was typed is shown."""
    await keep(hall, "disputed", expires_on="2027-03-01")
    await hall.person("UBOB").type("show disputed")

    assert "⚠ 1 Mar 2027 was typed as its expiry, but the registry tells" in hall.slack.said


async def test_a_typed_day_is_that_day_in_every_zone(office: Office) -> None:
    """13 January in Auckland is 13 January, not the day after it."""
    settings = await workspaces.settings(office.deps, ALICE)
    preferences = Preferences(time_zone="Pacific/Auckland")
    wanted = replace(settings, alert_channel="C9", preferences=preferences)
    await workspaces.change_settings(office.deps, ALICE, wanted)
    checker_of(office.deps).answers[:] = [proven()]
    await add(office.deps, ALICE, generic("typed", expires_on="2027-01-13", rotate_days="0"))
    await look(office)
    await look(office, datetime(2027, 1, 11, 20, 30, tzinfo=UTC))  # 09:30 of the 12th there

    text = message(office)["text"]
    assert "expires tomorrow (13 Jan 2027, typed by a person, not confirmed)" in text


def test_a_source_nobody_knows_is_left_out() -> None:
    """Such as that of a later release."""
    assert told_by("oracle", "generic") == ""
    assert told_by("jwt", "generic").startswith("read from the token")


def longest(stand: Stand = Stand.OPEN, **changes: object) -> ReminderView:
    """A reminder with everything in it, at its longest."""
    view = ReminderView(
        credential_id="c" * 32,
        team_id="T1",
        registry_id="r" * 32,
        name="n" * 63,
        kind="gcp_artifact_registry",
        kind_label="<!channel> " * 40,
        host="h" * 253,
        path_scope="<!here>/" * 60,
        environment="production",
        owner="U" * 30,
        created_by="U1",
        updated_by="U1",
        stand=stand,
        zone=ZoneInfo("Pacific/Apia"),
        proven=True,
        aged_from=EXPIRES - 4000 * DAY,
        age_told=True,
        rotate_days=3650,
        expiry=Expiry(EXPIRES, "provider"),
        typed=EXPIRES + DAY,
        snooze=Snooze(FIRST, EVE),
        next_at=EVE,
    )
    return replace(view, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("proven", "advice"),
    [(True, "look whether this date is right"), (False, "Create a new service account key")],
)
def test_after_the_date_the_advice_is_another(*, proven: bool, advice: str) -> None:
    """It is too late to rotate it before; if it works all the same, the date is wrong."""
    text = reminder_card(longest(proven=proven), EXPIRES + DAY).text

    assert advice in text
    assert "before then" not in text


async def test_a_shared_credential_is_told_of_once(hall: Office) -> None:
    """The message names all that have it, says whose it is, and what its buttons do."""
    for name in ("team-a", "team-b", "team-c", "team-d"):
        await keep(hall, name, url="https://harbor.example.com", path_scope=name, owner="UOWNER")
    await registries.delete(hall.deps, ALICE, "scaleway-staging", "scaleway-staging")
    await look(hall)
    await look(hall, FIRST)

    text = message(hall)["text"]
    names = "`team-a`, `team-b`, `team-c` and 1 more"
    assert f"*{names}: the credential they share expires in 30 days" in text
    assert "4 registries share this credential; owner <@UOWNER>." in text
    assert "• `team-d` · Generic registry · harbor.example.com/team-d" in text
    assert "The buttons act for all 4." in text
    assert values(message(hall))[ids.ROTATE] == "team-a"
    await hall.person("UBOB").type("reminders")
    planned = hall.slack.responses[-1]["text"]
    assert planned.count("share a credential that expires") == 5
    value = f"7:{values(message(hall))[ids.REMINDER_ROTATED]}"
    await hall.person("UALICE").choose(ids.REMINDER_SNOOZE, value, inside="posted")
    assert f"{names} are snoozed until" in hall.slack.responses[-1]["text"]


@pytest.mark.parametrize("stand", list(Stand))
def test_a_thousand_that_share_it_fit(stand: Stand) -> None:
    """And twenty owners of a thousand are called by name, in the message and in the reply."""
    one = Sharer("n" * 63, "<!channel> " * 40, "h" * 253, "<!here>/" * 60, "production", "")
    sharers = [replace(one, name=f"{n:04}-{one.name}"[:63], owner=f"U{n:029}") for n in range(999)]
    view = longest(stand, sharers=(*sharers, replace(one, left=Left.REPLACED)))
    card = reminder_card(view, EVE, by="<!channel>" * 30)

    assert message_problems(card.message()) == []
    assert "<!channel>" not in str(card)
    assert len(step_text(view, {"kind": "expires"}, EVE)) < 3000
    assert message_problems(summary_card([view] * 1000, EVE).message()) == []


@pytest.mark.parametrize("stand", list(Stand))
@pytest.mark.parametrize("now", [FIRST, EVE, EXPIRES + 2 * DAY])
def test_the_longest_reminder_fits(stand: Stand, now: datetime) -> None:
    """Whatever people called it, and without any power of its own."""
    names = {"by": "<!channel>" * 30, "alert": "https://slack.example/a"}
    card = reminder_card(longest(stand), now, called={"U" * 30: "@here " * 30}, **names)

    assert message_problems(card.message()) == []
    assert "<!channel>" not in str(card)
    assert len(step_text(longest(stand), {"kind": "expires"}, now)) < 3000


def test_the_longest_summary_and_plan_fit() -> None:
    """A thousand of them."""
    planned = PlannedReminder(
        EVE,
        ("n" * 63,) * 1000,
        "Generic registry",
        "U1",
        Kind.EXPIRES,
        1,
        Expiry(EXPIRES, "person"),
        weekly=False,
        zone=ZoneInfo("Pacific/Apia"),
    )
    cards = [
        summary_card([longest()] * 1000, EVE),
        plan_card([planned] * 1000, 24, 7),
        plan_card([replace(planned, says=Kind.AGED), replace(planned, says=Kind.EXPIRED)], 1, 9),
    ]

    assert [message_problems(card.message()) for card in cards] == [[], [], []]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", "12:1"),
        ("6", "6:1"),
        ("6 months", "6:1"),
        ("2 years", "24:1"),
        ("1 year", "12:1"),
        ("3m", "3:1"),
        ("soon", "12:1"),
    ],
)
def test_months_are_understood(typed: str, value: str) -> None:
    """However they are typed; a year otherwise."""
    assert months_meant(typed.split()) == value
