"""What every listener works with: the use cases' needs, Slack's client, and ways to answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import NotSetUp, Overtaken, RegistrarError
from bot.kinds.rotation.gateway import Rotators
from bot.slack import ids
from bot.slack.access import People
from bot.slack.background import Background
from bot.slack.blocks import actions, button
from bot.slack.call import Call, Place
from bot.slack.card import Card, say
from bot.slack.once import Once
from bot.slack.render_result import overtaken
from bot.slack.surface import MessageSurface, ModalSurface, Surface, respond, tell_privately
from bot.slack.text import sentence
from bot.slack.trouble import AWAY, code_of
from bot.usecases.deps import Deps
from bot.usecases.looking import Looks

log = structlog.get_logger(__name__)

View = dict[str, Any]
AT_ONCE: Final = 0.7  # seconds to wait for a modal's content before a placeholder is opened
TRIGGER_ERRORS: Final = frozenset({"expired_trigger_id", "exchanged_trigger_id", "trigger_expired"})
LOADING: Final = say("One moment", "Loading …")


@dataclass(frozen=True, slots=True)
class Desk:
    """Made once by `build_app`."""

    deps: Deps
    client: AsyncWebClient
    command: str
    background: Background
    people: People
    looks: Looks
    rotators: Rotators
    public_url: str = ""
    once: Once = field(default_factory=Once)

    def now(self) -> datetime:
        return self.deps.clock.now()

    def start(self, call: Call, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run after the ack; whatever goes wrong reaches the person."""
        self.background.start(self._guarded(call, work), name)

    async def answer(self, call: Call, card: Card) -> None:
        """A finished answer: in place where that is possible, otherwise new."""
        if call.place in {Place.MODAL, Place.SUBMISSION}:
            await ModalSurface(self.client, call, call.view_id).finish(card)
        elif call.place is Place.HOME:
            await self.client.views_open(trigger_id=call.trigger, view=card.view(call.channel))
        elif not await respond(call, card, replace=call.place is Place.EPHEMERAL):
            await tell_privately(self.client, call, card)

    async def surface(self, call: Call, first: Card) -> Surface:
        """A place for an answer that changes, showing `first` already."""
        if call.place is Place.EPHEMERAL:
            message = MessageSurface(self.client, call)
            await message.show(first)
            return message
        if call.place in {Place.MODAL, Place.SUBMISSION}:
            modal = ModalSurface(self.client, call, call.view_id)
            await modal.show(first)
            return modal
        return ModalSurface(self.client, call, await self._open(call, first.view(call.channel)))

    async def form(self, call: Call, build: Callable[[], Awaitable[View]]) -> None:
        """Show a modal; a placeholder holds its place when `build` takes long.

        The permission to open one lives for three seconds only.
        """
        if call.place in {Place.MODAL, Place.SUBMISSION}:
            await self.client.views_update(view_id=call.view_id, view=await build())
            return
        building = asyncio.ensure_future(build())
        await asyncio.wait({building}, timeout=AT_ONCE)
        if building.done():
            await self._open(call, building.result())
            return
        try:
            view_id = await self._open(call, LOADING.view(call.channel))
        except AWAY:
            building.cancel()
            raise
        inside = replace(call, place=Place.SUBMISSION, view_id=view_id)

        async def fill() -> None:
            await self.client.views_update(view_id=view_id, view=await building)

        await self._guarded(inside, fill())

    async def tell(self, call: Call, card: Card) -> None:
        """Say something, and leave what the person looks at where that is possible."""
        if call.place is Place.EVENT:
            return
        try:
            if call.place is Place.SUBMISSION:
                await ModalSurface(self.client, call, call.view_id).finish(card)
            elif call.place is Place.MODAL:
                await self.client.views_push(trigger_id=call.trigger, view=card.view(call.channel))
            elif call.place is Place.HOME:
                await self.client.views_open(trigger_id=call.trigger, view=card.view(call.channel))
            elif not await respond(call, card, replace=False):
                await tell_privately(self.client, call, card)
        except SlackApiError as error:
            log.info("told privately", error=code_of(error))
            await tell_privately(self.client, call, card)

    async def fault(self, call: Call, error: Exception) -> None:
        """Tell of an error: its own sentence when it has one, otherwise a reference to our log."""
        card = fault_card(error)
        if call.place is Place.EVENT:
            log.warning("nobody to tell", what=card.text)
        await self.tell(call, card)

    async def _open(self, call: Call, view: View) -> str:
        opened = await self.client.views_open(trigger_id=call.trigger, view=view)
        return str((opened.get("view") or {}).get("id", ""))

    async def _guarded(self, call: Call, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # nobody else is left to tell the person; it is logged whole
            await self.fault(call, error)


def fault_card(error: Exception) -> Card:
    """What to show of an error; one without a sentence of ours is logged under a reference id."""
    if isinstance(error, NotSetUp):
        set_up = button("Set up", ids.SETTINGS, "-", style="primary")
        return say("Registrar", sentence(str(error)), buttons=[actions(set_up)])
    if isinstance(error, Overtaken):
        return overtaken(error)
    if isinstance(error, RegistrarError):
        return say("Registrar", sentence(str(error)))
    if isinstance(error, SlackApiError) and code_of(error) in TRIGGER_ERRORS:
        return say("Registrar", "Slack took too long to open the window. Try it once more.")
    reference = secrets.token_hex(4)
    log.error("listener failed", reference=reference, exc_info=error)
    return say(
        "Registrar",
        "Something went wrong inside Registrar. What was saved before is unharmed. "
        f"Whoever runs Registrar finds the cause under the reference `{reference}`.",
    )
