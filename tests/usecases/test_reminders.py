"""Reminders through the use cases: said once, in one message, that ends as the matter ends."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.access import Actor
from bot.core.check import CheckResult, Expiry, Verdict
from bot.core.health import Trouble
from bot.core.incident import Incident
from bot.core.preferences import Preferences
from bot.core.registry import RegistryView
from bot.core.reminders import Kind
from bot.errors import Conflict, NotAllowed, NotFound
from bot.store import incidents
from bot.store import reminders as rows
from bot.store.outbox import EDIT, POST, THREAD, OutboxMessage
from bot.usecases import checking, drafts, outbox, registries, reminder_view, reminders, workspaces
from bot.usecases.deps import Deps
from bot.usecases.drafts import Answers
from bot.usecases.reminder_view import ReminderView, Stand
from bot.usecases.reminding import tick_reminders
from tests.factories import (
    ALICE,
    BOB,
    MALLORY,
    add,
    checker_of,
    clock_of,
    generic,
    proven,
    refused,
)

DAY = timedelta(days=1)
EXPIRES = datetime(2027, 1, 13, 15, 0, tzinfo=UTC)  # a Wednesday, 50 days after the beginning
OWNER = Actor("T1", "UOWNER")


def told(at: datetime | None = EXPIRES, source: str = "provider") -> CheckResult:
    return proven(expiry=Expiry(at, source))


async def channel(deps: Deps, **changes: object) -> None:
    """Let the workspace's news go to C1."""
    settings = await workspaces.settings(deps, ALICE)
    preferences = Preferences(time_zone="Europe/Paris")
    wanted = replace(settings, alert_channel="C1", preferences=preferences)
    await workspaces.change_settings(deps, ALICE, replace(wanted, **changes))  # type: ignore[arg-type]


async def keep(deps: Deps, name: str = "scaleway-staging", **public: str) -> RegistryView:
    checker_of(deps).answers[:] = [told()]
    return await add(deps, ALICE, generic(name, **({"rotate_days": "0"} | public)))


async def look(deps: Deps, at: datetime | None = None) -> list[OutboxMessage]:
    """Tick, and send what waits; the letters about reminders that were sent."""
    if at is not None:
        clock_of(deps).at = at
    await tick_reminders(deps)
    sent: list[OutboxMessage] = []
    while claimed := await outbox.claim(deps, 100):
        for message in claimed:
            await outbox.settle(deps, message, f"{message.id}.000100")
        sent += [one for one in claimed if one.what.startswith("reminder")]
    return sent


async def shown(deps: Deps, name: str = "scaleway-staging") -> ReminderView:
    """The reminder of the credential in force."""
    async with deps.store.reading() as session:
        kept = await rows.all_kept(session, "T1")
    (found,) = [one for one in kept if one.registry.name == name]
    view = await reminder_view.load(deps, found.credential.id)
    assert view is not None
    return view


def paris(text: str) -> datetime:
    """A moment in the winter of Paris."""
    return datetime.fromisoformat(f"{text}+01:00").astimezone(UTC)


FIRST = paris("2026-12-14 09:30")
SECOND = paris("2026-12-30 09:30")
EVE = paris("2027-01-12 09:30")


async def test_the_first_step_is_a_message_and_the_next_edit_it(deps: Deps) -> None:
    """30 days before: a post; 14 days before: the same message, and a reply below it."""
    await channel(deps)
    await keep(deps)

    assert await look(deps) == []
    assert await look(deps, FIRST - timedelta(minutes=1)) == []
    (first,) = await look(deps, FIRST)
    assert (first.op, first.what, first.channel) == (POST, "reminder", "C1")
    assert {one.op for one in await look(deps, SECOND)} == {EDIT, THREAD}
    assert await outbox.place(deps, first.subject) == ("C1", f"{first.id}.000100")


async def test_an_open_message_counts_the_days(deps: Deps) -> None:
    """Every morning it is redrawn, without a word of its own."""
    await channel(deps)
    await keep(deps)
    await look(deps)
    await look(deps, FIRST)

    assert await look(deps, FIRST + timedelta(hours=3)) == []
    assert [one.op for one in await look(deps, FIRST + DAY)] == [EDIT]
    assert (await shown(deps)).days_left(FIRST + DAY) == 29


