"""What a picker of names offers while a person types."""

from __future__ import annotations

from typing import Any, Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.slack import ids
from bot.slack.access import reader
from bot.slack.blocks import option
from bot.slack.call import call_of
from bot.slack.desk import Desk
from bot.usecases import registries

MOST: Final = 100


def register(app: AsyncApp) -> None:
    for verb in ids.PICKED_VERBS:
        app.options(ids.picker(verb))(offer_names)


async def offer_names(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """One small query, then the ack: Slack wants the options in it."""
    text = str(body.get("value") or "")
    found = await registries.suggest(desk.deps, reader(call_of(body)), text, MOST)
    await ack(options=[option(f"{name} · {host}", name) for name, host in found[:MOST]])
