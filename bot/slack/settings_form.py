"""The form of the workspace's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.core.access import MINUTES_MAX, MINUTES_MIN, WorkspaceSettings
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    Element,
    actions,
    button,
    context,
    input_block,
    modal,
    number_input,
    option,
    option_group,
    section,
)
from bot.slack.card import Card, say
from bot.slack.metadata import ViewMeta
from bot.slack.preferences_form import preference_blocks, wanted_preferences
from bot.slack.state import values_of

GROUPS_AT_MOST: Final = 1_000
PER_GROUP: Final = 100
FIRST: Final = (
    "Say which channel hears Registrar's news, and who manages registries. "
    "Anyone except guests may do this once; from then on managers may."
)
LATER: Final = "Managers change things; everyone may list, show and test."
NO_GROUPS: Final = "Slack named no user groups; they can be chosen once there are some."


def settings_form(
    settings: WorkspaceSettings, groups: Sequence[tuple[str, str]], channel: str
) -> dict[str, Any]:
    """`groups` are the ids and handles of the workspace's user groups."""
    blocks: list[Block] = [
        section(LATER if settings.configured else f"{FIRST} {LATER}"),
        _channel(settings),
        input_block(
            ids.field_block("recheck_minutes"),
            "Check every (minutes)",
            number_input(
                ids.TYPED, least=MINUTES_MIN, most=MINUTES_MAX, initial=settings.recheck_minutes
            ),
        ),
        input_block(
            ids.field_block("rotate_days"),
            "Rotate credentials every (days)",
            number_input(ids.TYPED, least=0, most=3650, initial=settings.rotate_days),
            hint="What a new registry starts with; 0 means never.",
        ),
        _managers(settings),
        *_groups(settings, groups),
        context("Slack admins and owners are managers always."),
        *preference_blocks(settings.preferences, groups),
    ]
    return modal(
        "Settings",
        blocks,
        callback_id=ids.SETTINGS_FORM,
        metadata=ViewMeta(channel, version=settings.version).dump(),
        submit="Save",
        close="Cancel",
    )


def wanted_settings(view: Mapping[str, Any], before: WorkspaceSettings) -> WorkspaceSettings:
    """What the form says; user groups stay as they were when the form could not show them.

    Raises InvalidInput on the fields of the form.
    """
    typed = values_of(view)
    shown = {ids.field_of(str(block.get("block_id", ""))) for block in view.get("blocks", [])}
    groups = typed.get("manager_groups", ()) if "manager_groups" in shown else before.manager_groups
    return WorkspaceSettings(
        alert_channel="".join(typed.get("alert_channel", ())),
        recheck_minutes=_whole(typed.get("recheck_minutes", ())),
        rotate_days=_whole(typed.get("rotate_days", ())),
        manager_users=typed.get("manager_users", ()),
        manager_groups=groups,
        preferences=wanted_preferences(typed, shown, before.preferences),
        configured=True,
        version=ViewMeta.of(view).version,
    )


def saved_card(settings: WorkspaceSettings, problem: str = "") -> Card:
    """What was saved; `problem` says why the alert channel cannot be written to."""
    news = (
        f"News go to <#{settings.alert_channel}>."
        if settings.alert_channel
        else "Nobody is told news: no alert channel is chosen."
    )
    lines = ["*Settings saved*", news]
    if problem:
        lines.append(problem)
    lines.append(
        f"Credentials are checked every {settings.recheck_minutes:,} minutes. "
        f"{_who(settings)}, and Slack admins, manage registries."
    )
    add = button("Add a registry", ids.ADD, "-", style="primary")
    return say("Settings", *lines, buttons=[actions(add)], close="Done")


def _channel(settings: WorkspaceSettings) -> Block:
    element: Element = {
        "type": "conversations_select",
        "action_id": ids.TYPED,
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    if settings.alert_channel:
        element["initial_conversation"] = settings.alert_channel
    return input_block(
        ids.field_block("alert_channel"),
        "Alert channel",
        element,
        hint="Invite Registrar to it, so that it may write there.",
        optional=True,
    )


def _managers(settings: WorkspaceSettings) -> Block:
    element: Element = {"type": "multi_users_select", "action_id": ids.TYPED}
    if settings.manager_users:
        element["initial_users"] = list(settings.manager_users)
    return input_block(ids.field_block("manager_users"), "Managers", element, optional=True)


def _groups(settings: WorkspaceSettings, groups: Sequence[tuple[str, str]]) -> list[Block]:
    named = dict(groups[:GROUPS_AT_MOST])
    named |= {group: group for group in settings.manager_groups if group not in named}
    if not named:
        return [context(NO_GROUPS)]
    options = {group: option(f"@{handle}", group) for group, handle in named.items()}
    element: Element = {"type": "multi_static_select", "action_id": ids.PICK_GROUPS}
    if len(options) <= PER_GROUP:
        element["options"] = list(options.values())
    else:
        element["option_groups"] = _portions(list(options.values()))
    chosen = [options[group] for group in settings.manager_groups]
    if chosen:
        element["initial_options"] = chosen
    label = "User groups that manage"
    return [input_block(ids.field_block("manager_groups"), label, element, optional=True)]


def _portions(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Slack takes a hundred options in a group, and a hundred groups."""
    portions = [options[at : at + PER_GROUP] for at in range(0, len(options), PER_GROUP)]
    return [
        option_group(f"{part[0]['text']['text']} … {part[-1]['text']['text']}", part)
        for part in portions
    ]


def _who(settings: WorkspaceSettings) -> str:
    named = [f"<@{user}>" for user in settings.manager_users[:10]]
    named += [f"<!subteam^{group}>" for group in settings.manager_groups[:10]]
    return ", ".join(named) or "Nobody else"


def _whole(values: tuple[str, ...]) -> int:
    """The number that was typed; -1 for anything else, which the use case refuses on its field."""
    text = "".join(values).strip()
    return int(text) if text.isdecimal() and len(text) < 9 else -1
