"""Modals: triggers, stacks, hashes, kept answers, submissions and closing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slackd.interactions import TROUBLE
from bot.sandbox.slackd.person import Person
from bot.sandbox.slackd.refusal import Impossible
from bot.sandbox.slackd.server import SlackServer
from tests.sandbox.conftest import until
from tests.sandbox.kit import actions, button, field, modal, plain, section, select, typed

JSON = dict[str, Any]
NAME = field("Name", typed())


def opens(app: AsyncApp, view: JSON) -> None:
    """Make /registry open a modal."""

    @app.command("/registry")
    async def listen(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)


def answers(app: AsyncApp, **answer: Any) -> list[JSON]:
    """Make every submission of `form` acked with `answer`; the list fills with the bodies."""
    got: list[JSON] = []

    @app.view("form")
    async def listen(ack: Any, body: JSON) -> None:
        got.append(body)
        await ack(**answer)

    return got


async def form(app: AsyncApp, ada: Person, *blocks: JSON, **more: Any) -> None:
    """Open a modal with these blocks for Ada."""
    opens(app, modal(*blocks, **more))
    await ada.type("/registry add", "#general")
    await ada.wait_for("A form")


async def test_a_submission_carries_every_answer(app: AsyncApp, ada: Person) -> None:
    """State has all elements, touched or not, each in its own shape."""
    got = answers(app)
    await form(
        app,
        ada,
        NAME,
        field("Kind", select("ECR", "GHCR", initial_option=None)),
        field("Who", {"type": "multi_users_select", "action_id": "who"}, optional=True),
        field("When", {"type": "datepicker", "action_id": "when", "initial_date": "2026-11-24"}),
        field("Days", {"type": "number_input", "action_id": "days", "is_decimal_allowed": False}),
        actions(select("on", "off", action_id="switch", placeholder=plain("Switch"))),
        private_metadata="kept",
    )

    await ada.fill("Name", "ghcr")
    await ada.choose("Kind", "GHCR")
    await ada.choose("Who", ["Mo Manager", "Mel Member"])
    await ada.fill("Days", "90")
    assert await ada.submit() == {}

    view = got[0]["view"]
    values = view["state"]["values"]
    assert values["name"]["typed"] == {"type": "plain_text_input", "value": "ghcr"}
    assert values["kind"]["pick"]["selected_option"]["value"] == "GHCR"
    assert values["who"]["who"]["selected_users"] == ["U0MANAGER1", "U0MEMBER01"]
    assert values["when"]["when"] == {"type": "datepicker", "selected_date": "2026-11-24"}
    assert values["days"]["days"]["value"] == "90"
    assert values["acts"]["switch"] == {"type": "static_select", "selected_option": None}
    assert view["private_metadata"] == "kept"
    assert got[0]["trigger_id"]
    assert (await ada.screen())["where"] == "#general"


async def test_the_client_refuses_what_it_can_see_itself(app: AsyncApp, ada: Person) -> None:
    """Empty required fields, bad numbers and addresses never reach the app."""
    got = answers(app)
    await form(
        app,
        ada,
        NAME,
        field("Days", {"type": "number_input", "action_id": "d", "is_decimal_allowed": False,
                       "min_value": "1", "max_value": "365"}),
        field("Link", {"type": "url_text_input", "action_id": "l"}),
        field("Mail", {"type": "email_text_input", "action_id": "m"}, optional=True),
        field("Code", typed("c", min_length=3)),
    )  # fmt: skip
    await ada.fill("Days", "400")
    await ada.fill("Link", "ghcr.io")
    await ada.fill("Mail", "nobody")
    await ada.fill("Code", "ab")

    assert await ada.submit() == {
        "name": "Please complete this required field.",
        "days": "Enter a number of at most 365.",
        "link": "Enter a valid URL.",
        "mail": "Enter a valid email address.",
        "code": "This entry must be at least 3 characters.",
    }
    assert got == []


async def test_a_text_field_takes_no_more_than_fits(app: AsyncApp, ada: Person) -> None:
    """A pasted text is cut at max_length, as a client's field does."""
    got = answers(app)
    await form(app, ada, field("Name", typed(max_length=5)))

    await ada.fill("Name", "x" * 65_536)
    await ada.submit()

    assert got[0]["view"]["state"]["values"]["name"]["typed"]["value"] == "xxxxx"


