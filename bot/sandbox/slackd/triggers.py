"""Trigger ids: permission to open a modal, good once and for three seconds."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.slackd.limits import TRIGGER_SECONDS
from bot.sandbox.slackd.refusal import Refusal


@dataclass(slots=True)
class Trigger:
    """Who acted, and in which modal if in one."""

    user_id: str
    view_id: str | None
    issued: float
    used: bool = False


class Triggers:
    """`monotonic` is real time even when the bot's clock is moved."""

    def __init__(self, monotonic: Callable[[], float], seconds: float = TRIGGER_SECONDS) -> None:
        self._monotonic = monotonic
        self._seconds = seconds
        self._issued: dict[str, Trigger] = {}

    def issue(self, user_id: str, view_id: str | None = None) -> str:
        now = self._monotonic()
        # Spent ones are kept for a minute, to answer expired and exchanged apart.
        self._issued = {k: t for k, t in self._issued.items() if now - t.issued < 60}
        trigger_id = (
            f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        )
        self._issued[trigger_id] = Trigger(user_id, view_id, now)
        return trigger_id

    def redeem(self, trigger_id: str) -> Trigger:
        """Raises `invalid_trigger_id`, `expired_trigger_id` or `exchanged_trigger_id`."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self._monotonic() - trigger.issued > self._seconds:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger
