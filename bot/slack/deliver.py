"""Sending what waits in the outbox: at least once, in order, at the pace that Slack bears."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.render_news import astray, news_card
from bot.slack.trouble import NETWORK, code_of
from bot.usecases import outbox
from bot.usecases.deps import Deps
from bot.usecases.outbox import OutboxMessage

log = structlog.get_logger(__name__)

BATCH: Final = 20
APART: Final = 1.0  # seconds between two messages to one channel
TRIES: Final = 30
LONGEST_WAIT: Final = timedelta(minutes=10)
CLOSED: Final = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "channel_is_limited_access",
    }
)
HOPELESS: Final = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_too_long", "no_text", "user_not_found"}
)


async def deliver_due(deps: Deps, client: AsyncWebClient) -> int:
    """Send the messages that are due, at most twenty; answers how many were sent."""
    last: dict[str, float] = {}
    limited: dict[str, timedelta] = {}
    sent = 0
    for message in await outbox.claim(deps, BATCH):
        if message.channel in limited:
            await outbox.defer(deps, message, deps.clock.now() + limited[message.channel], "order")
            continue
        await _pause(last, message.channel)
        wait = await _deliver(deps, client, message)
        if wait is None:
            sent += 1
        else:
            # Later news of the same channel waits behind it.
            limited[message.channel] = wait
    return sent


async def _deliver(deps: Deps, client: AsyncWebClient, message: OutboxMessage) -> timedelta | None:
    """Send one message; None when it is off our hands, otherwise how long it waits."""
    try:
        receipt = await _post(client, message)
    except SlackApiError as error:
        return await _refused(deps, client, message, error)
    except NETWORK as error:
        return await _later(deps, message, _backoff(message), type(error).__name__)
    await outbox.settle(deps, message, receipt)
    return None


async def _post(client: AsyncWebClient, message: OutboxMessage) -> str:
    answer = await client.chat_postMessage(
        channel=message.channel,
        unfurl_links=False,
        unfurl_media=False,
        **news_card(message.what, message.values).message(),
    )
    return str(answer.get("ts") or "")


async def _refused(
    deps: Deps, client: AsyncWebClient, message: OutboxMessage, error: SlackApiError
) -> timedelta | None:
    code = code_of(error)
    if code == "ratelimited":
        return await _later(deps, message, _retry_after(error), code)
    if code in CLOSED and message.values.get("by") and message.channel != message.values["by"]:
        return await _tell_the_author(deps, client, message, code)
    if code in CLOSED | HOPELESS or message.attempts >= TRIES:
        log.error("message given up", what=message.what, error=code)
        await outbox.bury(deps, message, code)
        return None
    return await _later(deps, message, _backoff(message), code)


async def _tell_the_author(
    deps: Deps, client: AsyncWebClient, message: OutboxMessage, code: str
) -> timedelta | None:
    """The channel is closed to us; whoever made the news learns of it, and of that."""
    card = news_card(message.what, message.values)
    log.warning("alert channel closed", channel=message.channel, error=code)
    try:
        await client.chat_postMessage(
            channel=message.values["by"],
            unfurl_links=False,
            unfurl_media=False,
            **astray(card, message.channel, code),
        )
    except SlackApiError as error:
        second = code_of(error)
        if second == "ratelimited":
            return await _later(deps, message, _retry_after(error), second)
        await outbox.bury(deps, message, f"{code}, then {second}")
        return None
    except NETWORK as error:
        return await _later(deps, message, _backoff(message), type(error).__name__)
    await outbox.settle(deps, message, f"told the author: {code}")
    return None


async def _later(deps: Deps, message: OutboxMessage, wait: timedelta, reason: str) -> timedelta:
    await outbox.defer(deps, message, deps.clock.now() + wait, reason)
    return wait


async def _pause(last: dict[str, float], channel: str) -> None:
    now = asyncio.get_running_loop().time()
    rest = last.get(channel, now - APART) + APART - now
    await asyncio.sleep(max(0.0, rest))
    last[channel] = asyncio.get_running_loop().time()


def _backoff(message: OutboxMessage) -> timedelta:
    return min(timedelta(seconds=2 ** min(message.attempts, 12)), LONGEST_WAIT)


def _retry_after(error: SlackApiError) -> timedelta:
    header = str((error.response.headers or {}).get("Retry-After", "1"))
    return timedelta(seconds=min(int(header), 3600) if header.isdecimal() else 1)
