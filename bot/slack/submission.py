"""Sent modals: shape errors stay on their fields, anything longer happens after the ack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.errors import InvalidInput, OnlyOnPage, RegistrarError, StoreError
from bot.slack.call import Call
from bot.slack.card import Card, say
from bot.slack.desk import LOADING, Desk, fault_card
from bot.slack.state import error_blocks
from bot.slack.surface import ModalSurface
from bot.slack.text import sentence

# An update that overtakes the ack it follows would be replaced by what that ack shows.
AFTER_ACK: Final = 0.5
# Slack waits three seconds for the ack; a database that others hold may take longer.
IN_TIME: Final = 1.5

Work = Callable[[Actor], Awaitable[Card]]
Again = Callable[[InvalidInput], dict[str, Any]]
Then = Callable[[Actor], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Submission:
    """What a sent modal asks for.

    `work` asks the database only and answers the card to show; `then` goes on after the ack. For
    wrong input the fields are marked, or, when the form is gone already, `again` makes the view;
    without it the view says only what is wrong.
    """

    call: Call
    view: Mapping[str, Any]
    work: Work
    again: Again | None = None
    then: Then | None = None
    meanwhile: Card = LOADING

    def refused(self, error: InvalidInput) -> dict[str, Any]:
        """The view for wrong input when the form is gone."""
        return self.again(error) if self.again else problems_view(self.call, error)


async def settle(desk: Desk, ack: AsyncAck, sent: Submission) -> bool:
    """Ack a submission with its outcome; False when it was refused and may be sent once more.

    Who the person is must be known without asking Slack. When it is not, because we have just been
    started, or when the database takes long, `meanwhile` is shown and the rest is done after the
    ack.
    """
    call = sent.call
    actor = await desk.people.known(call)
    if actor is None:
        await ack(response_action="update", view=sent.meanwhile.view(call.channel))
        desk.start(call, _late(desk, sent), "submission")
        return True
    working = asyncio.ensure_future(sent.work(actor))
    if not (await asyncio.wait({working}, timeout=IN_TIME))[0]:
        await ack(response_action="update", view=sent.meanwhile.view(call.channel))
        desk.start(call, _conclude(desk, sent, actor, working), "submission")
        return True
    try:
        card = working.result()
    except OnlyOnPage as error:
        # Its fields for secrets are to go.
        await ack(response_action="update", view=sent.refused(error))
        return False
    except InvalidInput as error:
        await ack(response_action="errors", errors=error_blocks(sent.view, error.fields))
        return False
    except StoreError as error:
        # The next try may work, and what was typed, a secret among it, is nowhere but in the form.
        await ack(response_action="errors", errors=error_blocks(sent.view, {"": str(error)}))
        return False
    except RegistrarError as error:
        await ack(response_action="update", view=fault_card(error).view(call.channel))
        return False
    await ack(response_action="update", view=card.view(call.channel))
    if sent.then is not None:
        desk.start(call, sent.then(actor), "submission")
    return True


def problems_view(call: Call, error: InvalidInput) -> dict[str, Any]:
    """Wrong input as a message, where there is nothing worth filling in again."""
    lines = [sentence(each) for each in error.fields.values()]
    return say("Not done", *lines).view(call.channel)


async def _late(desk: Desk, sent: Submission) -> None:
    actor = await desk.people.actor(sent.call)
    await _conclude(desk, sent, actor, sent.work(actor))


async def _conclude(desk: Desk, sent: Submission, actor: Actor, work: Awaitable[Card]) -> None:
    """The outcome of work that is done after the ack."""
    await asyncio.sleep(AFTER_ACK)
    try:
        card = await work
    except (InvalidInput, StoreError) as error:
        wrong = error if isinstance(error, InvalidInput) else InvalidInput({"": str(error)})
        await desk.client.views_update(view_id=sent.call.view_id, view=sent.refused(wrong))
        return
    await ModalSurface(desk.client, sent.call, sent.call.view_id).finish(card)
    if sent.then is not None:
        await sent.then(actor)
