"""The Home tab."""

from __future__ import annotations

import time
from datetime import timedelta

from bot.slack.home import refresh_changed_homes
from bot.slack.metadata import ListState
from bot.usecases import checking
from tests.factories import (
    ALICE,
    NOW,
    add,
    checker_of,
    clock_of,
    expiring,
    generic,
    refused,
    stored,
)
from tests.slack.workspace import Office, Person
from tests.usecases.history import many


async def test_an_empty_home_says_how_to_begin(office: Office, bob: Person) -> None:
    """Three sentences and one button."""
    await bob.open_home()

    assert "Add your first registry" in str(office.slack.homes["UBOB"])


async def test_what_needs_attention_comes_first(office: Office, bob: Person) -> None:
    """With a button each to fix it."""
    await add(office.deps, answers=generic("a-fine"))
    checker_of(office.deps).answers = [refused()]
    await stored(office.deps, answers=generic("b-refused"))
    await bob.open_home()

    text = str(office.slack.homes["UBOB"])
    assert "Needs attention (1)" in text
    assert text.index("b-refused") < text.index("a-fine")


async def test_a_repeated_event_is_answered_once(office: Office, bob: Person) -> None:
    """Slack repeats an event that it believes lost."""
    await bob.open_home("Ev1")
    await bob.open_home("Ev1")

    assert len(office.slack.of("views.publish")) == 1


async def test_pages_turn_on_the_tab_itself(office: Office, bob: Person) -> None:
    """And no message is written."""
    for number in range(22):
        await add(office.deps, answers=generic(f"harbor-{number:02}"))
    await bob.open_home()
    await bob.press("list_next", ListState(2).dump(), inside="home")

    assert "harbor-21" in str(office.slack.homes["UBOB"])
    assert office.slack.said == ""


async def test_it_is_refreshed_for_those_who_looked_lately(
    office: Office, alice: Person, bob: Person
) -> None:
    """A change shows on the tabs that were open in the last ten minutes."""
    await add(office.deps)
    await bob.open_home("Ev1")
    clock_of(office.deps).skip(timedelta(minutes=9))
    await alice.press("check", "harbor-team")
    assert len(office.slack.of("views.publish")) == 2
    clock_of(office.deps).skip(timedelta(minutes=2))
    await alice.press("check", "harbor-team")

    assert len(office.slack.of("views.publish")) == 2


async def test_a_change_by_itself_shows_too(office: Office, bob: Person) -> None:
    """Nobody pressed anything: a retest found a refusal while the tab was open."""
    await add(office.deps)
    await bob.open_home()
    assert await refresh_changed_homes(office.deps, office.client) == 0
    checker_of(office.deps).answers = [refused()]
    await checking.check_registry(office.deps, ALICE, "harbor-team")

    assert await refresh_changed_homes(office.deps, office.client) == 1
    assert await refresh_changed_homes(office.deps, office.client) == 0
    assert "Needs attention (1)" in str(office.slack.homes["UBOB"])


async def test_a_tab_that_nobody_looks_at_is_left_alone(office: Office, bob: Person) -> None:
    """After ten minutes."""
    await add(office.deps)
    await bob.open_home()
    clock_of(office.deps).skip(timedelta(minutes=11))
    checker_of(office.deps).answers = [refused()]
    await checking.check_registry(office.deps, ALICE, "harbor-team")

    assert await refresh_changed_homes(office.deps, office.client) == 0


async def test_the_tab_stays_on_its_page(office: Office, alice: Person, bob: Person) -> None:
    """A refresh does not lead somebody back to the first page."""
    for number in range(22):
        await add(office.deps, answers=generic(f"harbor-{number:02}"))
    await bob.open_home()
    await bob.press("list_next", ListState(2).dump(), inside="home")
    await alice.press("check", "harbor-00")

    assert "Page 2 of 2" in str(office.slack.homes["UBOB"])


async def test_what_comes_up_is_on_the_tab(office: Office, bob: Person) -> None:
    """With who told it, and a way to rotate it."""
    checker_of(office.deps).answers = [expiring(NOW + timedelta(days=14))]
    await add(office.deps)
    await bob.open_home()
    text = str(office.slack.homes["UBOB"])

    assert "Coming up" in text
    assert "in 14 days, told by the registry)" in text
    assert "Rotate harbor-team" in text


async def test_overdue_rotations_are_one_line(office: Office, bob: Person) -> None:
    """The oldest by name, the others by number."""
    for name in ("a-one", "b-two", "c-three"):
        await add(office.deps, answers=generic(name, rotate_days="10"))
        clock_of(office.deps).skip(timedelta(days=1))
    clock_of(office.deps).skip(timedelta(days=20))
    await bob.open_home()
    text = str(office.slack.homes["UBOB"])

    assert "`a-one` was to be rotated" in text
    assert "2 more rotations are overdue." in text


async def test_a_registry_is_found_by_a_part_of_its_name(office: Office, bob: Person) -> None:
    """Among a thousand, pages are no way."""
    await add(office.deps)
    await bob.open_home()
    assert await bob.search("pick_show", "rbor") == ["harbor-team"]
    await bob.choose("pick_show", "harbor-team", inside="home")

    assert "fingerprint" in str(office.slack.view["blocks"])


async def test_a_thousand_registries_are_shown_within_a_second(office: Office, bob: Person) -> None:
    """In at most a hundred blocks, with the first things to do on top."""
    await many(office.deps, 1_000)
    began = time.perf_counter()
    await bob.open_home()
    took = time.perf_counter() - began
    view = office.slack.homes["UBOB"]

    assert took < 1
    assert len(view["blocks"]) <= 100
    assert "Needs attention (20)" in str(view)
    assert "995 more come later." in str(view)


async def test_its_buttons_open_windows(office: Office, bob: Person) -> None:
    """There is no channel to answer in."""
    await add(office.deps)
    await bob.choose("row_menu", "show:harbor-team", inside="home")
    assert "fingerprint" in str(office.slack.view["blocks"])
    await bob.press("history", "harbor-team", inside="modal")

    assert "Checks of" in str(office.slack.view["blocks"])


async def test_a_refusal_on_the_tab_is_a_window(office: Office, bob: Person) -> None:
    """Somebody who does not manage presses Add."""
    await bob.press("add", inside="home")

    assert "Only managers may" in str(office.slack.view["blocks"])
