"""A file into a channel: an upload URL, the bytes, and the sharing, as Slack wants it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.trouble import code_of

log = structlog.get_logger(__name__)

TIMEOUT: Final = aiohttp.ClientTimeout(total=60)
ALT_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file; one that is a picture also says what those hear who cannot see it."""

    name: str
    title: str
    alt: str
    content: bytes = field(repr=False)


async def share(client: AsyncWebClient, channel: str, file: SharedFile, comment: str = "") -> str:
    """Show a file in a channel, with a text above it; answers the file's id.

    Raises what the client raises, and aiohttp's errors for the bytes. The SDK's own helper puts
    the text into the URL, where 4,000 letters do not fit.
    """
    data = {"filename": file.name, "length": str(len(file.content))}
    if file.alt:
        data["alt_txt"] = file.alt[:ALT_LIMIT]
    begun = await client.api_call("files.getUploadURLExternal", data=data)
    await _send(client, str(begun["upload_url"]), file.content)
    file_id = str(begun["file_id"])
    shared = {
        "files": [{"id": file_id, "title": file.title}],
        "channel_id": channel,
        "initial_comment": comment,
    }
    await client.api_call(
        "files.completeUploadExternal", json={key: value for key, value in shared.items() if value}
    )
    return file_id


async def shared_before(client: AsyncWebClient, channel: str, name: str, since: datetime) -> str:
    """The id of a file of that name that was shared there since then; empty when none is seen.

    Needs a permission to read that not every workspace gives; without it nothing is seen.
    """
    try:
        answer = await client.conversations_history(
            channel=channel, oldest=f"{since.timestamp():.6f}", limit=100
        )
    except SlackApiError as error:
        log.info("cannot look for an earlier upload", error=code_of(error))
        return ""
    messages: list[dict[str, Any]] = answer.get("messages") or []
    files = (file for message in messages for file in message.get("files") or ())
    return next((str(file.get("id")) for file in files if file.get("name") == name), "")


async def _send(client: AsyncWebClient, url: str, content: bytes) -> None:
    """The URL carries its own permission; the bot's token is not for it."""
    headers = {"Content-Type": "application/octet-stream"}
    if client.session is not None:
        async with client.session.post(
            url, data=content, headers=headers, timeout=TIMEOUT, proxy=client.proxy
        ) as answer:
            answer.raise_for_status()
        return
    async with (
        aiohttp.ClientSession(timeout=TIMEOUT) as session,
        session.post(url, data=content, headers=headers, proxy=client.proxy) as answer,
    ):
        answer.raise_for_status()
