"""Modals: what is typed stays, mistakes stand on their fields, the keyboard goes everywhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_bolt.app.async_app import AsyncApp

from bot.sandbox.slackd.server import SlackServer
from tests.page.conftest import Shelf, until
from tests.page.forms import (
    JSON,
    KINDS,
    add_form,
    button,
    field,
    modal,
    option,
    plain,
    section,
)


@pytest.fixture
def sent() -> list[JSON]:
    """What was submitted: {block_id: value}."""
    return []


@pytest.fixture
def bolt(app: AsyncApp, sent: list[JSON]) -> AsyncApp:
    """`/registry` opens the form; its type redraws it; short user names are refused."""

    async def open_it(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=add_form())

    async def redraw(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        view, chosen = body["view"], body["actions"][0]["selected_option"]["value"]
        await client.views_update(view_id=view["id"], hash=view["hash"], view=add_form(chosen))

    async def submit(ack: Any, view: JSON) -> None:
        values = {
            block: next(iter(answers.values())).get("value")
            for block, answers in view["state"]["values"].items()
        }
        sent.append(values)
        if len(values["username"]) < 3:
            await ack(response_action="errors", errors={"username": "Too short for a name."})
        else:
            await ack(
                response_action="update",
                view=modal("Saved", section("🟢 *Proven and saved: `our-gitlab`*")),
            )

    app.command("/registry")(open_it)
    app.action("kind")(redraw)
    app.view("form")(submit)
    return app


async def _say(page: Page, text: str) -> None:
    composer = page.get_by_label("Message #general")
    await composer.fill(text)
    await composer.press("Enter")


async def _choose(page: Page, label: str, wanted: str) -> None:
    await page.get_by_role("dialog").get_by_label(label, exact=True).click()
    await page.get_by_label("Search the choices").fill(wanted)
    await page.keyboard.press("Enter")


@pytest.mark.usefixtures("bolt")
async def test_what_was_typed_survives_a_change_of_type(page: Page) -> None:
    """The form is redrawn around the fields that stay."""
    await _say(page, "/registry add")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Username").press_sequentially("octocat")
    await _choose(page, "Type", "gitlab")

    await expect(dialog.get_by_label("Token", exact=True)).to_be_visible()
    await expect(dialog.get_by_label("Username")).to_have_value("octocat")
    await expect(dialog.get_by_label("Type", exact=True)).to_have_text(KINDS[1])


@pytest.mark.usefixtures("bolt")
async def test_news_does_not_disturb_who_is_typing(page: Page, slack: SlackServer) -> None:
    """Focus, caret and text stay while the rest of the screen changes."""
    await _say(page, "/registry add")
    name = page.get_by_role("dialog").get_by_label("Username")
    await name.fill("octocat")
    await name.evaluate("field => field.setSelectionRange(3, 3)")
    slack.world.whisper("C0GENERAL1", "U0ADMIN001", "Something else happened.")
    await page.get_by_text("Something else happened.").wait_for(state="attached")
    await page.keyboard.type("-X-")

    await expect(name).to_have_value("oct-X-ocat")


@pytest.mark.usefixtures("bolt")
async def test_mistakes_stand_on_their_fields(page: Page, sent: list[JSON]) -> None:
    """Slack's own and the app's errors appear below the field, and the first of them has the focus."""
    await _say(page, "/registry add")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Username").fill("me")
    await dialog.get_by_role("button", name="Test and save").click()
    await expect(dialog.get_by_role("alert")).to_have_text("⚠ Please complete this required field.")
    await expect(dialog.get_by_label("Personal access token")).to_be_focused()
    await page.keyboard.type("ghp_secret")
    await page.keyboard.press("Enter")

    await expect(dialog.get_by_role("alert")).to_have_text("⚠ Too short for a name.")
    await expect(dialog.get_by_label("Username")).to_be_focused()
    await expect(dialog.get_by_label("Personal access token")).to_have_value("ghp_secret")
    assert [one["secret-False"] for one in sent] == ["ghp_secret"]


@pytest.mark.usefixtures("bolt")
async def test_text_typed_just_before_enter_is_sent(page: Page, sent: list[JSON]) -> None:
    """Nobody has to wait for the page to notice what they typed."""
    await _say(page, "/registry add")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Username").fill("octocat")
    await dialog.get_by_label("Personal access token").fill("ghp_secret")
    await page.keyboard.press("Enter")

    await expect(dialog).to_contain_text("Proven and saved")
    assert sent == [
        {"kind": None, "username": "octocat", "secret-False": "ghp_secret", "description": None}
    ]


@pytest.mark.usefixtures("bolt")
async def test_a_text_field_takes_no_more_than_fits(page: Page) -> None:
    """The limit shows before the app would have to complain."""
    await _say(page, "/registry add")
    description = page.get_by_role("dialog").get_by_label("Description")
    await description.press_sequentially("x" * 25)

    await expect(description).to_have_value("x" * 20)
    await expect(page.get_by_text("No more than 20 characters fit")).to_be_visible()


async def test_what_a_form_came_with_is_not_warned_of(page: Page, app: AsyncApp) -> None:
    """A time fills its field from the start; that is nobody's mistake."""

    async def open_it(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        begins = {
            "type": "plain_text_input",
            "action_id": "text",
            "initial_value": "09:30",
            "max_length": 5,
        }
        view = modal("Settings", field("Begins at", "begins", begins), submit=plain("Save"))
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    app.command("/registry")(open_it)
    await _say(page, "/registry settings")
    begins = page.get_by_role("dialog").get_by_label("Begins at")
    await expect(begins).to_have_value("09:30")
    warning = page.get_by_text("No more than 5 characters fit")
    await expect(warning).to_have_count(0)

    await begins.fill("10:00")
    await expect(warning).to_be_visible()


@pytest.mark.usefixtures("bolt")
async def test_tab_stays_in_the_modal_f6_leaves_it_and_escape_closes_it(page: Page) -> None:
    """The page behind a modal is out of reach of the keyboard; the practice registries are not."""
    await _say(page, "/registry add")
    await expect(page.get_by_label("Type", exact=True)).to_be_focused()
    for _ in range(12):
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.closest('[role=dialog]') !== null")
    await page.keyboard.press("F6")
    assert await page.evaluate("document.activeElement.closest('#panel') !== null")
    await page.keyboard.press("F6")
    await expect(page.get_by_role("dialog")).to_be_focused()
    await page.keyboard.press("Escape")

    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_label("Message #general")).to_be_focused()