async def test_errors_are_shown_on_their_fields(app: AsyncApp, ada: Person) -> None:
    """The modal stays open with the app's sentence under the field."""
    answers(app, response_action="errors", errors={"name": "That name is taken."})
    await form(app, ada, NAME)
    await ada.fill("Name", "ghcr")

    assert await ada.submit() == {"name": "That name is taken."}
    assert "  ! That name is taken." in await ada.read()


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update", "view": modal(title=plain("x" * 25))},
        {"response_action": "update", "view": {"type": "home", "blocks": [section()]}},
        {"response_action": "replace"},
        {"text": "an error"},
    ],
)
async def test_an_answer_slack_would_refuse_is_trouble(
    app: AsyncApp, slack: SlackServer, ada: Person, answer: JSON
) -> None:
    """The person reads Slack's banner, the problem is recorded, and nothing typed is lost."""

    @app.view("form")
    async def listen(ack: Any) -> None:
        await ack(answer if "text" in answer else None, **answer)

    await form(app, ada, NAME)
    await ada.fill("Name", "ghcr")
    await ada.submit()

    screen = await ada.screen()
    assert screen["trouble"] == TROUBLE
    assert "‹ghcr›" in screen["text"]
    assert len(slack.world.problems) == 1


async def test_a_late_submission_is_trouble_and_can_be_tried_again(
    app: AsyncApp, slack: SlackServer, ada: Person
) -> None:
    """After the time is over the button works again."""
    slow = [True]

    @app.view("form")
    async def listen(ack: Any) -> None:
        if slow.pop() if slow else False:
            await asyncio.sleep(0.7)
        await ack()

    await form(app, ada, NAME)
    await ada.fill("Name", "ghcr")
    await ada.submit()
    assert (await ada.screen())["trouble"] == TROUBLE

    await ada.submit()
    assert (await ada.screen())["where"] == "#general"


async def test_a_second_press_while_it_is_sent_does_nothing(app: AsyncApp, ada: Person) -> None:
    """A double click sends one submission."""
    got: list[int] = []

    @app.view("form")
    async def listen(ack: Any) -> None:
        got.append(1)
        await asyncio.sleep(0.2)
        await ack()

    await form(app, ada, NAME)
    await ada.fill("Name", "ghcr")
    first = asyncio.create_task(ada.submit())
    await asyncio.sleep(0.05)
    with pytest.raises(Impossible, match="being sent"):
        await ada.submit()
    await first

    assert got == [1]


async def test_update_push_and_clear_answers(app: AsyncApp, ada: Person) -> None:
    """A submission may replace its view, put one on top, or close all."""
    stages: list[Callable[[], JSON]] = [
        lambda: {"response_action": "clear"},
        lambda: {"response_action": "push", "view": modal(section("third"))},
        lambda: {"response_action": "update", "view": modal(section("second"))},
    ]

    @app.view("form")
    async def listen(ack: Any) -> None:
        await ack(**stages.pop()())

    await form(app, ada, section("first"))
    await ada.submit()
    assert "second" in await ada.read()
    await ada.submit()
    screen = await ada.screen()
    assert "third" in screen["text"]
    assert screen["depth"] == 2
    await ada.submit()
    assert (await ada.screen())["where"] == "#general"


