"""Planned work: for how long a registry is checked without alerts, by whom and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from bot.core.timestamp import Json, read, written
from bot.errors import InvalidInput

SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=30)

_UNITS: Final = {"w": 7 * 86_400, "d": 86_400, "h": 3_600, "m": 60}
_PARTS: Final = re.compile(
    r"(\d{1,6}) ?(weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m)(?:,? ?(?:and )?)", re.ASCII
)


def parse_duration(text: str) -> timedelta:
    """`2h`, `30m`, `1d`, `1h30m`, `1w`, `2 hours`: from a minute to 30 days.

    Raises InvalidInput on field `duration`; each unit may be given once.
    """
    wanted = text.strip().lower().removeprefix("for ").strip()
    total, place, seen = 0, 0, set[str]()
    while match := _PARTS.match(wanted, place):
        number, unit = match[1], match[2][0]
        if unit in seen:
            break
        seen.add(unit)
        total += int(number) * _UNITS[unit]
        place = match.end()
    if not seen or place != len(wanted):
        raise InvalidInput({"duration": "Give a time such as 30m, 2h, 1h30m or 1d."})
    if not SHORTEST.total_seconds() <= total <= LONGEST.total_seconds():
        raise InvalidInput({"duration": "Give a time from 1 minute to 30 days."})
    return timedelta(seconds=total)


@dataclass(frozen=True, slots=True)
class Pause:
    """A maintenance window; `by` is a Slack user id, `reason` what they typed."""

    since: datetime
    until: datetime
    by: str
    reason: str

    def holds(self, now: datetime) -> bool:
        return self.since <= now < self.until

    def to_json(self) -> Json:
        return {
            "since": written(self.since),
            "until": written(self.until),
            "by": self.by,
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Pause | None:
        """The stored window; None for an empty dict, which stands for no window."""
        since, until = read(stored, "since"), read(stored, "until")
        if since is None or until is None:
            return None
        return cls(since, until, by=str(stored["by"]), reason=str(stored["reason"]))


def pause(text: str, by: str, reason: str, now: datetime) -> Pause:
    """The window that `/registry pause NAME for TEXT` asks for; InvalidInput as above."""
    return Pause(since=now, until=now + parse_duration(text), by=by, reason=reason.strip()[:300])
