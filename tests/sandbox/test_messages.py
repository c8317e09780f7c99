"""Messages: who sees them, what changes them, and what Slack refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slackd.person import Person
from bot.sandbox.slackd.server import SlackServer
from bot.sandbox.slackd.world import Message
from tests.sandbox.kit import section

ALERTS = "C0ALERTS01"
GENERAL = "C0GENERAL1"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


async def shown(person: Person, channel: str = ALERTS) -> list[str]:
    return [m["text"] for m in (await person.state(channel))["messages"]]


async def test_a_posted_message_is_seen_by_everyone(
    client: AsyncWebClient, ada: Person, mel: Person
) -> None:
    """By id or by name, a channel shows it to all its people, unread at first."""
    await client.chat_postMessage(channel="#registry-alerts", text="hello")

    unread = {c["name"]: c["unread"] for c in (await ada.state(GENERAL))["channels"]}
    assert unread["registry-alerts"] == 1
    assert await shown(ada) == await shown(mel) == ["hello"]
    unread = {c["name"]: c["unread"] for c in (await ada.state(ALERTS))["channels"]}
    assert unread["registry-alerts"] == 0


async def test_a_direct_message_is_seen_by_one(
    client: AsyncWebClient, ada: Person, mel: Person
) -> None:
    """A person's id leads to their own conversation with the app."""
    channel = (await client.conversations_open(users="U0MEMBER01"))["channel"]["id"]
    await client.chat_postMessage(channel="U0MEMBER01", text="psst")

    assert await shown(mel, channel) == ["psst"]
    assert channel not in {c["id"] for c in (await ada.state())["channels"]}


async def test_an_ephemeral_message_is_seen_by_its_person_alone(
    client: AsyncWebClient, ada: Person, mel: Person
) -> None:
    """It is marked as such, and Slack's own history does not have it."""
    ts = (await client.chat_postEphemeral(channel=ALERTS, user="U0ADMIN001", text="psst"))[
        "message_ts"
    ]

    assert [m["ephemeral"] for m in (await ada.state(ALERTS))["messages"]] == [True]
    assert await shown(mel) == []
    for call in (
        client.chat_update(channel=ALERTS, ts=ts, text="new"),
        client.chat_delete(channel=ALERTS, ts=ts),
    ):
        with pytest.raises(SlackApiError, match="message_not_found"):
            await call


