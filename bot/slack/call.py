"""One request of a person, out of the many shapes of Slack's payloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.slack.metadata import ViewMeta


class Place(StrEnum):
    """Where the person asked from, which decides where the answer goes."""

    COMMAND = "command"
    EPHEMERAL = "ephemeral"  # a message that only this person sees
    POSTED = "posted"  # a message that others see too
    MODAL = "modal"  # something in a modal
    SUBMISSION = "submission"  # the modal itself, sent or closed
    HOME = "home"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, and by which ways they can be answered.

    `channel` is where they are, or were when they opened the modal; empty when that is not known.
    `trigger` opens one modal within three seconds. `response_url` is a bearer secret. `listing` is
    which page of which alert the modal shows.
    """

    team: str
    user: str
    place: Place
    channel: str = ""
    trigger: str = field(default="", repr=False)
    response_url: str = field(default="", repr=False)
    view_id: str = ""
    view_hash: str = ""
    listing: str = ""


def call_of(body: Mapping[str, Any]) -> Call:
    """The request in a payload; what is missing is empty."""
    view = body.get("view") or {}
    place = _place(body, view)
    channel, meta = body.get("channel_id") or _id(body, "channel"), ViewMeta()
    if place in {Place.MODAL, Place.SUBMISSION}:
        meta = ViewMeta.of(view)
        channel = meta.channel
    return Call(
        team=body.get("team_id") or _id(body, "team") or _id(body, "enterprise"),
        user=body.get("user_id") or _id(body, "user") or _event_user(body),
        place=place,
        channel=channel,
        trigger=body.get("trigger_id") or "",
        response_url=body.get("response_url") or "",
        view_id=view.get("id") or "",
        view_hash=view.get("hash") or "",
        listing=meta.listing,
    )


def _place(body: Mapping[str, Any], view: Mapping[str, Any]) -> Place:
    if "command" in body:
        return Place.COMMAND
    if "event" in body:
        return Place.EVENT
    if body.get("type") in {"view_submission", "view_closed"}:
        return Place.SUBMISSION
    if view:
        return Place.HOME if view.get("type") == "home" else Place.MODAL
    hidden = (body.get("container") or {}).get("is_ephemeral")
    return Place.EPHEMERAL if hidden else Place.POSTED


def _id(body: Mapping[str, Any], key: str) -> str:
    found = body.get(key)
    return str(found.get("id") or "") if isinstance(found, Mapping) else ""


def _event_user(body: Mapping[str, Any]) -> str:
    user = (body.get("event") or {}).get("user")
    return user if isinstance(user, str) else ""
