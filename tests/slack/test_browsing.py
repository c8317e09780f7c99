"""`images NAME` in Slack: lists to copy from, pages, and the way to a tag and back."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.image import Reference
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.sight import Absence, ImageFacts
from bot.errors import Unseen
from bot.kinds.lists import CURSOR_MOST, SHOWN
from bot.slack import ids
from bot.slack.metadata import BrowseState
from bot.slack.render_images import images_card, looking_card, tag_card
from bot.usecases.browsing import TEXT_LONGEST, Browsed, Wish
from tests.factories import NOW, add, generic
from tests.slack.payloads import message_problems, view_problems
from tests.slack.workspace import Office, Person

LONG = "a" * 255


@pytest.fixture
async def hall(office: Office) -> Office:
    """A registry with three repositories."""
    office.looks.shelf = {"team/app": ["1.2", "1.1"], "team/tool": ["3"], "web": ["9"]}
    await add(office.deps, answers=generic("harbor-team"))
    return office


def shown(office: Office) -> str:
    blocks = office.slack.view["blocks"]
    return "\n".join(str(block.get("text", {}).get("text", "")) for block in blocks)


def values(office: Office, action_id: str) -> list[str]:
    """What the buttons of that name carry."""
    found: list[dict[str, Any]] = []
    for block in office.slack.view["blocks"]:
        found += [*block.get("elements", ()), block.get("accessory", {})]
    return [one["value"] for one in found if one.get("action_id") == action_id]


async def test_repositories_tags_and_back(hall: Office, bob: Person) -> None:
    """Each line has the whole reference to copy; buttons lead down and up again."""
    await bob.type("images harbor-team")
    assert "`harbor-team.example.com/team/app` · updated just now" in shown(hall)

    await bob.press(ids.IMAGES, values(hall, ids.IMAGES)[0], inside="modal")
    assert "Tags of `harbor-team.example.com/team/app`" in shown(hall)
    line = "`harbor-team.example.com/team/app:1.2` · pushed just now · sha256:bbbbbbbbbbbb…"
    assert line in shown(hall)

    await bob.press(ids.IMAGE_LOOK, values(hall, ids.IMAGE_LOOK)[1], inside="modal")
    assert "*`harbor-team.example.com/team/app:1.1`*" in shown(hall)
    assert "📦 It is there" in shown(hall)
    assert [str(image) for _, image in hall.looks.asked] == ["harbor-team.example.com/team/app:1.1"]

    await bob.press(ids.IMAGES, values(hall, ids.IMAGES)[0], inside="modal")
    assert line in shown(hall)
    await bob.press(ids.IMAGES_UP, values(hall, ids.IMAGES_UP)[0], inside="modal")
    assert "Repositories of `harbor-team`" in shown(hall)


async def test_a_filter_finds_the_one(hall: Office, bob: Person) -> None:
    """And shows its tags at once."""
    await bob.type("images harbor-team tool")

    assert "`harbor-team.example.com/team/tool:3`" in shown(hall)


async def test_pages_are_turned_and_begun_again(hall: Office, bob: Person) -> None:
    """The cursor travels in the button, with the filter."""
    hall.looks.next = "15|token"
    await bob.type("images harbor-team a")
    await bob.press(ids.IMAGES_NEXT, values(hall, ids.IMAGES_NEXT)[0], inside="modal")

    assert hall.looks.turned == [("a", ""), ("a", "15|token")]
    await bob.press(ids.IMAGES_FIRST, values(hall, ids.IMAGES_FIRST)[0], inside="modal")
    assert hall.looks.turned[-1] == ("a", "")


async def test_who_may_not_list_is_told_what_to_type(hall: Office, bob: Person) -> None:
    """The right that is missing, and that one repository may be readable."""
    hall.looks.lists = Unseen(Absence.DENIED, "It may not list <!here>.", "It needs a right.")
    await bob.type("images harbor-team")

    assert "It may not list &lt;!" in shown(hall)
    assert "It needs a right." in shown(hall)
    assert "`/registry images harbor-team REPOSITORY`" in shown(hall)


async def test_a_name_that_does_not_exist_is_searched_for(hall: Office, bob: Person) -> None:
    """As with every verb that takes a name; the picker goes on to the images."""
    await bob.type("images harbor-taem tool")
    assert "Did you mean harbor-team?" in hall.slack.said

    await bob.choose("pick_images", "harbor-team")
    assert "Repositories of `harbor-team`" in hall.slack.said


async def test_the_registry_itself_leads_to_its_images(hall: Office, bob: Person) -> None:
    """By a button of `show`."""
    await bob.type("show harbor-team")
    buttons = [
        element
        for block in hall.slack.responses[-1]["blocks"]
        for element in block.get("elements", [])
    ]
    (images,) = [one for one in buttons if one["action_id"] == ids.IMAGES]

    await bob.press(ids.IMAGES, images["value"])
    assert "Repositories of `harbor-team`" in hall.slack.said


def test_limits_hold_at_the_worst() -> None:
    """The longest names, cursor and sentences, on a full page."""
    wish = Wish("n" * 63, "t" * TEXT_LONGEST, cursor="9" * CURSOR_MOST)
    prefix = "h" * 253 + ":65535"
    repositories = Page((FoundRepository(LONG, NOW),) * SHOWN, "8" * CURSOR_MOST, 10**6, cut=True)
    tags = Page((FoundTag("t" * 128, "sha256:" + "f" * 64, NOW),) * SHOWN, "7" * CURSOR_MOST, 3)
    unseen = Unseen(Absence.DENIED, "<&" * 5000, "<&" * 5000)
    state = BrowseState("n" * 63, "t" * 100, LONG, "9" * CURSOR_MOST, "t" * 128)
    image = Reference(prefix, LONG, "t" * 128)
    platforms = tuple(f"linux/{number}{'a' * 90}" for number in range(20))
    cards = [
        looking_card("n" * 63, prefix, LONG),
        images_card(Browsed(wish, prefix, repositories=repositories), NOW, "/registry"),
        images_card(Browsed(wish, prefix, LONG, tags=tags), NOW, "/registry"),
        images_card(Browsed(wish, prefix, unseen=(unseen, unseen)), NOW, "/registry"),
        images_card(Browsed(wish, prefix, unseen=(unseen,)), NOW, "/registry"),
        tag_card(state, image, unseen, NOW),
        tag_card(state, image, ImageFacts("", platforms, 9000, platforms[0], 2**50, NOW), NOW),
    ]

    assert [view_problems(card.view("C1")) for card in cards] == [[]] * len(cards)
    assert [message_problems(card.message()) for card in cards] == [[]] * len(cards)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"registry": 5}', '{"cursor": ["a"]}'])
def test_a_state_of_another_version_is_an_empty_one(text: str) -> None:
    """Buttons of old messages do no harm."""
    assert BrowseState.parse(text) == BrowseState("")
