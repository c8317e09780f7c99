"""How a workspace wants to be told: its hours, who is reminded when, and the weekly summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.core.incident import Rules
from bot.core.timestamp import Json, read, written
from bot.core.worktime import MONDAY_TO_FRIDAY, QuietHours, WorkHours, parse_time, parse_zone
from bot.errors import InvalidInput

HOURS_MAX: Final = 30 * 24


@dataclass(frozen=True, slots=True)
class Preferences:
    """What `/registry settings` asks besides the channel; stored as JSON with the workspace.

    `time_zone` is an IANA name. Quiet hours hold when both ends are given. `remind_hours` and
    `escalate_hours` count from an alert that nobody took; None switches off. `escalation` is a
    Slack channel, user group or user id; empty means the alert channel. `weekly_day` counts from
    Monday = 0; None: no weekly summary. `installer` is the user id that alerts go to when neither
    channel nor owner can be reached. Until `freeze_until` no credential is rotated by itself; with
    `four_eyes` a second manager approves each such rotation. With `secrets_on_page` no secret is
    taken through Slack.
    """

    time_zone: str = "UTC"
    quiet_from: time | None = None
    quiet_to: time | None = None
    remind_hours: int | None = 4
    escalate_hours: int | None = 24
    escalation: str = ""
    work_start: time = time(9, 30)
    work_days: frozenset[int] = field(default=MONDAY_TO_FRIDAY)
    weekly_day: int | None = 0
    weekly_hour: int = 9
    installer: str = ""
    freeze_until: datetime | None = None
    freeze_reason: str = ""
    four_eyes: bool = False
    secrets_on_page: bool = False

    @property
    def zone(self) -> ZoneInfo:
        """The time zone; UTC when this machine does not know the name."""
        try:
            return parse_zone(self.time_zone)
        except InvalidInput:
            return parse_zone("UTC")

    @property
    def quiet(self) -> QuietHours | None:
        if self.quiet_from is None or self.quiet_to is None or self.quiet_from == self.quiet_to:
            return None
        return QuietHours(self.zone, self.quiet_from, self.quiet_to)

    @property
    def work_hours(self) -> WorkHours:
        days = self.work_days or MONDAY_TO_FRIDAY
        return WorkHours(self.zone, start=self.work_start, days=days)

    @property
    def rules(self) -> Rules:
        """What the life of an incident keeps to."""
        return Rules(_hours(self.remind_hours), _hours(self.escalate_hours), self.quiet)

    def problems(self) -> dict[str, str]:
        """What is wrong with them: a sentence by field; empty when all is well."""
        found: dict[str, str] = {}
        try:
            parse_zone(self.time_zone)
        except InvalidInput as error:
            found["time_zone"] = error.fields["zone"]
        if (self.quiet_from is None) is not (self.quiet_to is None):
            found["quiet_to"] = "Give both ends of the quiet hours, or neither."
        for name in ("remind_hours", "escalate_hours"):
            hours = getattr(self, name)
            if hours is not None and not 1 <= hours <= HOURS_MAX:
                found[name] = f"Between 1 and {HOURS_MAX} hours, or blank for never."
        if not self.work_days or not self.work_days <= set(range(7)):
            found["work_days"] = "Choose at least one day."
        if self.weekly_day is not None and self.weekly_day not in range(7):
            found["weekly_day"] = "Choose a day, or none."
        if self.weekly_hour not in range(24):
            found["weekly_hour"] = "Between 0 and 23."
        return found

    def to_json(self) -> Json:
        """Only what differs from the defaults, so that a later default reaches old rows."""
        usual = Preferences()
        changed = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: _written(value)
            for name, value in changed.items()
            if value != getattr(usual, name)
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Preferences:
        """Preferences written by `to_json`; a value that cannot be read has its default."""
        found = {}
        for name, reader in _READERS.items():
            if name not in stored:
                continue
            try:
                found[name] = reader(stored[name])
            except (InvalidInput, TypeError, ValueError):
                continue
        return cls(**found)


def _hours(hours: int | None) -> timedelta | None:
    return None if hours is None else timedelta(hours=hours)


def _written(value: object) -> object:
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return sorted(value) if isinstance(value, frozenset) else value


def _text(value: object) -> str:
    return str(value)


def _maybe_time(value: object) -> time | None:
    return None if value is None else parse_time(str(value))


def _time(value: object) -> time:
    return parse_time(str(value))


def _maybe_number(value: Any) -> int | None:
    return None if value is None else int(value)


def _maybe_moment(value: Any) -> datetime | None:
    return read({"at": value}, "at")


def _days(value: Any) -> frozenset[int]:
    return frozenset(int(day) for day in value)


_READERS: Final[Mapping[str, Any]] = {
    "time_zone": _text,
    "quiet_from": _maybe_time,
    "quiet_to": _maybe_time,
    "remind_hours": _maybe_number,
    "escalate_hours": _maybe_number,
    "escalation": _text,
    "work_start": _time,
    "work_days": _days,
    "weekly_day": _maybe_number,
    "weekly_hour": int,
    "installer": _text,
    "freeze_until": _maybe_moment,
    "freeze_reason": _text,
    "four_eyes": bool,
    "secrets_on_page": bool,
}
