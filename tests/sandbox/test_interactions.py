"""Buttons, menus and inputs in messages, modals and the Home tab."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slackd.person import Person
from bot.sandbox.slackd.refusal import Impossible
from bot.sandbox.slackd.server import SlackServer
from tests.sandbox.kit import (
    actions,
    button,
    field,
    home,
    modal,
    option,
    plain,
    section,
    select,
    typed,
)
from tests.sandbox.test_validate import CONFIRM

JSON = dict[str, Any]
ALERTS = "C0ALERTS01"


def hears(app: AsyncApp, *action_ids: str) -> list[JSON]:
    """Ack these actions; the list fills with their bodies."""
    got: list[JSON] = []

    async def listen(ack: Any, body: JSON) -> None:
        await ack()
        got.append(body)

    for action_id in action_ids:
        app.action(action_id)(listen)
    return got


async def post(client: AsyncWebClient, *blocks: JSON) -> str:
    answer = await client.chat_postMessage(channel=ALERTS, text="alert", blocks=list(blocks))
    return str(answer["ts"])


async def test_a_button_in_a_message_tells_all_about_it(
    app: AsyncApp, client: AsyncWebClient, ada: Person
) -> None:
    """The action, the message, where it is, and how to answer."""
    got = hears(app, "press")
    ts = await post(client, actions(button("Retest", value="ghcr", style="primary")))

    await ada.go("#registry-alerts")
    await ada.click("Retest")

    body = got[0]
    action = body["actions"][0]
    assert (action["action_id"], action["block_id"], action["value"]) == ("press", "acts", "ghcr")
    assert (action["type"], action["style"]) == ("button", "primary")
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": ALERTS,
        "is_ephemeral": False,
    }
    assert body["message"]["ts"] == ts
    assert body["user"]["id"] == "U0ADMIN001"
    assert body["response_url"]


async def test_an_ephemeral_message_is_not_sent_along(
    app: AsyncApp, client: AsyncWebClient, ada: Person
) -> None:
    """As in Slack, the app learns only its timestamp."""
    got = hears(app, "press")
    await client.chat_postEphemeral(
        channel=ALERTS, user="U0ADMIN001", text="x", blocks=[actions(button())]
    )

    await ada.go("#registry-alerts")
    await ada.click("Press")

    assert "message" not in got[0]
    assert got[0]["container"]["is_ephemeral"] is True


async def test_nobody_else_can_press_an_ephemeral_button(
    slack: SlackServer, client: AsyncWebClient, mel: Person
) -> None:
    """Naming another person's message does not help."""
    await client.chat_postEphemeral(
        channel=ALERTS, user="U0ADMIN001", text="x", blocks=[actions(button())]
    )
    ts = slack.world.channels[ALERTS].messages[0].ts

    with pytest.raises(Impossible, match="That message is gone"):
        await mel.do(
            "block",
            container={"type": "message", "channel": ALERTS, "ts": ts},
            block_id="acts",
            action_id="press",
        )


async def test_menus_send_what_was_picked(
    app: AsyncApp, client: AsyncWebClient, ada: Person
) -> None:
    """An overflow sends its option; a select also keeps it in the message's state."""
    got = hears(app, "more", "pick")
    overflow = {"type": "overflow", "action_id": "more", "options": [option("Edit"), option("Cut")]}
    await post(
        client,
        section("row", accessory=overflow, block_id="row"),
        actions(select("1 h", "1 day", placeholder=plain("Snooze"))),
    )

    await ada.go("#registry-alerts")
    await ada.click("Edit")
    await ada.choose("Snooze", "1 day")

    assert got[0]["actions"][0]["selected_option"]["value"] == "Edit"
    assert got[1]["actions"][0]["selected_option"]["value"] == "1 day"
    state = got[1]["state"]["values"]["acts"]["pick"]
    assert state["selected_option"]["value"] == "1 day"