async def test_two_workers_say_it_once(deps: Deps) -> None:
    """What was said is committed with the letter that says it."""
    await channel(deps)
    await keep(deps)
    await look(deps)
    clock_of(deps).at = FIRST

    assert [await tick_reminders(deps), await tick_reminders(deps)] == [1, 0]


async def test_a_new_secret_ends_the_reminder(deps: Deps) -> None:
    """The message says that it was replaced; the new credential has a plan of its own."""
    await channel(deps)
    registry = await keep(deps)
    await look(deps)
    (first,) = await look(deps, FIRST)
    old = (await shown(deps)).credential_id
    checker_of(deps).answers[:] = [told(EXPIRES + 90 * DAY)]
    await edit(deps, registry, password="another horse entirely")

    assert [(one.op, one.subject) for one in await look(deps)] == [(EDIT, first.subject)]
    view = await reminder_view.load(deps, old)
    assert view is not None
    assert view.stand is Stand.REPLACED
    assert await look(deps, SECOND) == []


async def test_an_edit_that_keeps_the_secret_keeps_the_reminder(deps: Deps) -> None:
    """A new description is no new credential: nothing is said again, the message goes on."""
    await channel(deps)
    registry = await keep(deps)
    await look(deps)
    (first,) = await look(deps, FIRST)
    place = await outbox.place(deps, first.subject)
    await edit(deps, registry, password="", description="Of the platform team.")

    redrawn = await look(deps, FIRST + timedelta(minutes=5))  # its buttons name the credential
    again = await look(deps, SECOND)
    assert [one.op for one in redrawn] == [EDIT]
    assert {one.op for one in again} == {EDIT, THREAD}
    assert await outbox.place(deps, again[0].subject) == place
    assert again[0].subject != first.subject


async def test_an_edit_before_the_post_was_sent_loses_no_message(deps: Deps) -> None:
    """The post still waits in the outbox: what was said goes over once its place is known."""
    await channel(deps)
    registry = await keep(deps)
    await look(deps)
    clock_of(deps).at = FIRST
    await tick_reminders(deps)
    await edit(deps, registry, password="", description="Of the platform team.")
    await tick_reminders(deps)

    (first,) = await look(deps)
    await look(deps)
    again = await look(deps, SECOND)
    assert await outbox.place(deps, again[0].subject) == ("C1", f"{first.id}.000100")


async def test_a_deleted_registry_ends_its_reminder(deps: Deps) -> None:
    """And one that is restored is reminded of again, in the same message."""
    await channel(deps)
    await keep(deps)
    await look(deps)
    await look(deps, FIRST)
    await registries.delete(deps, ALICE, "scaleway-staging", "scaleway-staging")

    assert [one.op for one in await look(deps)] == [EDIT]
    assert await look(deps, FIRST + DAY) == []
    await registries.restore(deps, ALICE, "scaleway-staging")
    assert [one.op for one in await look(deps)] == [EDIT]
    assert [one.op for one in await look(deps, SECOND)] == [EDIT, THREAD]


async def test_a_later_expiry_settles_the_reminder(deps: Deps) -> None:
    """The provider tells another date with the next check: nothing is near any more."""
    await channel(deps)
    await keep(deps)
    await look(deps)
    await look(deps, FIRST)
    checker_of(deps).answers[:] = [told(EXPIRES + 200 * DAY)]
    await checking.check_registry(deps, ALICE, "scaleway-staging")

    assert [one.op for one in await look(deps)] == [EDIT]
    assert (await shown(deps)).stand is Stand.SETTLED
    assert await look(deps, SECOND) == []


async def test_an_expiry_that_is_learned_later_is_planned_at_once(deps: Deps) -> None:
    """Nobody has to say that a check found a date: the next tick sees it."""
    await channel(deps)
    checker_of(deps).answers[:] = [proven()]
    await add(deps, ALICE, generic("scaleway-staging", rotate_days="0"))
    await look(deps)
    checker_of(deps).answers[:] = [told()]
    await checking.check_registry(deps, ALICE, "scaleway-staging")

    await look(deps)
    assert [one.op for one in await look(deps, FIRST)] == [POST]


