"""The Home tab."""

from __future__ import annotations

from datetime import timedelta

from bot.slack.metadata import ListState
from tests.factories import add, checker_of, clock_of, generic, refused, stored
from tests.slack.workspace import Office, Person


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
    for number in range(12):
        await add(office.deps, answers=generic(f"harbor-{number:02}"))
    await bob.open_home()
    await bob.press("list_next", ListState(2).dump(), inside="home")

    assert "harbor-11" in str(office.slack.homes["UBOB"])
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
