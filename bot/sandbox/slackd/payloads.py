"""The payloads Slack sends to an app, built from what is on the screen."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from bot.sandbox.slackd.refusal import JSON
from bot.sandbox.slackd.state import KEPT, walk
from bot.sandbox.slackd.views import View
from bot.sandbox.slackd.world import Channel, Message, World, public_message

TOKEN = "sandbox-verification-token"  # noqa: S105 - deprecated by Slack, still in every payload


def envelope_base(world: World, kind: str, user_id: str) -> JSON:
    """What every interaction has."""
    user = world.users[user_id]
    team = world.team
    return {
        "type": kind,
        "team": {"id": team["id"], "domain": team["domain"]},
        "user": {
            "id": user.id,
            "username": user.name,
            "name": user.name,
            "team_id": team["id"],
        },
        "api_app_id": world.app.id,
        "token": TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def command(
    world: World, user_id: str, channel: Channel, text: str, *, trigger_id: str, response_url: str
) -> JSON:
    """A slash command."""
    return {
        "token": TOKEN,
        "team_id": world.team["id"],
        "team_domain": world.team["domain"],
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.kind == "dm" else channel.name,
        "user_id": user_id,
        "user_name": world.users[user_id].name,
        "command": world.app.command,
        "text": text,
        "api_app_id": world.app.id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }


def in_view(payload: JSON, view_payload: JSON) -> JSON:
    """Adds where it happened, for a modal or Home tab."""
    container = {"type": "view", "view_id": view_payload["id"]}
    return {**payload, "container": container, "view": view_payload}


def in_message(
    world: World, payload: JSON, message: Message, values: dict[str, dict[str, JSON]]
) -> JSON:
    """Adds where it happened, for a message. An ephemeral one is not sent along, as in Slack."""
    channel = world.channels[message.channel]
    ephemeral = message.ephemeral_to is not None
    container: JSON = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    body: JSON = {
        **payload,
        "container": container,
        "channel": {
            "id": channel.id,
            "name": "directmessage" if channel.kind == "dm" else channel.name,
        },
        "state": {"values": deepcopy(values)},
    }
    if not ephemeral:
        body["message"] = deepcopy(public_message(world, message))
    return body


def action(world: World, block: JSON, element: JSON, chosen: Any) -> JSON:
    """One entry of `actions`: what was clicked or picked, as a state value or an option."""
    kind = element["type"]
    body: JSON = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": world.next_ts(),
    }
    copied = ("text", "value", "style", "url") if kind == "button" else ("placeholder",)
    body |= {key: element[key] for key in copied if key in element}
    if kind == "overflow":
        body["selected_option"] = chosen
    elif kind in KEPT:
        kept = KEPT[kind]
        body[kept.key] = chosen[kept.key]
        if kept.initial in element:
            body[kept.initial] = element[kept.initial]
    return body


def event(world: World, body: JSON) -> JSON:
    """An Events API callback around `body`."""
    return {
        "token": TOKEN,
        "team_id": world.team["id"],
        "api_app_id": world.app.id,
        "event": body,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(float(world.next_ts())),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": world.team["id"],
                "user_id": world.app.user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
    }


def answered_urls(view: View, issue: Callable[[str], str]) -> list[JSON]:
    """`response_urls` of a submission: one per conversation select that asked for it."""
    found: list[JSON] = []
    for block, element in walk(view.blocks):
        if element.get("response_url_enabled"):
            kept = KEPT[element["type"]]
            channel = view.values[block["block_id"]][element["action_id"]][kept.key]
            if channel:
                found.append(
                    {
                        "block_id": block["block_id"],
                        "action_id": element["action_id"],
                        "channel_id": channel,
                        "response_url": issue(channel),
                    }
                )
    return found