async def test_an_ephemeral_message_needs_both_in_the_channel(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """The scope for public channels covers chat.postMessage only."""
    slack.world.channels[ALERTS].members.discard("U0MEMBER01")

    with pytest.raises(SlackApiError, match="not_in_channel"):
        await client.chat_postEphemeral(channel=GENERAL, user="U0ADMIN001", text="x")
    with pytest.raises(SlackApiError, match="user_not_in_channel"):
        await client.chat_postEphemeral(channel=ALERTS, user="U0MEMBER01", text="x")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE1", "text": "x"}, "channel_not_found"),
        ({"channel": ALERTS}, "no_text"),
        ({"channel": ALERTS, "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": ALERTS, "text": "x", "blocks": "[{]"}, "invalid_blocks_format"),
        ({"channel": ALERTS, "text": "x", "blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"channel": ALERTS, "text": "x", "blocks": [{"type": "x"}]}, "invalid_blocks"),
        ({"channel": ALERTS, "attachments": [{}] * 101}, "too_many_attachments"),
        ({"channel": ALERTS, "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
        ({"channel": ALERTS, "text": "x", "thread_ts": "1.000000"}, "invalid_thread_ts"),
    ],
)
async def test_a_message_slack_would_not_take_is_refused(
    client: AsyncWebClient, arguments: dict[str, object], error: str
) -> None:
    """Each with the code an app can act on."""
    with pytest.raises(SlackApiError) as refused:
        await client.api_call("chat.postMessage", json=arguments)

    assert refused.value.response["error"] == error


async def test_a_refused_payload_is_shown_as_a_problem(client: AsyncWebClient, ada: Person) -> None:
    """The page tells loudly what real Slack would have refused, with the reason."""
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel=ALERTS, text="x", blocks=[section("")])

    problem = (await ada.state())["problems"][0]
    assert (problem["where"], problem["error"]) == ("chat.postMessage", "invalid_blocks")
    assert "json-pointer:/blocks/0/text/text" in problem["detail"]


async def test_channels_may_be_closed_to_the_app(
    slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """Removed from a channel without the public scope, or archived, posting fails as in Slack."""
    without = slack.parts.install.scopes - {"chat:write.public"}
    slack.parts.install = replace(slack.parts.install, scopes=without)
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await client.chat_postMessage(channel=GENERAL, text="x")

    await ada.type("/invite @Registrar", "#general")
    await client.chat_postMessage(channel=GENERAL, text="x")
    await ada.type("/archive")
    with pytest.raises(SlackApiError, match="is_archived"):
        await client.chat_postMessage(channel=GENERAL, text="x")


async def test_an_update_changes_a_message_in_place(client: AsyncWebClient, ada: Person) -> None:
    """Text alone takes the blocks away and shows as edited; blocks do not show as edited."""
    ts = (await client.chat_postMessage(channel=ALERTS, text="a", blocks=[section("one")]))["ts"]

    await client.chat_update(channel=ALERTS, ts=ts, text="b", blocks=[section("two")])
    message = (await ada.state(ALERTS))["messages"][0]
    assert message["blocks"][0]["text"]["text"] == "two"
    assert message["edited"] is False

    await client.chat_update(channel=ALERTS, ts=ts, text="c")
    message = (await ada.state(ALERTS))["messages"][0]
    assert (message["text"], message["blocks"], message["edited"]) == ("c", None, True)


async def test_only_own_messages_are_updated_and_by_id(client: AsyncWebClient, ada: Person) -> None:
    """A person's message, a channel's name and a foreign timestamp are refused."""
    await ada.type("hello", "#registry-alerts")
    ts = (await ada.state(ALERTS))["messages"][0]["ts"]

    with pytest.raises(SlackApiError, match="cant_update_message"):
        await client.chat_update(channel=ALERTS, ts=ts, text="x")
    with pytest.raises(SlackApiError, match="cant_delete_message"):
        await client.chat_delete(channel=ALERTS, ts=ts)
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.chat_update(channel="#registry-alerts", ts=ts, text="x")


async def test_a_deleted_message_is_gone(client: AsyncWebClient, ada: Person) -> None:
    """Deleting twice is message_not_found."""
    ts = (await client.chat_postMessage(channel=ALERTS, text="a"))["ts"]

    await client.chat_delete(channel=ALERTS, ts=ts)

    assert await shown(ada) == []
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_delete(channel=ALERTS, ts=ts)


async def test_replies_are_inside_their_thread(client: AsyncWebClient, ada: Person) -> None:
    """A reply shows under its parent, and in the channel only when broadcast."""
    ts = (await client.chat_postMessage(channel=ALERTS, text="alert"))["ts"]
    await client.chat_postMessage(channel=ALERTS, text="retest", thread_ts=ts)
    await client.chat_postMessage(
        channel=ALERTS, text="recovered", thread_ts=ts, reply_broadcast=True
    )

    messages = (await ada.state(ALERTS))["messages"]
    assert [m["text"] for m in messages] == ["alert", "recovered"]
    assert [m["text"] for m in messages[0]["replies"]] == ["retest", "recovered"]
    assert messages[0]["reply_count"] == 2


async def test_metadata_is_kept_and_history_needs_its_scope(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """With channels:history an app finds its own message by metadata."""
    metadata = {"event_type": "alert", "event_payload": {"id": 1}}
    await client.chat_postMessage(channel=ALERTS, text="a", metadata=metadata)
    granted = slack.parts.install.scopes
    slack.parts.install = replace(slack.parts.install, scopes=granted - {"channels:history"})
    with pytest.raises(SlackApiError, match="missing_scope"):
        await client.conversations_history(channel=ALERTS)

    slack.parts.install = replace(slack.parts.install, scopes=granted)
    history = await client.conversations_history(channel=ALERTS, include_all_metadata=True)
    assert history["messages"][0]["metadata"] == metadata
    assert "metadata" not in (await client.conversations_history(channel=ALERTS))["messages"][0]


async def test_history_has_pages_and_ends(client: AsyncWebClient) -> None:
    """The newest first, a cursor as long as there is more, and nothing from before `oldest`."""
    sent = [await client.chat_postMessage(channel=ALERTS, text=text) for text in "abc"]
    since = {"channel": ALERTS, "oldest": sent[0]["ts"], "limit": 1}
    first = await client.conversations_history(**since)
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_history(**since, cursor=cursor)

    assert [page["messages"][0]["text"] for page in (first, second)] == ["c", "b"]
    assert [page["has_more"] for page in (first, second)] == [True, False]
    assert second["response_metadata"]["next_cursor"] == ""


async def test_an_uploaded_picture_is_shown(client: AsyncWebClient, ada: Person) -> None:
    """The SDK's own upload works, and the page gets the picture with its alt text."""
    await client.files_upload_v2(
        channel=ALERTS, content=PNG, filename="chart.png", title="Chart", alt_txt="A line going up"
    )

    file = (await ada.state(ALERTS))["messages"][0]["files"][0]
    answer = await ada._http.get(file["url"])
    assert (file["title"], file["alt_text"]) == ("Chart", "A line going up")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content == PNG


async def test_an_upload_is_never_served_as_a_page(client: AsyncWebClient, ada: Person) -> None:
    """HTML that was uploaded comes back as plain text: the page has the same origin."""
    await client.files_upload_v2(channel=ALERTS, content="<script>", filename="a.html")

    file = (await ada.state(ALERTS))["messages"][0]["files"][0]
    answer = await ada._http.get(file["url"])
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_uploads_are_strict(client: AsyncWebClient) -> None:
    """An empty file, a foreign id and an empty list are refused."""
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.files_getUploadURLExternal(filename="a", length=0)
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=[{"id": "F1"}])
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.files_completeUploadExternal(files=[])


async def test_a_permalink_is_made(slack: SlackServer, client: AsyncWebClient) -> None:
    """The link names channel and message as Slack's do."""
    slack.world.post(Message("1700000000.000100", ALERTS, "U0ADMIN001", "x"))

    answer = await client.chat_getPermalink(channel=ALERTS, message_ts="1700000000.000100")

    assert answer["permalink"] == "https://acme.slack.com/archives/C0ALERTS01/p1700000000000100"
