"""Moments as text: how the states of this package stand in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
"""What `to_json` answers: only texts, numbers, booleans, None, and lists and dicts of these."""


def written(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, or None."""
    return None if at is None else at.astimezone(UTC).isoformat()


def read(stored: Mapping[str, Any], key: str) -> datetime | None:
    """The moment stored under `key`, aware and in UTC; None when absent (an older row)."""
    text = stored.get(key)
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