async def test_what_was_missed_comes_in_one_summary(deps: Deps) -> None:
    """Down over the steps of four credentials: one message that lists them, not four."""
    await channel(deps)
    for number in range(4):
        await keep(deps, f"registry-{number}")
    await look(deps)

    (summary,) = await look(deps, FIRST + DAY + timedelta(hours=2))
    assert (summary.what, summary.op) == ("reminder_summary", POST)
    assert len(summary.values["credentials"].split(",")) == 4
    assert await look(deps, FIRST + DAY + timedelta(hours=3)) == []
    assert len(await look(deps, SECOND)) == 4


async def test_three_that_were_missed_are_told_one_by_one(deps: Deps) -> None:
    """So few are no flood, and each has its buttons."""
    await channel(deps)
    for number in range(3):
        await keep(deps, f"registry-{number}")
    await look(deps)

    assert [one.op for one in await look(deps, FIRST + DAY)] == [POST] * 3


async def test_without_a_channel_the_owner_hears_it(deps: Deps) -> None:
    """No alert channel is set: a direct message to whom it belongs."""
    await keep(deps, owner="UOWNER")
    await look(deps)

    (first,) = await look(deps, datetime(2026, 12, 14, 9, 30, tzinfo=UTC))
    assert first.channel == "UOWNER"


async def test_changed_hours_move_the_plan(deps: Deps) -> None:
    """Work begins at ten now: nothing at half past nine."""
    await channel(deps)
    await keep(deps)
    await look(deps)
    later = Preferences(time_zone="America/New_York")
    await channel(deps, preferences=later)
    await look(deps)

    assert await look(deps, FIRST) == []
    assert len(await look(deps, datetime(2026, 12, 14, 14, 30, tzinfo=UTC))) == 1


async def test_a_snooze_is_shown_and_keeps_quiet(deps: Deps) -> None:
    """For a fortnight and more; what it held back is said when it ends."""
    await channel(deps)
    await keep(deps)
    await look(deps)
    await look(deps, FIRST)
    view = await reminders.snooze(deps, ALICE, (await shown(deps)).credential_id, 20)

    assert view.snooze is not None
    assert (view.snooze.until, view.snoozed_by) == (FIRST + 20 * DAY, "UALICE")
    assert [one.op for one in await look(deps)] == [EDIT]
    assert THREAD not in {one.op for one in await look(deps, SECOND)}
    # Its end, 3 January, is a Sunday.
    assert THREAD in {one.op for one in await look(deps, paris("2027-01-04 09:30"))}


async def test_a_snooze_never_passes_the_expiry(deps: Deps) -> None:
    """Asked for a year: it ends before the last two steps."""
    await channel(deps)
    await keep(deps)
    await look(deps)
    await look(deps, FIRST)
    view = await reminders.snooze(deps, ALICE, (await shown(deps)).credential_id, 365)

    assert view.snooze is not None
    assert view.snooze.until == EVE
    await look(deps)
    assert THREAD in {one.op for one in await look(deps, EVE)}


async def test_rotated_elsewhere_begins_its_age_anew(deps: Deps) -> None:
    """The date that a person typed is forgotten; the message ends; 90 days later it is due again."""
    await channel(deps)
    checker_of(deps).answers[:] = [proven()]
    public = {"expires_on": "2027-01-13", "rotate_days": "90"}
    await add(deps, ALICE, generic("scaleway-staging", **public))
    await look(deps)
    await look(deps, FIRST)
    view = await reminders.rotated_elsewhere(deps, ALICE, (await shown(deps)).credential_id)

    assert (view.stand, view.expiry, view.aged_from) == (Stand.ROTATED, None, FIRST)
    assert [one.op for one in await look(deps)] == [EDIT]
    assert await look(deps, EVE) == []
    assert [one.op for one in await look(deps, FIRST + 91 * DAY)] == [POST]


