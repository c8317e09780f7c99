"""Where somebody acts: a modal, the Home tab or a message, all with blocks and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slackd import payloads
from bot.sandbox.slackd.messages import all_blocks
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.refusal import JSON, Impossible
from bot.sandbox.slackd.state import Values, carried
from bot.sandbox.slackd.validate import options_in
from bot.sandbox.slackd.views import View
from bot.sandbox.slackd.world import Message


@dataclass(slots=True)
class Place:
    """Either `view` or `message` is set. `values` is the live state, changed in place."""

    parts: Parts
    blocks: list[JSON]
    values: Values = field(repr=False)
    view: View | None = None
    message: Message | None = None
    offered: dict[tuple[str, str], list[JSON]] = field(default_factory=dict, repr=False)

    @property
    def view_id(self) -> str | None:
        """The modal a trigger belongs to; a Home tab is none."""
        return self.view.id if self.view and self.view.body["type"] == "modal" else None

    def describe(self, payload: JSON) -> JSON:
        """`payload` with the keys that say where it happened."""
        if self.view is not None:
            return payloads.in_view(payload, self.parts.views.payload(self.view))
        assert self.message is not None
        return payloads.in_message(self.parts.world, payload, self.message, self.values)

    def offer(self, block_id: str, action_id: str, answer: JSON) -> None:
        """Remember what a search offered; only that, or what is picked already, can be picked."""
        self.offered[block_id, action_id] = options_in(answer)

    def check_offered(self, block_id: str, action_id: str, value: Any) -> None:
        """Raises Impossible for an option nobody offered."""
        chosen = value if isinstance(value, list) else [value]
        now = self.values.get(block_id, {}).get(action_id, {})
        picked = [*(now.get("selected_options") or []), now.get("selected_option")]
        known = [*self.offered.get((block_id, action_id), []), *picked]
        if any(option is not None and option not in known for option in chosen):
            raise Impossible("That option was not offered.")


def place_of(parts: Parts, user_id: str, container: Mapping[str, Any]) -> Place:
    """The place a client names; raises Impossible when this person does not see it."""
    match container.get("type"):
        case "view":
            view = parts.views.get(user_id, str(container.get("view_id")))
        case "home":
            home = parts.views.homes.get(user_id)
            if home is None:
                raise Impossible("The Home tab is empty.")
            view = home
        case "message":
            channel, ts = str(container.get("channel")), str(container.get("ts"))
            return _message_place(parts, user_id, channel, ts)
        case _:
            raise Impossible("Say where: a view, home or a message.")
    return Place(parts, view.blocks, view.values, view=view, offered=view.offered)


def _message_place(parts: Parts, user_id: str, channel_id: str, ts: str) -> Place:
    channel = next((c for c in parts.world.visible(user_id) if c.id == channel_id), None)
    message = channel.find(ts) if channel else None
    if message is None or message.ephemeral_to not in {None, user_id}:
        raise Impossible("That message is gone.")
    blocks = all_blocks(message)
    values = carried(blocks, message.state.get(user_id, {}))
    message.state[user_id] = values
    offered = message.offered.setdefault(user_id, {})
    return Place(parts, blocks, values, message=message, offered=offered)