async def test_a_trigger_works_once(app: AsyncApp, ada: Person) -> None:
    """The second use of a trigger is exchanged_trigger_id, a made-up one is invalid."""
    errors: asyncio.Queue[str] = asyncio.Queue()

    @app.command("/registry")
    async def listen(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack()
        for trigger in (body["trigger_id"], body["trigger_id"], "1.2.abc"):
            try:
                await client.views_open(trigger_id=trigger, view=modal())
            except SlackApiError as error:
                await errors.put(error.response["error"])

    await ada.type("/registry add", "#general")

    assert [await errors.get() for _ in range(2)] == ["exchanged_trigger_id", "invalid_trigger_id"]


async def test_a_trigger_expires(app: AsyncApp, slack: SlackServer, ada: Person) -> None:
    """Work before views.open costs the trigger."""
    slack.parts.triggers._seconds = 0.1
    errors: asyncio.Queue[str] = asyncio.Queue()

    @app.command("/registry")
    async def listen(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack()
        await asyncio.sleep(0.2)
        try:
            await client.views_open(trigger_id=body["trigger_id"], view=modal())
        except SlackApiError as error:
            await errors.put(error.response["error"])

    await ada.type("/registry add", "#general")

    assert await asyncio.wait_for(errors.get(), 5) == "expired_trigger_id"


async def test_the_stack_holds_three(app: AsyncApp, slack: SlackServer, ada: Person) -> None:
    """A fourth view is push_limit_reached; pushing without a modal's trigger is refused."""
    more = modal(actions(button("More", "more")))
    opens(app, more)
    errors: asyncio.Queue[str] = asyncio.Queue()

    @app.action("more")
    async def push(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack()
        try:
            await client.views_push(trigger_id=body["trigger_id"], view=more)
        except SlackApiError as error:
            await errors.put(error.response["error"])

    await ada.type("/registry add", "#general")
    stack = slack.parts.views.stack
    for depth in (1, 2, 3):
        await until(slack, lambda depth=depth: len(stack("U0ADMIN001")) == depth)  # type: ignore[misc]
        await ada.click("More")

    assert await asyncio.wait_for(errors.get(), 5) == "push_limit_reached"
    await ada.close()
    assert (await ada.screen())["depth"] == 2
    await ada.close(everything=True)
    assert (await ada.screen())["where"] == "#general"


async def test_a_stale_hash_is_a_conflict(
    app: AsyncApp, slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """Who was overtaken is told, and the newer view stays."""
    await form(app, ada, section("one"))
    view = slack.parts.views.stack("U0ADMIN001")[0]
    old = view.hash
    await client.views_update(view_id=view.id, hash=old, view=modal(section("two")))

    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view.id, hash=old, view=modal(section("three")))

    assert "two" in await ada.read()
    assert not slack.world.problems


async def test_a_closed_view_is_not_found(
    app: AsyncApp, slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """An update after the person closed it, and acts on it, are refused politely."""
    await form(app, ada, NAME)
    view = slack.parts.views.stack("U0ADMIN001")[0]
    await ada.close()

    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id=view.id, view=modal())
    late = {"user": ada.user, "do": "submit", "view_id": view.id}
    answer = await ada._http.post("/sandbox/act", json=late)
    assert answer.json() == {"ok": False, "error": "That view is closed."}


async def test_typed_words_survive_an_update(
    app: AsyncApp, slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """While block_id and action_id stay, an answer stays, and a new preset is not taken."""
    await form(app, ada, NAME, field("Kind", select("ECR", "GHCR")), field("Url", typed("u")))
    view = slack.parts.views.stack("U0ADMIN001")[0]
    await ada.fill("Name", "typed by Ada")
    await ada.choose("Kind", "GHCR")

    await client.views_update(
        view_id=view.id,
        view=modal(
            field("Name", typed(initial_value="preset")),
            field("Kind", select("ECR")),
            field("Url", typed("u", initial_value="preset"), "url2"),
        ),
    )

    text = await ada.read()
    assert "Name: ‹typed by Ada›" in text
    assert "Kind: ‹›" in text  # the option is not offered any more
    assert "Url: ‹preset›" in text  # another block_id starts anew


async def test_an_external_id_is_unique(
    app: AsyncApp, slack: SlackServer, client: AsyncWebClient, ada: Person, mel: Person
) -> None:
    """It finds its view again, and a second view cannot take it."""
    await form(app, ada, section("one"), external_id="mine")
    await client.views_update(external_id="mine", view=modal(section("two"), external_id="mine"))
    assert "two" in await ada.read()

    await mel.type("/registry add", "#general")
    await until(slack, lambda: bool(slack.world.problems))
    assert slack.world.problems[0]["error"] == "duplicate_external_id"
    assert (await mel.screen())["where"] == "#general"


async def test_closing_is_told_when_asked_for(app: AsyncApp, ada: Person) -> None:
    """view_closed comes with the answers so far; the cross says is_cleared."""
    got: list[tuple[str, bool]] = []

    @app.view_closed("form")
    async def listen(ack: Any, body: JSON) -> None:
        await ack()
        value = body["view"]["state"]["values"]["name"]["typed"]["value"]
        got.append((value, body["is_cleared"]))

    await form(app, ada, NAME, notify_on_close=True)
    await ada.fill("Name", "half a word")
    await ada.click("Cancel")
    await ada.type("/registry add", "#general")
    await ada.wait_for("A form")
    await ada.close(everything=True)

    assert got == [("half a word", False), (None, True)]


async def test_a_modal_asks_for_response_urls(app: AsyncApp, ada: Person) -> None:
    """A conversation select with response_url_enabled gives a URL for the picked channel."""
    got: list[JSON] = []

    @app.view("form")
    async def listen(ack: Any, body: JSON, respond: Callable[..., Awaitable[Any]]) -> None:
        await ack()
        got.append(body)

    channel = {
        "type": "conversations_select",
        "action_id": "c",
        "response_url_enabled": True,
    }
    await form(app, ada, field("Channel", channel))
    await ada.choose("Channel", "#registry-alerts")
    await ada.submit()

    url = got[0]["response_urls"][0]
    assert (url["channel_id"], url["block_id"]) == ("C0ALERTS01", "channel")
    assert url["response_url"].startswith("http://")


async def test_what_was_typed_is_in_no_log(app: AsyncApp, slack: SlackServer, ada: Person) -> None:
    """A secret in a form lives in the view's state only, and goes with the view."""
    answers(app)
    await form(app, ada, field("Token", typed()))
    await ada.fill("Token", "ghp_very_secret")
    await ada.submit()

    everything = str(vars(slack.world)) + str(list(slack.world.log)) + repr(slack.parts)
    assert "ghp_very_secret" not in everything
    assert "ghp_very_secret" not in str(await ada.state())
