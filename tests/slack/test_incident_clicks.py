"""What people press on alerts, through Bolt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.incident import Button
from bot.slack.deliver import Courier
from bot.store.schema import IncidentRow
from bot.usecases import registries
from tests.factories import ALICE, add, checker_of, clock_of, generic, proven, refused
from tests.slack.alarm import deliver, fails, listen, press, rows
from tests.slack.workspace import Office, Person


@pytest.fixture
async def alert(office: Office) -> IncidentRow:
    """An incident that was posted."""
    await add(office.deps)
    await listen(office.deps, "C9")
    await fails(office.deps)
    await deliver(office.deps, Courier(office.deps, office.client, apart=0))
    return (await rows(office.deps))[0]


def value(row: IncidentRow) -> str:
    return f"{row.id}:{row.version}"


async def phase(office: Office) -> str:
    return (await rows(office.deps))[-1].phase


async def test_acknowledging_says_nothing_but_on_the_message(
    office: Office, alice: Person, alert: IncidentRow
) -> None:
    """The message shows it; one more message would be noise."""
    said = office.slack.said
    await alice.press("alert_acknowledge", value(alert), inside="posted")

    assert await phase(office) == "acknowledged"
    assert office.slack.said == said


async def test_who_comes_too_late_is_told_who_was_faster(
    office: Office, alice: Person, bob: Person, alert: IncidentRow
) -> None:
    """Two people click at once: one does it, the other changes nothing and knows why."""
    await alice.press("alert_acknowledge", value(alert), inside="posted")
    await bob.press("alert_snooze", f"hour:{value(alert)}", inside="posted")

    assert await phase(office) == "acknowledged"
    assert "<@UALICE> acknowledged it since you saw it" in office.slack.responses[-1]["text"]


async def test_a_click_on_what_has_recovered_changes_nothing(
    office: Office, alice: Person, alert: IncidentRow
) -> None:
    """An old screen, or a phone that was offline."""
    await registries.delete(office.deps, ALICE, "harbor-team", "harbor-team")
    await alice.press("alert_acknowledge", value(alert), inside="posted")

    assert await phase(office) == "deleted"
    assert "your click changed nothing" in office.slack.responses[-1]["text"]


@pytest.mark.parametrize("junk", ["", "gone:1", "gone", "::", "x:y:z"])
async def test_a_button_of_an_alert_that_is_not_kept(
    office: Office, alice: Person, junk: str
) -> None:
    """It is answered politely."""
    await alice.press("alert_acknowledge", junk, inside="posted")

    assert "This alert is not kept any more." in office.slack.responses[-1]["text"]


async def test_another_workspace_has_no_say(office: Office, alert: IncidentRow) -> None:
    """Ids are no secret."""
    mallory = office.person("UMALLORY", team="T2")
    await mallory.press("alert_acknowledge", value(alert), inside="posted")

    assert await phase(office) == "failing"


@pytest.mark.parametrize(("how", "length"), [("hour", 1), ("day", 24)])
async def test_snoozing_for_a_while(
    office: Office, alice: Person, alert: IncidentRow, how: str, length: int
) -> None:
    """From now on."""
    await alice.choose("alert_snooze", f"{how}:{value(alert)}", inside="posted")

    row = (await rows(office.deps))[0]
    assert row.phase == "snoozed"
    assert row.next_tick_at is not None
    assert row.next_tick_at - office.deps.clock.now() == timedelta(hours=length)


async def test_snoozing_until_a_date(office: Office, alice: Person, alert: IncidentRow) -> None:
    """A small form asks which; it is woken when work begins that day."""
    await listen(office.deps, "C9", time_zone="Europe/Paris")
    await alice.choose("alert_snooze", f"date:{value(alert)}", inside="posted")
    assert await alice.submit(until="2026-11-24") == {
        "until": "Choose a day after today, at most 90 days from now."
    }
    assert await alice.submit(until="2026-12-01") == {}

    row = (await rows(office.deps))[0]
    assert row.next_tick_at == datetime(2026, 12, 1, 8, 30, tzinfo=UTC)


async def test_the_form_that_was_overtaken(
    office: Office, alice: Person, alert: IncidentRow
) -> None:
    """It acts on the version that was on the screen when it was opened."""
    await alice.choose("alert_snooze", f"date:{value(alert)}", inside="posted")
    await press(office.deps, Button.ACKNOWLEDGE, "UBOB")
    await alice.submit(until="2026-12-01")

    assert await phase(office) == "acknowledged"
    assert "<@UBOB> acknowledged it" in str(office.slack.view["blocks"])


async def test_fixing_opens_the_form_and_closes_the_alert(
    office: Office, alice: Person, alert: IncidentRow
) -> None:
    """A credential that is proven is the end of it."""
    await alice.press("alert_fix", value(alert), inside="posted")
    checker_of(office.deps).answers = [proven()]
    assert await alice.submit(password="new horse") == {}

    assert await phase(office) == "replaced"


async def test_retesting_shows_every_stage(
    office: Office, alice: Person, alert: IncidentRow
) -> None:
    """At once, to whoever asked."""
    checker_of(office.deps).answers = [refused()]
    await alice.press("alert_retest", value(alert), inside="posted")

    assert "The registry refused the password." in str(office.slack.view["blocks"])


async def test_the_view_of_a_closed_alert(
    office: Office, alice: Person, alert: IncidentRow
) -> None:
    """The registry as it is now."""
    await alice.press("alert_view", value(alert), inside="posted")

    assert "`harbor-team`" in office.slack.said


async def test_all_pages_hold_all_registries(office: Office, alice: Person) -> None:
    """Forty on a page, each with its menu; clicks on a page act and redraw it."""
    names = [f"registry-{number:03}" for number in range(50)]
    for name in names:
        await add(office.deps, answers=generic(name))
    await listen(office.deps, "C9")
    for name in names:
        await fails(office.deps, name)
    storm_id = (await rows(office.deps))[0].storm_id

    await alice.press("alert_list", f"storm:{storm_id}:1", inside="posted")
    first = str(office.slack.view["blocks"])
    assert "page 1 of 2" in first
    await alice.press("alert_next", f"storm:{storm_id}:2", inside="modal")
    second = str(office.slack.view["blocks"])
    assert all((f"`{name}`" in first) != (f"`{name}`" in second) for name in names)
    row = (await rows(office.deps))[49]
    await alice.choose("alert_menu", f"acknowledge:{value(row)}", inside="modal")
    assert "Acknowledged." in str(office.slack.view["blocks"])
    assert "page 2 of 2" in str(office.slack.view["blocks"])
    await alice.press("alert_take_all", storm_id, inside="posted")
    assert "You acknowledged 49 alerts." in office.slack.said
    assert {row.phase for row in await rows(office.deps)} == {"acknowledged"}


async def test_planned_work_is_quiet(office: Office, alice: Person) -> None:
    """Paused for two hours it is checked, and whoever asks sees that."""
    await add(office.deps)
    await listen(office.deps, "C9")
    await alice.type("pause harbor-team for 2 hours moving house")
    assert "`harbor-team` is paused until <!date^" in office.slack.said
    assert "Reason: moving house" in office.slack.said
    await fails(office.deps)
    courier = Courier(office.deps, office.client, apart=0)
    await deliver(office.deps, courier)
    assert office.slack.of("chat.postMessage") == []
    clock_of(office.deps).skip(timedelta(minutes=5))
    await alice.type("resume harbor-team")
    assert "is not paused any more" in office.slack.said


async def test_the_form_asks_for_how_long(office: Office, alice: Person) -> None:
    """Without a time, or with one that is none."""
    await add(office.deps)
    await alice.type("pause harbor-team")
    assert await alice.submit(duration="1d", reason="moving house") == {}

    registry = await registries.show(office.deps, ALICE, "harbor-team")
    assert registry.pause is not None
    assert registry.pause.until == office.deps.clock.now() + timedelta(days=1)


async def test_only_managers_pause(office: Office, bob: Person) -> None:
    """Silence is a change."""
    await add(office.deps)
    await bob.type("pause harbor-team for 2h")

    assert "Only managers may pause a registry." in office.slack.said
