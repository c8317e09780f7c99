"""Opening and saving the workspace's settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError

from bot.core.access import Actor, WorkspaceSettings
from bot.core.preferences import Preferences
from bot.core.worktime import parse_zone
from bot.errors import InvalidInput
from bot.slack.access import reader
from bot.slack.call import Call, call_of
from bot.slack.card import Card
from bot.slack.desk import Desk, View
from bot.slack.home import refresh_homes
from bot.slack.settings_form import saved_card, settings_form, wanted_settings
from bot.slack.submission import AFTER_ACK, Submission, settle
from bot.slack.surface import ModalSurface
from bot.slack.trouble import AWAY, code_of
from bot.usecases import workspaces
from bot.usecases.permission import require_setter

log = structlog.get_logger(__name__)


async def open_settings(desk: Desk, call: Call) -> None:
    """Managers only, but for the first time: then anyone except guests may."""

    async def build() -> View:
        actor = await desk.people.actor(call)
        settings = await workspaces.settings(desk.deps, actor)
        await require_setter(desk.deps, actor)
        if not settings.configured:
            zone = await _time_zone(desk, call)
            settings = replace(settings, preferences=replace(settings.preferences, time_zone=zone))
        return settings_form(settings, await _groups(desk), call.channel)

    await desk.form(call, build)


async def submit_settings(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    before = await workspaces.settings(desk.deps, reader(call))

    async def change(actor: Actor) -> Card:
        wanted = _installed(wanted_settings(view, before), actor)
        pages = bool(desk.public_url)
        return saved_card(await workspaces.change_settings(desk.deps, actor, wanted, pages=pages))

    async def then(_actor: Actor) -> None:
        settings = await workspaces.settings(desk.deps, reader(call))
        if settings.alert_channel and settings.alert_channel != before.alert_channel:
            await _greet(desk, call, settings)
        await refresh_homes(desk, call.team)

    await settle(desk, ack, Submission(call, view, change, then=then))


def _installed(wanted: WorkspaceSettings, actor: Actor) -> WorkspaceSettings:
    """Whoever sets Registrar up is told when neither channel nor owner can be reached."""
    if wanted.preferences.installer:
        return wanted
    preferences = replace(wanted.preferences, installer=actor.user_id)
    return replace(wanted, preferences=preferences)


async def _time_zone(desk: Desk, call: Call) -> str:
    """That of the person who sets Registrar up, as a suggestion."""
    try:
        answer = await desk.client.users_info(user=call.user)
        name = str((answer.get("user") or {}).get("tz") or "")
        parse_zone(name)
    except (*AWAY, InvalidInput):
        return Preferences().time_zone
    return name


async def _greet(desk: Desk, call: Call, settings: WorkspaceSettings) -> None:
    """Write to the new alert channel now, so that a missing invitation shows now."""
    text = f"Registrar's news come here from now on, set by <@{call.user}>."
    try:
        await desk.client.chat_postMessage(channel=settings.alert_channel, text=text)
    except SlackApiError as error:
        log.info("alert channel not writable", error=code_of(error))
        channel = f"<#{settings.alert_channel}>"
        problem = f"⚠ Registrar cannot write there yet: invite it with `/invite` in {channel}."
        await asyncio.sleep(AFTER_ACK)
        surface = ModalSurface(desk.client, call, call.view_id)
        await surface.finish(saved_card(settings, problem))


async def _groups(desk: Desk) -> list[tuple[str, str]]:
    """The user groups by handle; none when Slack does not tell (they are not on every plan)."""
    try:
        answer = await desk.client.usergroups_list()
    except AWAY as error:
        log.info("no user groups", error=code_of(error))
        return []
    found = [(str(each["id"]), str(each["handle"])) for each in answer.get("usergroups") or ()]
    return sorted(found, key=lambda group: group[1])