async def test_rotated_elsewhere_does_not_silence_what_the_provider_tells(deps: Deps) -> None:
    """The secret stored here still dies on its day: the last two steps are said."""
    await channel(deps)
    await keep(deps)
    await look(deps)
    await look(deps, FIRST)
    await reminders.rotated_elsewhere(deps, ALICE, (await shown(deps)).credential_id)
    await look(deps)

    assert await look(deps, SECOND) == []
    assert [one.op for one in await look(deps, EVE)] == [POST]


async def test_an_assigned_owner_is_shown(deps: Deps) -> None:
    """The registry's owner changes, and the message with it."""
    await channel(deps)
    await keep(deps)
    await look(deps)
    await look(deps, FIRST)
    view = await reminders.assign_owner(deps, ALICE, (await shown(deps)).credential_id, "UOWNER")

    assert view.owner == "UOWNER"
    assert [one.op for one in await look(deps)] == [EDIT]


async def test_the_owner_may_and_others_may_not(deps: Deps) -> None:
    """Bob neither manages nor owns it; another workspace does not even see it."""
    await channel(deps, manager_users=("UALICE",))
    await keep(deps, owner="UOWNER")
    await look(deps)
    await look(deps, FIRST)
    credential_id = (await shown(deps)).credential_id

    with pytest.raises(NotAllowed):
        await reminders.snooze(deps, BOB, credential_id, 1)
    with pytest.raises(NotFound):
        await reminders.snooze(deps, MALLORY, credential_id, 1)
    await reminders.snooze(deps, OWNER, credential_id, 1)


async def test_a_click_on_the_message_of_a_replaced_credential_changes_nothing(deps: Deps) -> None:
    """The state that was shown is gone."""
    await channel(deps)
    registry = await keep(deps)
    await look(deps)
    await look(deps, FIRST)
    old = (await shown(deps)).credential_id
    await edit(deps, registry, password="another horse entirely")

    with pytest.raises(Conflict, match="replaced or deleted"):
        await reminders.snooze(deps, ALICE, old, 1)


async def test_the_plan_is_what_will_be_said(deps: Deps) -> None:
    """Every step of an expiry in order; of an age the first one, which comes again every week."""
    await channel(deps)
    await keep(deps, "expires")
    checker_of(deps).answers[:] = [proven()]
    await add(deps, ALICE, generic("ages", rotate_days="90"))
    await look(deps)
    await look(deps, FIRST)

    planned = await reminders.plan(deps, BOB, 12)
    assert [(one.names[0], one.says, one.days) for one in planned] == [
        ("expires", Kind.EXPIRES, 14),
        ("expires", Kind.EXPIRES, 7),
        ("expires", Kind.EXPIRES, 5),
        ("expires", Kind.EXPIRES, 1),
        ("expires", Kind.EXPIRES, 0),
        ("ages", Kind.AGED, 0),
    ]
    assert [one.at for one in planned][:1] == [SECOND]
    assert planned[-1].weekly
    assert len(await reminders.plan(deps, BOB, 1)) == 5
    assert await reminders.plan(deps, MALLORY, 12) == []


async def test_the_word_of_the_provider_wins_over_a_typed_date(deps: Deps) -> None:
    """Both are kept, so that the disagreement can be shown."""
    checker_of(deps).answers[:] = [told()]
    saved = await add(deps, ALICE, generic("disputed", expires_on="2027-03-01"))

    assert saved.verdict is Verdict.PROVEN
    assert saved.credential is not None
    assert saved.credential.expiry == Expiry(EXPIRES, "provider")
    assert saved.credential.disputed
    draft = await drafts.open_edit(deps, ALICE, "disputed")
    assert draft.answers.public["expires_on"] == "2027-03-01"


async def edit(deps: Deps, registry: RegistryView, **changes: str) -> None:
    answers: Answers = generic(registry.name, **({"rotate_days": "0"} | changes))
    draft_id = await drafts.begin(
        deps, ALICE, answers, name_of_edited=registry.name, version=registry.version
    )
    assert (await drafts.try_draft(deps, ALICE, draft_id)).saved is not None


