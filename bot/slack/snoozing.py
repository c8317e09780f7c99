"""Snoozing an alert until a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.core.incident import Button, Click, Lost
from bot.slack.access import reader
from bot.slack.alerts import parse
from bot.slack.call import call_of
from bot.slack.card import Card, say
from bot.slack.desk import Desk
from bot.slack.metadata import ViewMeta
from bot.slack.render_incident import lost_text
from bot.slack.snooze_form import FIELD, snooze_until
from bot.slack.state import values_of
from bot.slack.submission import Submission, settle
from bot.slack.words import moment
from bot.usecases import incidents, workspaces


async def submit_snooze(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    incident_id, version = parse(ViewMeta.of(view).alert)
    picked = "".join(values_of(view).get(FIELD, ()))

    async def work(actor: Actor) -> Card:
        settings = await workspaces.settings(desk.deps, reader(call))
        until = snooze_until(picked, desk.now(), settings.preferences)
        pressed = Click(Button.SNOOZE, version, call.user, until)
        decided = await incidents.click(desk.deps, actor, incident_id, pressed)
        if isinstance(decided, Lost):
            return say("Alert", lost_text(decided.what, decided.by))
        return say("Alert", f"Snoozed until {moment(until)}.", close="Done")

    await settle(desk, ack, Submission(call, view, work))
