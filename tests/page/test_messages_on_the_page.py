"""Channels: who said what, to whom, and what one can do with it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slackd.server import SlackServer
from tests.page.conftest import Shelf, until
from tests.page.forms import JSON, button, mrkdwn, option, plain, section

GENERAL = "C0GENERAL1"
HOSTILE = "<javascript:alert(1)|click> &lt;img src=x onerror=alert(1)&gt; `&lt;b&gt;` *bold* a*b*c snake_case_x"


@pytest.fixture
def client(app: AsyncApp) -> AsyncWebClient:
    return app.client


async def test_text_of_others_is_shown_and_never_obeyed(page: Page, client: AsyncWebClient) -> None:
    """Markup in a message is text; a link with a strange scheme is none."""
    await client.chat_postMessage(channel=GENERAL, text=HOSTILE)
    message = page.get_by_test_id("message").last
    await expect(message).to_contain_text(
        "click <img src=x onerror=alert(1)> <b> bold a*b*c snake_case_x"
    )

    assert await message.locator(".content :is(a, img, b)").count() == 0
    await expect(message.locator("strong").last).to_have_text("bold")


async def test_mrkdwn_is_drawn_whole(page: Page, client: AsyncWebClient) -> None:
    """Marks, quotes, code, links, people, channels, dates and emoji."""
    text = (
        "_it_ ~old~ *_both_* :tada: :nobody_knows:\n&gt; quoted\n```\nraw &lt;x&gt;\n```\n"
        "<https://example.com/?a=1&amp;b=2|docs> <@U0MEMBER01> <#C0ALERTS01> <!date^0^{date_num}|then>"
    )
    await client.chat_postMessage(channel=GENERAL, text=text)
    message = page.get_by_test_id("message").last

    await expect(message.locator("em")).to_have_text(["it", "both"])
    await expect(message.locator("del")).to_have_text("old")
    await expect(message).to_contain_text("🎉 :nobody_knows:")
    await expect(message.locator("blockquote")).to_have_text("quoted")
    await expect(message.locator("pre")).to_have_text("raw <x>")
    await expect(message.get_by_role("link")).to_have_attribute(
        "href", "https://example.com/?a=1&b=2"
    )
    await expect(message).to_contain_text("@Mel Member #registry-alerts 19")


async def test_every_block_of_a_message_is_drawn(page: Page, client: AsyncWebClient) -> None:
    """Nothing an app may send ends as “cannot draw”."""
    words = {"type": "rich_text_section", "elements": [{"type": "text", "text": "listed"}]}
    cells = [{"type": "raw_text", "text": "Name"}, {"type": "raw_text", "text": "State"}]
    blocks: list[JSON] = [
        {"type": "header", "text": plain("Head")},
        section("*fields*", fields=[mrkdwn("*a*"), plain("b")]),
        {"type": "divider"},
        {"type": "context", "elements": [mrkdwn("small")]},
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_list", "style": "bullet", "elements": [words]},
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "raw"}]},
            ],
        },
        {"type": "table", "rows": [cells, cells]},
        {"type": "markdown", "text": "# Title\n- **one**\n- [two](https://example.com)"},
        {
            "type": "actions",
            "elements": [
                button("Plain", "plain"),
                {
                    "type": "overflow",
                    "action_id": "more",
                    "options": [option("One"), option("Two")],
                },
                {"type": "radio_buttons", "action_id": "radio", "options": [option("R")]},
                {"type": "checkboxes", "action_id": "check", "options": [option("C")]},
                {"type": "datepicker", "action_id": "date"},
                {"type": "timepicker", "action_id": "time"},
                {"type": "channels_select", "action_id": "channel"},
                {"type": "conversations_select", "action_id": "conversation"},
            ],
        },
    ]
    await client.chat_postMessage(channel=GENERAL, text="all of it", blocks=blocks)
    message = page.get_by_test_id("message").last

    await expect(message.get_by_role("heading", name="Head")).to_be_visible()
    await expect(message.get_by_role("listitem")).to_have_text(["listed", "one", "two"])
    await expect(message.get_by_role("columnheader")).to_have_count(2)
    await expect(message.locator(".unknown")).to_have_count(0)


async def test_an_ephemeral_message_is_marked_and_private(page: Page, app: AsyncApp) -> None:
    """Only the one it was meant for sees it."""

    async def answer(ack: Any) -> None:
        await ack("for your eyes")

    app.command("/registry")(answer)
    composer = page.get_by_label("Message #general")
    await composer.fill("/registry help")
    await composer.press("Enter")
    message = page.get_by_test_id("message").last
    await expect(message).to_contain_text("Only visible to you")
    await expect(message).to_contain_text("for your eyes")
    await page.get_by_role("radio", name="Mel Member").click()

    await expect(page.get_by_text("for your eyes")).to_have_count(0)


async def test_an_alert_is_confirmed_edited_and_has_a_thread(
    page: Page, app: AsyncApp, client: AsyncWebClient
) -> None:
    """The confirm dialog may be denied by Escape; saying yes sends the click once."""
    presses: list[str] = []
    sure = {
        "title": plain("Sure?"),
        "text": plain("It is quiet then."),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    alert = {"type": "actions", "elements": [button("Acknowledge", "ack", confirm=sure)]}

    async def acknowledge(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack()
        presses.append(body["user"]["id"])
        place = {"channel": body["channel"]["id"], "ts": body["message"]["ts"]}
        await client.chat_update(**place, text="🟡 acknowledged", blocks=[])

    app.action("ack")(acknowledge)
    posted = await client.chat_postMessage(channel=GENERAL, text="refused", blocks=[alert])
    await client.chat_postMessage(channel=GENERAL, thread_ts=posted["ts"], text="14:02 refused")
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_text("14:02 refused")).to_be_visible()
    await page.get_by_role("button", name="Acknowledge").click()
    await expect(page.get_by_role("alertdialog")).to_contain_text("It is quiet then.")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("alertdialog")).to_have_count(0)
    await page.get_by_role("button", name="Acknowledge").click()
    await page.get_by_role("button", name="Yes").click()

    await expect(page.get_by_text("🟡 acknowledged")).to_be_visible()
    await expect(page.get_by_text("(edited)")).to_be_visible()
    assert presses == ["U0ADMIN001"]


async def test_an_overflow_menu_works_by_keyboard(
    page: Page, app: AsyncApp, client: AsyncWebClient
) -> None:
    """Arrow keys move, Enter picks."""
    picked: list[str] = []

    async def pick(ack: Any, payload: JSON) -> None:
        await ack()
        picked.append(payload["selected_option"]["value"])

    app.action("more")(pick)
    menu = {
        "type": "overflow",
        "action_id": "more",
        "options": [option("History"), option("Delete")],
    }
    await client.chat_postMessage(channel=GENERAL, text="x", blocks=[section("x", accessory=menu)])
    await page.get_by_role("button", name="More actions").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="History")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menu")).to_have_count(0)

    await until(lambda: picked == ["Delete"])


async def test_commands_and_names_are_completed(
    page: Page, app: AsyncApp, names: list[str]
) -> None:
    """Tab takes the first, arrows and Enter take another; plain Enter sends what stands there."""
    said: list[str] = []

    async def hear(ack: Any, body: JSON) -> None:
        await ack()
        said.append(body["text"])

    app.command("/registry")(hear)
    names.extend(["ghcr-acme", "hub-mirror"])
    composer = page.get_by_label("Message #general")
    await composer.press_sequentially("/registry sh")
    await page.keyboard.press("Tab")
    await expect(composer).to_have_value("/registry show ")
    await expect(page.get_by_role("option", name="/registry show ghcr-acme")).to_be_visible(
        timeout=25_000
    )
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(composer).to_have_value("/registry show hub-mirror")
    await page.keyboard.press("Enter")
    await expect(composer).to_have_value("")
    await composer.fill("/registry")
    await page.keyboard.press("Enter")
    await expect(composer).to_have_value("")

    await until(lambda: said == ["show hub-mirror", ""])


async def test_what_slack_would_refuse_is_loud(page: Page, client: AsyncWebClient) -> None:
    """The reason is one click away."""
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(
            channel=GENERAL, text="x", blocks=[{"type": "header", "text": mrkdwn("no")}]
        )
    strip = page.get_by_role("alert").filter(has_text="Slack would refuse this")
    await expect(strip).to_contain_text("chat.postMessage → invalid_blocks")
    await strip.get_by_role("button", name="Show why").click()

    await expect(page.get_by_label("What Slack would refuse")).to_contain_text("/blocks/0/text")


async def test_the_home_tab_belongs_to_who_looks(page: Page, app: AsyncApp) -> None:
    """Opening it tells the app, which publishes a view for that person."""

    async def publish(event: JSON, client: AsyncWebClient) -> None:
        if event["tab"] == "home":
            view = {"type": "home", "blocks": [section(f"Hello <@{event['user']}>")]}
            await client.views_publish(user_id=event["user"], view=view)

    app.event("app_home_opened")(publish)
    await page.get_by_role("button", name="Registrar", exact=True).click()
    await page.get_by_role("tab", name="Home").click()
    await expect(page.get_by_text("Hello @Ada Admin")).to_be_visible()
    await page.get_by_role("radio", name="Mel Member").click()

    await expect(page.get_by_text("Hello @Mel Member")).to_be_visible()


async def test_the_clock_can_be_moved_and_a_registry_switched(
    page: Page, slack: SlackServer, shelf: Shelf
) -> None:
    """Both are one choice away, and say what they did."""
    before = slack.world.clock.now()
    await page.get_by_role("button", name="Skip time").click()
    await page.get_by_role("menuitem", name="Skip 30 days").click()
    await expect(page.get_by_text("went on by 30 days")).to_be_visible()
    assert (slack.world.clock.now() - before).days == 30
    await page.get_by_test_id("practice-ghcr").get_by_role("button").first.click()
    await page.get_by_label("State of GitHub Container Registry").select_option("Expired")

    await expect(page.get_by_text("is now: Expired")).to_be_visible()
    assert shelf.registries[0].state == "expired"


async def test_a_closed_tour_stays_closed(page: Page) -> None:
    """The hint is for the first time; it can be asked for again."""
    tour = page.get_by_label("Two-minute tour")
    await expect(tour).to_contain_text("Ask for the form")
    await page.get_by_role("button", name="Close the tour").click()
    await page.reload()
    await page.get_by_role("log").wait_for()
    await expect(tour).to_have_count(0)
    await page.get_by_role("button", name="Two-minute tour").click()

    await expect(tour).to_contain_text("Ask for the form")


async def test_tour_goes_on_with_the_registry_that_was_added(page: Page, names: list[str]) -> None:
    """Its words name what there is to test; when they cannot, the whole page stops."""
    names += ["docker-hub", "ghcr-team"]
    await page.reload()

    await page.get_by_role("button", name="Step 3: Let its token expire").click()

    await expect(page.get_by_label("Two-minute tour")).to_contain_text("test ghcr-team")