async def refused_now(deps: Deps, registry: RegistryView) -> str:
    """An open incident of a refused credential, as the checks open it."""
    now = deps.clock.now()
    incident = Incident(
        trouble=Trouble.REFUSED,
        since=now,
        opened_at=now,
        sentence="The token was revoked.",
        waiting_since=now,
        announce_at=now,
    )
    async with deps.store.transaction() as session:
        row = await incidents.add(session, "T1", f"registry:{registry.id}", incident, None)
        assert row is not None
        row.channel, row.ts = "C1", "77.0001"
        await incidents.join(session, row.id, registry.id, now)
        return row.id


async def recovered(deps: Deps, incident_id: str) -> None:
    async with deps.store.transaction() as session:
        row = await incidents.locked(session, incident_id)
        assert row is not None
        state = replace(incidents.state_of(row), closed_at=deps.clock.now())
        await incidents.put(session, row, state, None)


async def test_a_reminder_becomes_the_alert_when_the_credential_dies(deps: Deps) -> None:
    """Its message points to the alert and is silent; alive again, it says what is so again."""
    await channel(deps)
    registry = await keep(deps)
    await look(deps)
    await look(deps, FIRST)
    incident_id = await refused_now(deps, registry)

    assert [one.op for one in await look(deps)] == [EDIT]
    view = await shown(deps)
    assert (view.stand, view.alert) == (Stand.DIED, ("C1", "77.0001"))
    assert await look(deps, SECOND - DAY) == []
    await recovered(deps, incident_id)
    assert [one.op for one in await look(deps)] == [EDIT]
    assert (await shown(deps)).stand is Stand.OPEN
    assert [one.op for one in await look(deps, SECOND)] == [EDIT, THREAD]


async def test_nothing_is_said_while_a_refusal_is_not_confirmed(deps: Deps) -> None:
    """One problem is one message: the alert is about to come, or the refusal is soon over."""
    await channel(deps)
    await keep(deps)
    await look(deps)
    clock_of(deps).at = FIRST
    checker_of(deps).answers[:] = [refused()]
    await checking.check_registry(deps, ALICE, "scaleway-staging")

    assert await look(deps) == []
    checker_of(deps).answers[:] = [told()]
    await checking.check_registry(deps, ALICE, "scaleway-staging")
    assert [one.op for one in await look(deps, FIRST + timedelta(minutes=6))] == [POST]


async def test_nothing_is_said_while_the_alert_is_open(deps: Deps) -> None:
    """It died before its first reminder: the alert alone speaks."""
    await channel(deps)
    registry = await keep(deps)
    await look(deps)
    await refused_now(deps, registry)

    assert await look(deps, FIRST) == []
    assert await reminders.plan(deps, BOB, 12) == []


async def test_two_workers_at_the_same_moment_say_it_once(deps: Deps) -> None:
    """One holds the workspace, the other passes it over."""
    await channel(deps)
    for number in range(3):
        await keep(deps, f"registry-{number}")
    await look(deps)
    clock_of(deps).at = FIRST

    assert sum(await asyncio.gather(*(tick_reminders(deps) for _ in range(4)))) == 3


@pytest.mark.parametrize("year", [9999, 1])
async def test_odd_dates_hold_nobody_up(deps: Deps, year: int) -> None:
    """Some systems write the year 9999 for never and the year 1 for nothing."""
    await channel(deps)
    odd = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    checker_of(deps).answers[:] = [proven(expiry=Expiry(odd, "provider"), issued_at=odd)]
    await add(deps, ALICE, generic("odd"))
    await keep(deps)
    await look(deps)

    assert len(await look(deps, FIRST)) == 1
    assert {one.names[0] for one in await reminders.plan(deps, BOB, 12)} == {
        "odd",
        "scaleway-staging",
    }


async def test_a_row_that_cannot_be_read_holds_nobody_up(deps: Deps) -> None:
    """It is taken as if nothing had been said."""
    await channel(deps)
    await keep(deps)
    await keep(deps, "spoiled")
    await look(deps)
    async with deps.store.transaction() as session:
        for found in await rows.all_kept(session, "T1"):
            if found.registry.name == "spoiled":
                assert found.reminder is not None
                found.reminder.said_json = '{"steps": [["x", "not a time"]]}'
                found.reminder.snooze_json = '{"since": 1, "until": []}'
                session.add(found.reminder)

    assert len(await look(deps, FIRST)) == 2
