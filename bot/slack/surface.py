"""Where an answer stands while it changes: a modal, or a message that only one person sees."""

from __future__ import annotations

import logging
from typing import Final, Protocol

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.call import Call
from bot.slack.card import Card
from bot.slack.trouble import AWAY, NETWORK, code_of, reasons

log = structlog.get_logger(__name__)

GONE: Final = frozenset({"not_found", "view_not_found"})  # the person closed the modal
RESPONSES: Final = 5  # how often Slack takes something on one response_url
KEPT_BACK: Final = 2  # of which progress leaves this many for the end and for an error


class Surface(Protocol):
    """`show` is for progress and may be dropped; `finish` reaches the person one way or another."""

    @property
    def interval(self) -> float:
        """Seconds between two updates that Slack bears."""
        ...

    async def show(self, card: Card) -> None: ...

    async def finish(self, card: Card) -> None: ...


class ModalSurface:
    """An open modal. When the person closes it, the end comes as a private message."""

    interval = 0.5

    def __init__(self, client: AsyncWebClient, call: Call, view_id: str) -> None:
        self._client = client
        self._call = call
        self._view_id = view_id
        self._closed = False

    async def show(self, card: Card) -> None:
        if not self._closed:
            self._closed = await self._update(card) in GONE

    async def finish(self, card: Card) -> None:
        if self._closed or await self._update(card):
            await tell_privately(self._client, self._call, card)

    async def _update(self, card: Card) -> str:
        """Slack's error code, empty when the person sees the card."""
        view = card.view(self._call.channel)
        try:
            await self._client.views_update(view_id=self._view_id, view=view)
        except AWAY as error:
            code = code_of(error)
            if code not in GONE:
                log.warning("view not updated", error=code, detail=reasons(error))
            return code
        return ""


class MessageSurface:
    """A message of ours that only one person sees, replaced through the click on it.

    A slash command's own response_url cannot replace what it posted (bolt-js issue 2287), so this
    is for clicks only.
    """

    interval = 1.0

    def __init__(self, client: AsyncWebClient, call: Call) -> None:
        self._client = client
        self._call = call
        self._left = RESPONSES

    async def show(self, card: Card) -> None:
        if self._left > KEPT_BACK:
            self._left -= 1
            await respond(self._call, card, replace=True)

    async def finish(self, card: Card) -> None:
        if not await respond(self._call, card, replace=True):
            await tell_privately(self._client, self._call, card)


async def respond(call: Call, card: Card, *, replace: bool) -> bool:
    """Answer through the response_url; False when Slack takes no more on it."""
    if not call.response_url:
        return False
    try:
        answer = await AsyncWebhookClient(call.response_url, logger=_quiet()).send(
            **card.message(),
            response_type="ephemeral",
            replace_original=replace,
            unfurl_links=False,
            unfurl_media=False,
        )
    except NETWORK as error:
        log.warning("response not sent", error=type(error).__name__)
        return False
    if answer.status_code != 200:
        log.warning("response refused", status=answer.status_code, body=answer.body[:200])
    return answer.status_code == 200


async def tell_privately(client: AsyncWebClient, call: Call, card: Card) -> None:
    """Where they are if we may write there, otherwise in our conversation with them."""
    message = card.message()
    if call.channel:
        try:
            await client.chat_postEphemeral(channel=call.channel, user=call.user, **message)
        except SlackApiError as error:
            log.info("no ephemeral message there", error=code_of(error))
        else:
            return
    await client.chat_postMessage(
        channel=call.user, unfurl_links=False, unfurl_media=False, **message
    )


def _quiet() -> logging.Logger:
    """The SDK writes the URL to its log, and whoever knows the URL can answer in our name."""
    quiet = logging.getLogger("bot.slack.response_url")
    quiet.setLevel(logging.WARNING)
    return quiet
