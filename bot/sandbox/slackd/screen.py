"""What one person sees: the dialog on top, or the Home tab, or a channel, as readable text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.sandbox.slackd.messages import all_blocks
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.plain import Plain
from bot.sandbox.slackd.refusal import JSON
from bot.sandbox.slackd.snapshot import seen_by
from bot.sandbox.slackd.state import carried, walk
from bot.sandbox.slackd.views import View
from bot.sandbox.slackd.world import Message

HOME: Final = "home"
SHOWN: Final = 30
"""Messages of a channel that fit the screen."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something to click or fill in: the element, its block, and where it is."""

    container: Mapping[str, Any]
    block: JSON
    element: JSON


class Screen:
    """The screen of each person; `place` is the id of a channel or `home`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._places: dict[str, str] = {}
        self.plain = Plain(parts.world)

    def place(self, user_id: str) -> str:
        return self._places.get(user_id, self._parts.world.visible(user_id)[0].id)

    def go(self, user_id: str, place: str) -> None:
        self._places[user_id] = place

    def top(self, user_id: str) -> View | None:
        """The dialog on top, if any; it covers all else."""
        stack = self._parts.views.stack(user_id)
        return stack[-1] if stack else None

    def messages(self, user_id: str) -> list[Message]:
        """The messages of the person's channel, oldest first."""
        channel = self._parts.world.channels[self.place(user_id)]
        return seen_by(channel, user_id)[-SHOWN:]

    def targets(self, user_id: str) -> list[Target]:
        """What can be acted on; in a channel the newest message comes first."""
        view = self.top(user_id)
        if view is None and self.place(user_id) == HOME:
            view = self._parts.views.homes.get(user_id)
            return _targets({"type": HOME}, view.blocks) if view else []
        if view is not None:
            return _targets({"type": "view", "view_id": view.id}, view.blocks)
        return [
            target
            for message in reversed(self.messages(user_id))
            for target in _targets(
                {"type": "message", "channel": message.channel, "ts": message.ts},
                all_blocks(message),
            )
        ]

    def describe(self, user_id: str) -> JSON:
        """`where`, `text`, and for a dialog its `title`, `errors`, `trouble` and `busy`."""
        view = self.top(user_id)
        if view is not None:
            return {
                "where": "modal",
                "title": self.plain.text(view.body["title"]),
                "text": self._view_text(view),
                "errors": dict(view.errors),
                "trouble": view.trouble,
                "busy": view.busy,
                "depth": len(self._parts.views.stack(user_id)),
                "callback_id": view.body["callback_id"],
            }
        if self.place(user_id) == HOME:
            home = self._parts.views.homes.get(user_id)
            text = self._view_text(home) if home else ""
            return {"where": HOME, "text": text}
        channel = self._parts.world.channels[self.place(user_id)]
        messages = self.messages(user_id)
        return {
            "where": f"#{channel.name}" if channel.kind == "channel" else "dm",
            "text": "\n\n".join(self._message_text(m, user_id) for m in messages),
            "messages": [
                {"ts": m.ts, "text": m.text, "ephemeral": m.ephemeral_to is not None}
                for m in messages
            ],
        }

    def _view_text(self, view: View) -> str:
        lines = [view.trouble] if view.trouble else []
        if view.body["type"] == "modal":
            lines.append(f"== {self.plain.text(view.body['title'])} ==")
        lines += self.plain.blocks(view.blocks, view.values, view.errors)
        footer = [self.plain.text(view.body[key]) for key in ("close", "submit") if view.body[key]]
        if footer:
            lines.append("  ".join(f"[{words}]" for words in footer))
        return "\n".join(lines)

    def _message_text(self, message: Message, user_id: str) -> str:
        author = self._parts.world.users[message.user].real_name
        marks = " (only visible to you)" if message.ephemeral_to else ""
        marks += " (edited)" if message.edited else ""
        marks += " (in a thread)" if message.thread_ts else ""
        blocks = all_blocks(message)
        values = carried(blocks, message.state.get(user_id, {}))
        body = self.plain.blocks(blocks, values, {}) or [self.plain.text(message.text)]
        files = [f"(file: {self._parts.uploads.files[name].title})" for name in message.files]
        return "\n".join([f"{author}{marks}:", *body, *files])


def _targets(container: Mapping[str, Any], blocks: list[JSON]) -> list[Target]:
    return [Target(container, block, element) for block, element in walk(blocks)]
