"""One letter sent: posted, edited in place, put in a thread, or told to whoever can be reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.access import Actor, WorkspaceSettings
from bot.slack.card import Card
from bot.slack.letters import Scribe, Worded, with_lead, worded
from bot.slack.names import Links, Names
from bot.slack.render_news import astray_lead
from bot.slack.traces import Sent, Traces, mark
from bot.slack.trouble import code_of, reasons
from bot.slack.uploads import UPLOADS
from bot.slack.verdict import CLOSED, GONE, UNREADABLE
from bot.usecases import outbox, workspaces
from bot.usecases.deps import Deps
from bot.usecases.outbox import EDIT, POST, THREAD, UPLOAD, OutboxMessage

log = structlog.get_logger(__name__)

NOTHING: Final = Sent("", "")
PEOPLE: Final = ("U", "W", "D")


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A card on its way; `key` marks it, `tried` when an earlier try may have got through."""

    message: OutboxMessage
    card: Card
    key: str
    tried: bool


class Post:
    """Sends letters with one try; errors of Slack and of the network are the caller's."""

    def __init__(self, deps: Deps, client: AsyncWebClient) -> None:
        self._deps = deps
        self._client = patient(client)
        self._traces = Traces(self._client)
        self._scribe = Scribe(deps, Names(self._client, deps.clock), Links(self._client))

    async def send(self, message: OutboxMessage) -> Sent:
        """Where its message stands now; a `channel` only when that is to be remembered."""
        if message.op == UPLOAD and message.what in UPLOADS:
            return Sent("", await UPLOADS[message.what](self._deps, self._client, message))
        words = await worded(self._scribe, message)
        if words is None:
            return NOTHING
        if message.op == EDIT:
            return await self._edit(message, words)
        if message.op == THREAD:
            return await self._answer(message, words)
        sent = await self._new(message, words, message.channel)
        return sent if message.op == POST else Sent("", sent.ts)

    async def _edit(self, message: OutboxMessage, words: Worded) -> Sent:
        """The message in its place; where it is gone, a new one."""
        place = await outbox.place(self._deps, message.subject)
        if place is None:
            return await self._new(message, words, message.channel)
        channel, ts = place
        card = await self._told_astray(message, words.card, channel)
        try:
            await self._update(Sent(channel, ts), card)
        except SlackApiError as error:
            code = code_of(error)
            if code in GONE:
                return await self._new(message, words, channel)
            if code in CLOSED:
                return await self._astray(message, words, channel, error)
            raise
        return NOTHING

    async def _answer(self, message: OutboxMessage, words: Worded) -> Sent:
        """An entry in the thread of its message; where that is gone, under a new one."""
        place = await outbox.place(self._deps, message.subject)
        if place is not None:
            parcel = _Parcel(message, words.card, message.delivery_key, message.attempts > 1)
            try:
                await self._put(parcel, place[0], thread=place[1])
            except SlackApiError as error:
                if code_of(error) not in GONE | CLOSED:
                    raise
            else:
                return NOTHING
        anew = await self._anew(message, place[0] if place else message.channel)
        if anew is None:
            return NOTHING
        parcel = _Parcel(message, words.card, message.delivery_key, message.attempts > 1)
        await self._put(parcel, anew.channel, thread=anew.ts)
        return anew

    async def _anew(self, message: OutboxMessage, channel: str) -> Sent | None:
        """The subject's own message once more, because the thread needs one."""
        what = message.subject.partition(":")[0]
        base = replace(message, what=what, op=EDIT, delivery_key=f"{message.delivery_key}:anew")
        words = await worded(self._scribe, base)
        return await self._new(base, words, channel) if words is not None else None

    async def _new(self, message: OutboxMessage, words: Worded, channel: str) -> Sent:
        """A new message in the channel, or to somebody who should know when that is closed."""
        card = await self._told_astray(message, words.card, channel)
        parcel = _Parcel(message, card, message.delivery_key, message.attempts > 1)
        try:
            return await self._put(parcel, channel)
        except SlackApiError as error:
            if code_of(error) not in CLOSED:
                raise
            return await self._astray(message, words, channel, error)

    async def _astray(
        self, message: OutboxMessage, words: Worded, channel: str, closed: SlackApiError
    ) -> Sent:
        """The channel is closed to us: the owners hear of it, else the installer, and of that."""
        code = code_of(closed)
        log.warning("channel closed", channel=channel, error=code, what=message.what)
        settings = await self._settings(message)
        installer = settings.preferences.installer
        told = (*words.owners, message.values.get("by", ""), installer)
        lead = astray_lead(channel, code) if channel[:1] not in PEOPLE else ""
        card = with_lead(words.card, lead) if lead else words.card
        parcel = _Parcel(message, card, message.delivery_key, message.attempts > 1)
        last = closed
        for person in dict.fromkeys(one for one in told if one and one != channel):
            try:
                return await self._put(parcel, person)
            except SlackApiError as error:
                if code_of(error) not in CLOSED:
                    raise
                last = error
        raise last

    async def _told_astray(self, message: OutboxMessage, card: Card, channel: str) -> Card:
        """What is told to one person although there is an alert channel says why."""
        if not channel.startswith("D"):
            return card
        alert_channel = (await self._settings(message)).alert_channel
        return with_lead(card, astray_lead(alert_channel)) if alert_channel else card

    async def _settings(self, message: OutboxMessage) -> WorkspaceSettings:
        return await workspaces.settings(self._deps, Actor(message.team_id, ""))

    async def _put(self, parcel: _Parcel, channel: str, thread: str = "") -> Sent:
        """Post it, unless it is there already: then it is edited."""
        if parcel.tried:
            since = parcel.message.created_at
            found = await self._traces.find(channel, parcel.key, since, thread)
            if found is not None:
                log.info("found what was sent before", letter=parcel.message.id)
                await self._update(found, parcel.card)
                return found
        target: dict[str, Any] = {"channel": channel, "metadata": mark(parcel.key)}
        if thread:
            target["thread_ts"] = thread
        try:
            answer = await self._post(target, parcel.card.message())
        except SlackApiError as error:
            if code_of(error) not in UNREADABLE:
                raise
            what = parcel.message.what
            log.warning("blocks refused; sent as text", what=what, why=reasons(error))
            answer = await self._post(target, {"text": parcel.card.message()["text"]})
        return Sent(str(answer.get("channel") or channel), str(answer.get("ts") or ""))

    async def _post(self, target: dict[str, Any], content: dict[str, Any]) -> Any:
        return await self._client.chat_postMessage(
            **target, **content, unfurl_links=False, unfurl_media=False
        )

    async def _update(self, at: Sent, card: Card) -> None:
        content = {"attachments": [], **card.message()}
        try:
            await self._client.chat_update(channel=at.channel, ts=at.ts, **content)
        except SlackApiError as error:
            if code_of(error) not in UNREADABLE:
                raise
            log.warning("blocks refused; edited as text", why=reasons(error))
            text = content["text"]
            await self._client.chat_update(
                channel=at.channel, ts=at.ts, text=text, blocks=[], attachments=[]
            )


def patient(client: AsyncWebClient) -> AsyncWebClient:
    """The same client without retries of its own.

    A retry after a lost connection posts twice, and one that waits out a 429 inside the call may
    outlive the lease of its letter; the outbox has its own patience.
    """
    return AsyncWebClient(
        token=client.token,
        base_url=client.base_url,
        session=client.session,
        timeout=client.timeout,
        retry_handlers=[],
    )
