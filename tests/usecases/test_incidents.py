"""Clicks on incidents, and what time alone does to them, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, select, update

from bot.core.health import Trouble
from bot.core.incident import Button, Click, Lost, Step
from bot.core.preferences import Preferences
from bot.errors import NotFound
from bot.store.schema import AuditEvent, IncidentRow, Outgoing
from bot.usecases import incidents, workspaces
from bot.usecases.deps import Deps
from tests.factories import ALICE, BOB, MALLORY, add, clock_of, deps_on, generic, same_host
from tests.slack.alarm import fails, listen, press, rows


@pytest.fixture
async def deps(database_url: str) -> AsyncIterator[Deps]:
    made = deps_on(database_url)
    await add(made)
    await listen(made, "C9")
    yield made
    await made.store.close()


async def letters(deps: Deps) -> list[tuple[str, str]]:
    """What and how, in order."""
    async with deps.store.reading() as session:
        found = await session.exec(select(Outgoing).order_by(col(Outgoing.id)))
        return [(one.op, one.what) for one in found]


async def test_a_click_commits_with_what_it_says(deps: Deps) -> None:
    """The state, the edit and the thread entry, and who it was in the audit."""
    await fails(deps)
    async with deps.store.transaction() as session:
        await session.exec(update(Outgoing).values(state="sent"))
    step = await press(deps, Button.ACKNOWLEDGE)

    assert isinstance(step, Step)
    assert (await letters(deps))[-2:] == [("edit", "incident"), ("thread", "incident_entry")]
    async with deps.store.reading() as session:
        wanted = select(AuditEvent).where(col(AuditEvent.action) == "alert_acknowledged")
        (event,) = await session.exec(wanted)
    assert (event.user_id, event.registry_name) == ("UALICE", "harbor-team")


async def test_of_two_clicks_at_once_one_is_lost(deps: Deps) -> None:
    """The loser learns who was faster, and nothing else happens."""
    await fails(deps)
    row = (await rows(deps))[0]
    pressed = [
        incidents.click(deps, who, row.id, Click(button, row.version, who.user_id))
        for who, button in ((ALICE, Button.ACKNOWLEDGE), (BOB, Button.SNOOZE))
    ]
    ends = await asyncio.gather(*pressed)

    (lost,) = [end for end in ends if isinstance(end, Lost)]
    row = (await rows(deps))[0]
    assert row.version == 2
    assert lost.what == row.phase
    assert lost.by == ("UALICE" if row.phase == "acknowledged" else "UBOB")


async def test_nobody_else_knows_the_alert(deps: Deps) -> None:
    """Of another workspace, or of one that is not kept."""
    await fails(deps)
    row = (await rows(deps))[0]
    click = Click(Button.MUTE, row.version, "UMALLORY")

    for actor, name in ((MALLORY, row.id), (ALICE, "gone")):
        with pytest.raises(NotFound):
            await incidents.click(deps, actor, name, click)


async def test_a_click_before_the_alert_is_told_is_kept(deps: Deps) -> None:
    """Planned work holds it back; nothing is said, and the state is stored."""
    await fails(deps)
    async with deps.store.transaction() as session:
        row = (await session.exec(select(IncidentRow))).one()
        row.state_json = row.state_json.replace('"announced": true', '"announced": false')
        session.add(row)
        await session.exec(update(Outgoing).values(state="sent"))
    before = await letters(deps)
    await press(deps, Button.ACKNOWLEDGE)

    assert (await rows(deps))[0].phase == "acknowledged"
    assert await letters(deps) == before


async def test_time_reminds_and_escalates_once(deps: Deps) -> None:
    """However often it is asked."""
    await fails(deps)
    for _ in range(60):
        clock_of(deps).skip(timedelta(minutes=30))
        await incidents.tick_incidents(deps)

    told = [what for _, what in await letters(deps)]
    assert told.count("incident_entry") == 2
    assert told.count("incident_escalated") == 1


async def test_what_is_not_judged_calls_nobody_twice(deps: Deps) -> None:
    """Nothing fails: two days pass, and nobody is reminded or escalated to."""
    await fails(deps, trouble=Trouble.UNJUDGED)
    for _ in range(48):
        clock_of(deps).skip(timedelta(hours=1))
        await incidents.tick_incidents(deps)

    assert [told for told in await letters(deps) if told[1] != "registry_added"] == [
        ("post", "incident")
    ]


async def test_a_refusal_beside_what_is_not_judged_has_its_own_alert(deps: Deps) -> None:
    """Who calmly waits for an answer does not hold an alert of the same credential back."""
    await add(deps, answers=same_host("team"))
    await fails(deps, trouble=Trouble.UNJUDGED)
    await fails(deps, "team")

    assert [row.trouble for row in await rows(deps)] == ["unjudged", "refused"]


async def test_changed_rules_hold_for_what_is_open(deps: Deps) -> None:
    """It opened while nobody was to be reminded; now somebody is, after four hours."""
    never = Preferences(remind_hours=None, escalate_hours=None)
    settings = await workspaces.settings(deps, ALICE)
    settings = await workspaces.change_settings(deps, ALICE, replace(settings, preferences=never))
    await fails(deps)
    clock_of(deps).skip(timedelta(hours=3))
    await incidents.tick_incidents(deps)
    await workspaces.change_settings(deps, ALICE, replace(settings, preferences=Preferences()))

    told = []
    for _ in range(3):
        await incidents.tick_incidents(deps)
        told.append([what for _, what in await letters(deps)].count("incident_entry"))
        clock_of(deps).skip(timedelta(hours=1))

    assert told == [0, 1, 1]


async def test_an_incident_that_cannot_be_read_stops_no_other(deps: Deps) -> None:
    """It is set aside for an hour; the one behind it is reminded."""
    await add(deps, answers=generic("another"))
    await fails(deps)
    await fails(deps, "another")
    spoiled = (await rows(deps))[0]
    async with deps.store.transaction() as session:
        here = col(IncidentRow.id) == spoiled.id
        await session.exec(update(IncidentRow).where(here).values(state_json="nonsense"))
    clock_of(deps).skip(timedelta(hours=5))
    await incidents.tick_incidents(deps)

    entries = [what for _, what in await letters(deps) if what == "incident_entry"]
    assert len(entries) == 1
    after = {row.id: row.next_tick_at for row in await rows(deps)}
    assert after[spoiled.id] == deps.clock.now() + incidents.ASIDE


async def test_a_storm_is_taken_at_once(deps: Deps) -> None:
    """By one click; what somebody took already is left to them."""
    for number in range(8):
        await add(deps, answers=generic(f"registry-{number}"))
        await fails(deps, f"registry-{number}")
    first = (await rows(deps))[0]
    mine = replace(BOB)
    await incidents.click(deps, mine, first.id, Click(Button.ACKNOWLEDGE, first.version, "UBOB"))

    assert await incidents.take_all(deps, ALICE, first.storm_id) == 7
    assert {row.phase for row in await rows(deps)} == {"acknowledged"}
    with pytest.raises(NotFound):
        await incidents.take_all(deps, MALLORY, first.storm_id)