@pytest.mark.usefixtures("bolt")
async def test_practice_credentials_fill_the_form(page: Page) -> None:
    """One click chooses the type and puts every field in, as pasting would."""
    await _say(page, "/registry add")
    dialog = page.get_by_role("dialog")
    await dialog.wait_for()
    practice = page.get_by_test_id("practice-gitlab")
    await practice.get_by_role("button").first.click()
    await expect(practice.get_by_text("glpat-1")).to_have_count(0)
    await practice.get_by_role("button", name="Reveal Token").click()
    await expect(practice.get_by_text("glpat-1")).to_be_visible()
    await practice.get_by_role("button", name="Fill the form").click()

    await expect(dialog.get_by_label("Token", exact=True)).to_have_value("glpat-1")
    await expect(dialog.get_by_label("Username")).to_have_value("acme-gl")


@pytest.mark.usefixtures("bolt")
async def test_the_tour_goes_on_with_the_kind_that_was_added(
    page: Page, shelf: Shelf, names: list[str]
) -> None:
    """Whoever adds GitLab sees GitLab's token end, under the name it was saved with."""
    names += ["ghcr-team", "our-gitlab"]
    await _say(page, "/registry add")
    dialog = page.get_by_role("dialog")
    await _choose(page, "Type", "gitlab")
    token = dialog.get_by_label("Token", exact=True)
    await expect(token).to_be_visible()  # the form is drawn anew for its kind
    tour = page.get_by_label("Two-minute tour")
    await tour.get_by_role("button", name="Fill it in").click()
    await expect(token).to_have_value("glpat-1")
    await dialog.get_by_role("button", name="Test and save").click()
    await expect(tour).to_contain_text("Switch GitLab Container Registry to Expired")
    await expect(tour).to_contain_text("test our-gitlab")
    await tour.get_by_role("button", name="End it and test").click()

    await until(lambda: shelf.registries[1].state == "expired")
    assert shelf.registries[0].state == "healthy"


async def test_what_rotates_by_itself_is_there_to_copy(page: Page) -> None:
    """Below the credentials, and only where there is such a thing."""
    for slug, shown in (("gitlab", 1), ("ghcr", 0)):
        practice = page.get_by_test_id(f"practice-{slug}")
        await practice.get_by_role("button").first.click()
        await expect(practice.get_by_role("region", name="To rotate by itself")).to_have_count(
            shown
        )
    await page.get_by_role("button", name="Reveal Deploy token").click()

    await expect(page.get_by_text("gldt-1")).to_be_visible()


