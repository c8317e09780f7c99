"""Modals as a stack per person, and each person's Home tab."""

from __future__ import annotations

import secrets
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from bot.sandbox.slackd import state
from bot.sandbox.slackd.limits import VIEW_STACK
from bot.sandbox.slackd.refusal import JSON, Impossible, Refusal
from bot.sandbox.slackd.validate import elements_of
from bot.sandbox.slackd.world import World

_DEFAULTS: Final[JSON] = {
    "private_metadata": "",
    "callback_id": "",
    "external_id": "",
    "clear_on_close": False,
    "notify_on_close": False,
    "close": None,
    "submit": None,
}


@dataclass(slots=True)
class View:
    """A modal or Home tab as it stands. `body` is the app's, `values` the person's.

    `errors` maps a block_id to the sentence on that field, `trouble` is Slack's own banner.
    `values` may hold secrets that were typed: it goes with the view and is never logged.
    """

    id: str
    user_id: str
    body: JSON
    hash: str
    root_id: str
    previous_id: str | None = None
    values: state.Values = field(default_factory=dict, repr=False)
    errors: dict[str, str] = field(default_factory=dict)
    trouble: str = ""
    busy: bool = False
    offered: dict[tuple[str, str], list[JSON]] = field(default_factory=dict, repr=False)

    @property
    def blocks(self) -> list[JSON]:
        blocks: list[JSON] = self.body["blocks"]
        return blocks


def named(blocks: list[JSON]) -> list[JSON]:
    """A copy of `blocks` where every block and element has an id; Slack makes up missing ones."""
    copies = deepcopy(blocks)
    _name(copies)
    return copies


def _name(blocks: list[JSON]) -> None:
    for block in blocks:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        for element, _ in elements_of(block):
            if element.get("type") not in {"image", "plain_text", "mrkdwn"}:
                element.setdefault("action_id", secrets.token_urlsafe(4))
        _name(block.get("child_blocks") or [])
        if block.get("type") == "carousel":
            _name(block.get("elements") or [])


class Views:
    """What is open for whom."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def stack(self, user_id: str) -> list[View]:
        """The person's open modals, bottom first."""
        return self._stacks.setdefault(user_id, [])

    def get(self, user_id: str, view_id: str) -> View:
        """A view of this person; raises Impossible when it is closed."""
        home = self.homes.get(user_id)
        shown = [*self.stack(user_id), *([home] if home else [])]
        for view in shown:
            if view.id == view_id:
                return view
        raise Impossible("That view is closed.")

    def find(self, view_id: str, external_id: str = "") -> View:
        """Any open view by id or external id; raises `not_found`."""
        for view in self._all():
            if view.id == view_id or (external_id and view.body["external_id"] == external_id):
                return view
        raise Refusal("not_found")

    def _all(self) -> list[View]:
        stacked = [view for stack in self._stacks.values() for view in stack]
        return [*stacked, *self.homes.values()]

    def open(self, user_id: str, body: JSON) -> View:
        """A new root modal. A client shows one stack at a time: an older one gives way."""
        self._external_free(body, None)
        view = self._new(user_id, body)
        self._stacks[user_id] = [view]
        self._world.changes.bump()
        return view

    def push(self, under: View, body: JSON) -> View:
        """A modal on top of `under`; raises `push_limit_reached` above three."""
        stack = self.stack(under.user_id)
        if len(stack) >= VIEW_STACK:
            raise Refusal("push_limit_reached")
        self._external_free(body, None)
        view = self._new(under.user_id, body)
        view.root_id, view.previous_id = under.root_id, stack[-1].id
        stack.append(view)
        self._world.changes.bump()
        return view

    def update(self, view: View, body: JSON, expected_hash: str | None = None) -> View:
        """Replace what `view` shows; raises `hash_conflict` when somebody was faster."""
        if expected_hash and expected_hash != view.hash:
            raise Refusal("hash_conflict")
        self._external_free(body, view)
        view.body = self._complete(body)
        view.hash = self._hash()
        view.values = state.carried(view.blocks, view.values)
        view.errors, view.trouble = {}, ""
        self._world.changes.bump()
        return view

    def publish(self, user_id: str, body: JSON, expected_hash: str | None = None) -> View:
        """Replace the Home tab of a person."""
        view = self.homes.get(user_id)
        if view is not None:
            return self.update(view, body, expected_hash)
        self._external_free(body, None)
        self.homes[user_id] = self._new(user_id, body)
        self._world.changes.bump()
        return self.homes[user_id]

    def close(self, view: View) -> None:
        stack = self.stack(view.user_id)
        if view in stack:
            stack.remove(view)
            self._world.changes.bump()

    def clear(self, user_id: str) -> None:
        self._stacks[user_id] = []
        self._world.changes.bump()

    def _external_free(self, body: JSON, own: View | None) -> None:
        wanted = body.get("external_id")
        taken = any(v.body["external_id"] == wanted for v in self._all() if v is not own)
        if wanted and taken:
            raise Refusal("duplicate_external_id")

    def _new(self, user_id: str, body: JSON) -> View:
        view_id = f"V{secrets.token_hex(5).upper()}"
        complete = self._complete(body)
        values = state.carried(complete["blocks"], {})
        return View(view_id, user_id, complete, self._hash(), root_id=view_id, values=values)

    def _complete(self, body: JSON) -> JSON:
        return {**_DEFAULTS, **body, "blocks": named(body["blocks"])}

    def _hash(self) -> str:
        return f"{self._world.next_ts().split('.')[0]}.{secrets.token_urlsafe(6)}"

    def payload(self, view: View) -> JSON:
        """The view object as the app gets it."""
        return {
            **view.body,
            "id": view.id,
            "team_id": self._world.team["id"],
            "state": {"values": deepcopy(view.values)},
            "hash": view.hash,
            "previous_view_id": view.previous_id,
            "root_view_id": view.root_id,
            "app_id": self._world.app.id,
            "app_installed_team_id": self._world.team["id"],
            "bot_id": self._world.app.bot_id,
        }
