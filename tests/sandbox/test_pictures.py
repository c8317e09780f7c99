"""The bot's own way to share a picture, held to Slack's rules."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slackd.server import SlackServer
from bot.slack.upload import ALT_LIMIT, SharedFile, share

PICTURE = SharedFile(
    "registries.png", "12 registries", "w" * 5_000, b"\x89PNG\r\n\x1a\n" + b"x" * 900
)
LONG = "漢 and 🗓 " * 400


async def test_a_picture_is_shared_with_its_words(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """One message: words of any length above, the file with its alternative text below."""
    file_id = await share(client, "C0ALERTS01", PICTURE, LONG)
    file = slack.parts.uploads.files[file_id]
    (message,) = slack.world.channels["C0ALERTS01"].messages

    assert (message.text, message.files) == (LONG, [file_id])
    assert (file.content, file.title, file.mimetype) == (
        PICTURE.content,
        "12 registries",
        "image/png",
    )
    assert len(file.alt_text) == ALT_LIMIT


async def test_a_channel_that_it_is_not_in_refuses(client: AsyncWebClient) -> None:
    """With a code that tells what to do."""
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await share(client, "C0GENERAL1", PICTURE)
