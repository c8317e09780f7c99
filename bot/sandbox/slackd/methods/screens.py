"""views.*: modals and the Home tab."""

from __future__ import annotations

from typing import Final

from bot.sandbox.slackd.calls import Args
from bot.sandbox.slackd.methods.method import Method
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.refusal import JSON, Refusal
from bot.sandbox.slackd.triggers import Trigger
from bot.sandbox.slackd.validate import refuse_view
from bot.sandbox.slackd.views import View


def _view(args: Args, *, home: bool = False) -> JSON:
    args.need("view")
    view = args.structure("view")
    refuse_view(view, home=home)
    body: JSON = view
    return body


def _trigger(parts: Parts, args: Args) -> Trigger:
    return parts.triggers.redeem(args.get("trigger_id") or args.need("interactivity_pointer"))


def _answer(parts: Parts, view: View) -> JSON:
    return {"view": parts.views.payload(view)}


def open_view(parts: Parts, args: Args) -> JSON:
    body = _view(args)
    trigger = _trigger(parts, args)
    if trigger.view_id is not None:
        # Opened from inside a modal, a view goes on top of it.
        return _answer(parts, parts.views.push(parts.views.find(trigger.view_id), body))
    return _answer(parts, parts.views.open(trigger.user_id, body))


def push(parts: Parts, args: Args) -> JSON:
    body = _view(args)
    trigger = _trigger(parts, args)
    if trigger.view_id is None:
        raise Refusal("invalid_trigger_id", "views.push needs a trigger from inside a modal")
    return _answer(parts, parts.views.push(parts.views.find(trigger.view_id), body))


def update(parts: Parts, args: Args) -> JSON:
    body = _view(args)
    if "view_id" not in args and "external_id" not in args:
        raise Refusal("invalid_arguments", "missing required field: view_id or external_id")
    view = parts.views.find(args.get("view_id"), args.get("external_id"))
    if view.body["type"] != body["type"]:
        raise Refusal("invalid_arguments", "a Home tab is changed with views.publish")
    return _answer(parts, parts.views.update(view, body, args.get("hash") or None))


def publish(parts: Parts, args: Args) -> JSON:
    body = _view(args, home=True)
    user = parts.world.user(args.need("user_id"))
    return _answer(parts, parts.views.publish(user.id, body, args.get("hash") or None))


SCREENS: Final = {
    "views.open": Method(open_view, tier=4),
    "views.push": Method(push, tier=4),
    "views.update": Method(update, tier=4),
    "views.publish": Method(publish, tier=4),
}
