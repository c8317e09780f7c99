"""The part of the settings that says how a workspace wants to be told: hours, days, escalation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Any, Final

from bot.core.preferences import HOURS_MAX, Preferences
from bot.core.worktime import parse_time
from bot.errors import InvalidInput
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    Element,
    choice,
    divider,
    input_block,
    number_input,
    option,
    section,
    text_input,
)

Values = Mapping[str, tuple[str, ...]]

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NEVER: Final = "never"
ALONE, SECOND = "alone", "second"
ANYWHERE, PAGE = "anywhere", "page"
QUIET: Final = "Give both ends, such as 20:00-08:00, or leave it blank."
BOTH: Final = "Choose a channel or a user group, not both."
GROUPS_SHOWN: Final = 100


def preference_blocks(preferences: Preferences, groups: Sequence[tuple[str, str]]) -> list[Block]:
    """`groups` are the ids and handles of the user groups that may be escalated to."""
    return [
        divider(),
        section("*Alerts and reminders*"),
        _field("time_zone", "Time zone", text_input(initial=preferences.time_zone, limit=60),
               hint="Such as Europe/Paris. Hours and days below are told in it."),
        _field("quiet", "Quiet hours",
               text_input(initial=_quiet(preferences), placeholder="20:00-08:00", limit=20),
               hint="Hold back reminders, and alerts of what is not production.", optional=True),
        _field("remind_hours", "Remind of an alert that nobody took after (hours)",
               _hours(preferences.remind_hours), hint="Blank for never.", optional=True),
        _field("escalate_hours", "Escalate it after (hours)",
               _hours(preferences.escalate_hours), hint="Blank for never.", optional=True),
        _field("escalation_channel", "Escalate to a channel", _channel(preferences.escalation),
               hint="Invite Registrar to it. Neither chosen: to the alert channel.", optional=True),
        *_group(preferences.escalation, groups),
        _field("work_start", "Working day begins at",
               text_input(initial=f"{preferences.work_start:%H:%M}", limit=5),
               hint="Reminders of what expires come then."),
        _field("work_days", "Working days", _days(preferences)),
        _field("weekly_day", "Weekly summary on", _weekly(preferences)),
        _field("weekly_hour", "Weekly summary at (hour)",
               number_input(ids.TYPED, least=0, most=23, initial=preferences.weekly_hour)),
        _field("four_eyes", "Rotations by Registrar itself", _eyes(preferences)),
        _field("secrets", "Secrets are entered", _places(preferences),
               hint="What is entered on the page does not pass through Slack."),
    ]  # fmt: skip


def wanted_preferences(typed: Values, shown: set[str], before: Preferences) -> Preferences:
    """What the form says; a group stays as it was when the form could not show any.

    Raises InvalidInput on the fields of the form.
    """
    problems: dict[str, str] = {}
    quiet = _read_quiet(_one(typed, "quiet"), problems)
    work_start = _read_start(_one(typed, "work_start"), problems)
    group = _one(typed, "escalation_group")
    if "escalation_group" not in shown and before.escalation.startswith("S"):
        group = before.escalation
    channel = _one(typed, "escalation_channel")
    if channel and group:
        problems["escalation_channel"] = BOTH
    if problems:
        raise InvalidInput(problems)
    page = _one(typed, "secrets") == PAGE if "secrets" in shown else before.secrets_on_page
    day = _one(typed, "weekly_day")
    return replace(
        before,
        time_zone=_one(typed, "time_zone").strip() or before.time_zone,
        quiet_from=quiet[0],
        quiet_to=quiet[1],
        remind_hours=_whole(_one(typed, "remind_hours")),
        escalate_hours=_whole(_one(typed, "escalate_hours")),
        escalation=channel or group,
        work_start=work_start,
        work_days=frozenset(int(one) for one in typed.get("work_days", ())),
        weekly_day=int(day) if day.isdecimal() else None,
        weekly_hour=_whole(_one(typed, "weekly_hour")) or 0,
        four_eyes=_one(typed, "four_eyes") == SECOND,
        secrets_on_page=page,
    )


def _field(name: str, label: str, element: Element, **more: Any) -> Block:
    return input_block(ids.field_block(name), label, element, **more)


def _hours(initial: int | None) -> Element:
    return number_input(ids.TYPED, least=1, most=HOURS_MAX, initial=initial)


def _channel(escalation: str) -> Element:
    element: Element = {
        "type": "conversations_select",
        "action_id": ids.TYPED,
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    if escalation.startswith(("C", "G")):
        element["initial_conversation"] = escalation
    return element


def _group(escalation: str, groups: Sequence[tuple[str, str]]) -> list[Block]:
    named = dict(groups[:GROUPS_SHOWN])
    if escalation.startswith("S") and escalation not in named:
        named = {escalation: escalation, **dict(groups[: GROUPS_SHOWN - 1])}
    if not named:
        return []
    options = [option(f"@{handle}", group) for group, handle in named.items()]
    element = choice("static_select", ids.TYPED, options, escalation)
    return [_field("escalation_group", "Or to a user group", element, optional=True)]


def _days(preferences: Preferences) -> Element:
    options = [option(name, str(number)) for number, name in enumerate(DAYS)]
    element: Element = {
        "type": "multi_static_select",
        "action_id": ids.TYPED,
        "options": options,
    }
    chosen = [options[day] for day in sorted(preferences.work_days) if day in range(7)]
    if chosen:
        element["initial_options"] = chosen
    return element


def _weekly(preferences: Preferences) -> Element:
    options = [option("Never", NEVER)]
    options += [option(name, str(number)) for number, name in enumerate(DAYS)]
    day = preferences.weekly_day
    return choice("static_select", ids.TYPED, options, NEVER if day is None else str(day))


def _eyes(preferences: Preferences) -> Element:
    options = [
        option("Begin when due", ALONE),
        option("A second manager approves each, and revoking", SECOND),
    ]
    return choice("radio_buttons", ids.TYPED, options, SECOND if preferences.four_eyes else ALONE)


def _places(preferences: Preferences) -> Element:
    options = [
        option("In Slack or on the page outside Slack", ANYWHERE),
        option("Only on the page", PAGE),
    ]
    chosen = PAGE if preferences.secrets_on_page else ANYWHERE
    return choice("radio_buttons", ids.TYPED, options, chosen)


def _quiet(preferences: Preferences) -> str:
    begin, end = preferences.quiet_from, preferences.quiet_to
    return f"{begin:%H:%M}-{end:%H:%M}" if begin and end else ""


def _read_quiet(text: str, problems: dict[str, str]) -> tuple[time | None, time | None]:
    wanted = text.replace("–", "-").replace(" to ", "-").strip()
    if not wanted:
        return None, None
    begin, _, end = wanted.partition("-")
    try:
        return parse_time(begin), parse_time(end)
    except InvalidInput:
        problems["quiet"] = QUIET
        return None, None


def _read_start(text: str, problems: dict[str, str]) -> time:
    try:
        return parse_time(text)
    except InvalidInput as error:
        problems["work_start"] = error.fields["time"]
        return time(9, 30)


def _one(typed: Values, name: str) -> str:
    found = typed.get(name, ())
    return found[0] if found else ""


def _whole(text: str) -> int | None:
    """The number that was typed, None for a blank; -1, which is refused, for anything else."""
    wanted = text.strip()
    if not wanted:
        return None
    return int(wanted) if wanted.isdecimal() and len(wanted) < 9 else -1
