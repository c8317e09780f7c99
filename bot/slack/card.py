"""An answer that can stand in a message or in a modal: its text says everything its blocks show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bot.slack import ids
from bot.slack.blocks import Block, modal, sections
from bot.slack.metadata import ViewMeta
from bot.slack.text import fit

TEXT_LIMIT: Final = 4000
FALLBACK_LIMIT: Final = 300
MESSAGE_BLOCKS: Final = 50


@dataclass(frozen=True, slots=True)
class Card:
    """`title` heads the modal (24 characters); `close` labels its closing button.

    With `watched`, closing the modal is told to us under `callback_id`. With a `color`, the message
    has a bar of it beside all but its first block.
    """

    title: str
    text: str
    blocks: tuple[Block, ...]
    close: str = "Close"
    callback_id: str = ids.CARD
    watched: bool = False
    meta: ViewMeta = field(default_factory=ViewMeta)
    color: str = ""

    def message(self) -> dict[str, Any]:
        text, blocks = fit(self.text, TEXT_LIMIT), list(self.blocks[:MESSAGE_BLOCKS])
        if not self.color:
            return {"text": text, "blocks": blocks}
        # The bar is the one thing that attachments are still good for.
        fallback = fit(self.text, FALLBACK_LIMIT)
        bar = {"color": self.color, "fallback": fallback, "blocks": blocks[1:]}
        return {"text": text, "blocks": blocks[:1], "attachments": [bar]}

    def view(self, channel: str = "") -> dict[str, Any]:
        meta = self.meta if self.meta.channel else replace(self.meta, channel=channel)
        return modal(
            self.title,
            self.blocks,
            callback_id=self.callback_id,
            metadata=meta.dump(),
            close=self.close,
            notify_on_close=self.watched,
        )


def say(title: str, *lines: str, buttons: Sequence[Block] = (), close: str = "Close") -> Card:
    """A card of a few lines of markup, and blocks of buttons below them."""
    return Card(title, "\n".join(lines), (*sections(lines), *buttons), close)
