"""States kept as JSON with a registry; what cannot be read is a fresh one, not an error."""

from __future__ import annotations

import json

from bot.core.health import Health
from bot.core.pause import Pause
from bot.store.schema import Registry


def stored_health(text: str) -> Health:
    """What is remembered of a registry's checks."""
    if text == "{}":
        return Health()
    try:
        return Health.from_json(json.loads(text))
    except (ValueError, TypeError, AttributeError):
        return Health()


def pause_of(row: Registry) -> Pause | None:
    """The maintenance window of a registry, also one that is over."""
    if row.pause_json == "{}":
        return None
    try:
        return Pause.from_json(json.loads(row.pause_json))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