@pytest.mark.usefixtures("bolt")
async def test_another_practice_credential_is_made_filled_in_and_removed(page: Page) -> None:
    """What both answer alike is shown once; each has its own secret and its own buttons."""
    await _say(page, "/registry add")
    dialog = page.get_by_role("dialog")
    await dialog.wait_for()
    practice = page.get_by_test_id("practice-gitlab")
    await practice.get_by_role("button").first.click()
    await practice.get_by_role("button", name="Make another credential").click()
    second = practice.get_by_role("region", name="practice 2")
    await second.get_by_role("button", name="Fill the form").click()
    await expect(dialog.get_by_label("Token", exact=True)).to_have_value("glpat-2")
    await expect(practice.get_by_text("acme-gl")).to_have_count(1)
    await practice.get_by_role("button", name="Remove practice 1").click()

    await expect(practice.get_by_role("region", name="practice 1")).to_have_count(0)
    await practice.get_by_role("button", name="Remove practice 2").click()
    await expect(practice.get_by_text("It has no credential any more.")).to_be_visible()


@pytest.mark.usefixtures("bolt")
async def test_everyone_has_modals_of_their_own(page: Page) -> None:
    """What Ada has open is not on Mel's screen, and is still there when Ada comes back."""
    await _say(page, "/registry add")
    await page.get_by_role("dialog").get_by_label("Username").fill("octocat")
    await page.get_by_role("radio", name="Mel Member").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("radio", name="Ada Admin").click()

    await expect(page.get_by_role("dialog").get_by_label("Username")).to_have_value("octocat")


async def test_pickers_search_and_choose_several(page: Page, app: AsyncApp) -> None:
    """The app's own options are searched as one types; people are picked and taken back."""
    found = {"type": "external_select", "action_id": "found", "min_query_length": 2}
    view = modal(
        "Pick",
        field("Registry", "registry", found),
        field("People", "people", {"type": "multi_users_select", "action_id": "people"}),
        submit=plain("Go"),
    )

    async def open_it(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    async def offer(ack: Any, payload: JSON) -> None:
        names = [f"registry-{number}" for number in range(1000)]
        await ack(options=[option(name) for name in names if payload["value"] in name][:100])

    app.command("/registry")(open_it)
    app.options("found")(offer)
    await _say(page, "/registry show")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Registry", exact=True).click()
    await expect(page.get_by_text("Type at least 2 letters.")).to_be_visible()
    await page.get_by_label("Search the choices").fill("-99")
    await expect(page.get_by_role("option")).to_have_count(11)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_label("Registry", exact=True)).to_have_text("registry-990")

    await dialog.get_by_label("People", exact=True).click()
    await page.get_by_role("option", name="Mo Manager").click()
    await page.get_by_role("option", name="Mel Member").click()
    await page.keyboard.press("Escape")
    await dialog.get_by_role("button", name="Remove Mo Manager").click()
    await expect(dialog.get_by_role("button", name="Remove")).to_have_count(1)


async def test_modals_stack_and_escape_takes_the_top_one(page: Page, app: AsyncApp) -> None:
    """A pushed view shows the way back."""

    async def open_it(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        more = section("first", accessory=button("More", "more"))
        await client.views_open(trigger_id=body["trigger_id"], view=modal("First", more))

    async def push(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        await client.views_push(
            trigger_id=body["trigger_id"], view=modal("Second", section("second"))
        )

    app.command("/registry")(open_it)
    app.action("more")(push)
    await _say(page, "/registry")
    await page.get_by_role("button", name="More").click()
    await expect(page.get_by_role("heading", name="Second")).to_be_visible()
    await expect(page.get_by_role("button", name="Back")).to_be_visible()
    await page.keyboard.press("Escape")

    await expect(page.get_by_role("heading", name="First")).to_be_visible()
    await expect(page.get_by_role("button", name="Back")).to_have_count(0)


async def test_an_app_that_answers_late_shows_slacks_banner(page: Page, app: AsyncApp) -> None:
    """The form stays, with everything typed, and can be sent again."""

    async def open_it(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=add_form())

    async def too_late(ack: Any) -> None:
        await asyncio.sleep(1.5)
        await ack()

    app.command("/registry")(open_it)
    app.view("form")(too_late)
    await _say(page, "/registry")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Username").fill("octocat")
    await dialog.get_by_label("Personal access token").fill("ghp_secret")
    await page.keyboard.press("Enter")

    await expect(dialog.get_by_role("alert")).to_contain_text(
        "We had some trouble connecting. Try again?"
    )
    await expect(dialog.get_by_label("Personal access token")).to_have_value("ghp_secret")
