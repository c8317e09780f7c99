"""Until which day an alert is snoozed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

from bot.core.incident import SNOOZE_LONGEST
from bot.core.preferences import Preferences
from bot.core.worktime import moment as in_zone
from bot.errors import InvalidInput
from bot.slack import ids
from bot.slack.blocks import input_block, modal
from bot.slack.metadata import ViewMeta

FIELD: Final = "until"
WRONG: Final = "Choose a day after today, at most 90 days from now."


def snooze_form(
    alert: str, channel: str, now: datetime, preferences: Preferences
) -> dict[str, Any]:
    """`alert` is the incident and the version that was on the screen."""
    tomorrow = now.astimezone(preferences.zone).date() + timedelta(days=1)
    picker = {
        "type": "datepicker",
        "action_id": ids.TYPED,
        "initial_date": tomorrow.isoformat(),
    }
    start = f"{preferences.work_start:%H:%M}"
    hint = f"It is woken at {start} ({preferences.time_zone}) on that day, if it still fails."
    return modal(
        "Snooze an alert",
        [input_block(ids.field_block(FIELD), "Until", picker, hint=hint)],
        callback_id=ids.SNOOZE_FORM,
        metadata=ViewMeta(channel, alert=alert).dump(),
        submit="Snooze",
        close="Cancel",
    )


def snooze_until(text: str, now: datetime, preferences: Preferences) -> datetime:
    """The start of work on the day that was picked; InvalidInput on field `until`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput({FIELD: WRONG}) from None
    until = in_zone(day, preferences.work_start, preferences.zone)
    if not now < until <= now + SNOOZE_LONGEST:
        raise InvalidInput({FIELD: WRONG})
    return until