async def test_a_confirm_dialog_comes_first(
    app: AsyncApp, client: AsyncWebClient, ada: Person
) -> None:
    """Nothing is sent until the person agreed."""
    got = hears(app, "press")
    await post(client, actions(button("Delete", confirm=CONFIRM)))
    await ada.go("#registry-alerts")

    answer = await ada.click("Delete", confirm=False)
    assert answer["confirm"]["title"]["text"] == "Sure?"
    assert got == []

    await ada.click("Delete")
    assert len(got) == 1


async def test_a_link_button_opens_its_link_and_is_sent(
    app: AsyncApp, client: AsyncWebClient, ada: Person
) -> None:
    """The page opens the address, and the app has to ack."""
    got = hears(app, "press")
    await post(client, actions(button("Docs", url="https://example.com/docs")))
    await ada.go("#registry-alerts")

    answer = await ada.click("Docs")

    assert answer == {"sent": True, "url": "https://example.com/docs"}
    assert len(got) == 1


async def test_an_unheard_button_says_so(
    app: AsyncApp, slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """Without an ack the person learns that it did not work."""
    await post(client, actions(button()))
    await ada.go("#registry-alerts")

    with pytest.raises(Impossible, match="operation_timeout"):
        await ada.click("Press")

    assert slack.world.problems[0]["where"] == "action press"


async def test_inputs_act_only_when_they_dispatch(app: AsyncApp, ada: Person) -> None:
    """A select with dispatch_action sends at once, a text on Enter or per character."""
    got = hears(app, "quiet", "kind", "enter", "each")
    each = {"trigger_actions_on": ["on_character_entered"]}
    view = modal(
        field("Quiet", typed("quiet")),
        field("Kind", select("ECR", action_id="kind"), dispatch_action=True),
        field("Enter", typed("enter"), dispatch_action=True),
        field("Each", typed("each", dispatch_action_config=each), dispatch_action=True),
    )

    @app.command("/registry")
    async def listen(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    await ada.type("/registry add", "#general")
    await ada.wait_for("Quiet")
    await ada.fill("Quiet", "a")
    await ada.fill("Quiet", "a", enter=True)
    await ada.choose("Kind", "ECR")
    await ada.fill("Enter", "b")
    await ada.fill("Enter", "b", enter=True)
    await ada.fill("Each", "c")

    assert [body["actions"][0]["action_id"] for body in got] == ["kind", "enter", "each"]
    assert got[0]["view"]["state"]["values"]["kind"]["kind"]["selected_option"]["value"] == "ECR"
    assert "response_url" not in got[0]
    assert "channel" not in got[0]


async def test_radio_buttons_and_checkboxes_are_toggled_by_their_words(
    app: AsyncApp, ada: Person
) -> None:
    """Clicking a choice picks it; clicking a checkbox again clears it."""
    got: list[JSON] = []

    @app.view("form")
    async def listen(ack: Any, view: JSON) -> None:
        await ack()
        got.append(view["state"]["values"])

    boxes = {"type": "checkboxes", "action_id": "c", "options": [option("One"), option("Two")]}
    radio = {"type": "radio_buttons", "action_id": "r", "options": [option("Keys"), option("Role")]}
    view = modal(field("Boxes", boxes), field("Radio", radio))

    @app.command("/registry")
    async def command(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    await ada.type("/registry add", "#general")
    await ada.wait_for("Boxes")
    for words in ("One", "Two", "One", "Keys", "Role"):
        await ada.click(words)
    await ada.submit()

    assert [o["value"] for o in got[0]["boxes"]["c"]["selected_options"]] == ["Two"]
    assert got[0]["radio"]["r"]["selected_option"]["value"] == "Role"


async def test_an_external_select_is_searched(
    app: AsyncApp, slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """The app is asked with what was typed; only what it offered can be picked."""
    got = hears(app, "which")
    queries: list[str] = []

    @app.options("which")
    async def offer(ack: Any, payload: JSON) -> None:
        queries.append(payload["value"])
        await ack(options=[option(f"{payload['value']}-{n}") for n in range(100)])

    menu = {"type": "external_select", "action_id": "which", "placeholder": plain("Which")}
    ts = await post(client, actions(menu))
    await ada.go("#registry-alerts")
    container = {"type": "message", "channel": ALERTS, "ts": ts}
    where = {"container": container, "block_id": "acts", "action_id": "which"}

    assert (await ada.do("options", **where, query="gh"))["options"] == []
    found = (await ada.do("options", **where, query="ghc"))["options"]
    with pytest.raises(Impossible, match="was not offered"):
        await ada.do("block", **where, value=option("smuggled"))
    await ada.do("block", **where, value=found[7])

    assert queries == ["ghc"]  # shorter than min_query_length is not asked
    assert got[0]["actions"][0]["selected_option"]["value"] == "ghc-7"


async def test_options_slack_would_refuse_are_a_problem(
    app: AsyncApp, slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """More than a hundred options are refused, and said."""

    @app.options("which")
    async def offer(ack: Any) -> None:
        await ack(options=[option(str(n)) for n in range(101)])

    menu = {"type": "external_select", "action_id": "which", "min_query_length": 0}
    ts = await post(client, actions(menu))

    with pytest.raises(Impossible, match="Slack refuses"):
        await ada.do(
            "options",
            container={"type": "message", "channel": ALERTS, "ts": ts},
            block_id="acts",
            action_id="which",
            query="",
        )

    assert slack.world.problems[0]["error"] == "invalid_options"


async def test_the_home_tab_is_published_and_acted_on(
    app: AsyncApp, slack: SlackServer, client: AsyncWebClient, ada: Person, mel: Person
) -> None:
    """It is per person, keeps its view id, and minds the hash."""
    got = hears(app, "press")

    @app.event("app_home_opened")
    async def listen(event: JSON) -> None:
        await client.views_publish(
            user_id=event["user"], view=home(section("12 registries"), actions(button("Add")))
        )

    await ada.go("home")
    await ada.wait_for("12 registries")
    await ada.click("Add")
    view = got[0]["view"]
    assert view["type"] == "home"
    assert got[0]["container"]["type"] == "view"
    assert (await mel.state())["home"] is None

    again = await client.views_publish(
        user_id="U0ADMIN001", hash=view["hash"], view=home(section("13 registries"))
    )
    assert again["view"]["id"] == view["id"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id="U0ADMIN001", hash=view["hash"], view=home())
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.views_update(view_id=view["id"], view=modal())
    assert "13 registries" in await ada.read()


async def test_a_home_tab_opens_a_modal(app: AsyncApp, client: AsyncWebClient, ada: Person) -> None:
    """A trigger from the Home tab opens a first view, not one on top."""

    @app.action("press")
    async def listen(ack: Any, body: JSON) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(section("inside")))

    await client.views_publish(user_id="U0ADMIN001", view=home(actions(button("Add"))))
    await ada.go("home")
    await ada.click("Add")

    screen = await ada.wait_for("inside")
    assert screen["depth"] == 1


async def test_what_is_not_on_the_screen_cannot_be_pressed(
    slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """Unknown places, elements and options get a plain answer."""
    ts = await post(client, actions(select("a")))
    message = {"type": "message", "channel": ALERTS, "ts": ts}
    cases: list[tuple[JSON, str, Any, str]] = [
        ({"type": "view", "view_id": "V1"}, "pick", None, "closed"),
        ({"type": "home"}, "pick", None, "empty"),
        ({}, "pick", None, "Say where"),
        ({**message, "ts": "1.0"}, "pick", None, "gone"),
        (message, "other", None, "not on the screen"),
        (message, "pick", option("z"), "not offered"),
    ]
    for container, action_id, value, words in cases:
        with pytest.raises(Impossible, match=words):
            await ada.do(
                "block", container=container, block_id="acts", action_id=action_id, value=value
            )


async def test_two_people_pick_apart(
    app: AsyncApp, client: AsyncWebClient, ada: Person, mel: Person
) -> None:
    """What one picked in a message's select is not seen by the other."""
    hears(app, "pick")
    await post(client, actions(select("1 h", "1 day", placeholder=plain("Snooze"))))
    for person in (ada, mel):
        await person.go("#registry-alerts")
    await ada.choose("Snooze", "1 day")
    await asyncio.sleep(0)

    assert "‹1 day›" in await ada.read()
    assert "‹(Snooze)›" in await mel.read()
