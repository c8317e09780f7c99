"""The form that lets Registrar rotate a credential by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bot.core.rotation_schedule import DAYS_MOST
from bot.kinds.rotation.base import Strategy
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    actions,
    button,
    choice,
    input_block,
    modal,
    number_input,
    option,
    section,
    text_input,
)
from bot.slack.card import Card, say
from bot.slack.metadata import ViewMeta
from bot.slack.secret_blocks import leads_to_page, secret_blocks
from bot.slack.text import code, escape
from bot.slack.words import moment
from bot.usecases.rotation_policies import GRACE_HOURS_MOST, Diagnosis, PolicyView

ON, OFF = "on", "off"
WAYS: Final = {
    Strategy.DUAL: "The new credential works beside the old one until that is ended.",
    Strategy.IN_PLACE: "The provider ends the old secret when it makes the new one: whatever still "
    "uses the old one, fails from then on.",
}


def policy_meta(view: PolicyView, channel: str, *, page: bool) -> ViewMeta:
    """`page`: its secrets are entered on the page outside Slack."""
    kept = ",".join(one.name for one in view.fields) if view.held else ""
    return ViewMeta(
        channel, view.kind, editing=view.name, version=view.version, kept=kept, page=page,
        registry=view.registry_id,
    )  # fmt: skip


def policy_form(view: PolicyView, meta: ViewMeta, problems: Sequence[str] = ()) -> dict[str, Any]:
    """When it is rotated, what is needed for that, and a look at what is missing."""
    wanted = view.wanted
    assert view.strategy is not None
    rights = ", ".join(code(one.name) for one in view.rights) or "none besides its own"
    blocks: list[Block] = [section(f"⚠ {escape(each, 600)}") for each in problems]
    blocks += [
        section(
            f"*{code(view.name)}*\n{WAYS[view.strategy]}\nRights that this takes: {rights}. "
            "Rotations begin in working hours, and never in a freeze."
        ),
        actions(
            button("What would be done?", ids.ROTATION_DIAGNOSE, view.name),
            button("Rotate now", ids.ROTATION_NOW, view.name),
        ),
        _switch(on=wanted.enabled),
        _days("at_age_days", "Rotate at an age of (days)", wanted.at_age_days),
        _days("before_expiry_days", "Or before it expires by (days)", wanted.before_expiry_days),
        input_block(
            ids.field_block("lasts_days"),
            "Let the new one last (days)",
            number_input(ids.TYPED, least=1, most=365, initial=wanted.lasts_days),
            hint="Where the provider takes an end.",
        ),
        input_block(
            ids.field_block("grace_hours"),
            "Keep the old one for (hours)",
            number_input(ids.TYPED, least=0, most=GRACE_HOURS_MOST, initial=wanted.grace_hours),
        ),
    ]
    kept = "stored; leave blank to keep it" if view.held else ""
    blocks += [
        input_block(
            ids.field_block(one.name),
            one.label,
            text_input(ids.TYPED, placeholder=kept),
            optional=True,
            hint=one.hint or "What it is rotated with; used for nothing else.",
        )
        for one in ([] if meta.page else view.fields)
    ]
    blocks += secret_blocks(view.fields, meta)
    return modal(
        "Rotate by itself",
        blocks,
        callback_id=ids.POLICY_FORM,
        metadata=meta.dump(),
        submit="Continue" if leads_to_page(view.fields, meta) else "Save",
        close="Cancel",
    )


def policy_card(view: PolicyView) -> Card:
    """What holds now."""
    name = code(view.name)
    if view.unsuited:
        lines = [f"*{name} is not rotated by itself.* {escape(view.unsuited, 600)}"]
        return say("Rotation", *lines, buttons=[actions(button("Rotate", ids.ROTATE, view.name))])
    if not view.wanted.enabled:
        return say("Rotation", f"*{name} is not rotated by itself.*", close="Done")
    lines = [f"*🗝 {name} is rotated by itself*"]
    if view.next_at is not None:
        lines.append(f"Next {moment(view.next_at)}, unless it is frozen or rotated before.")
    else:
        lines.append("Nobody tells when it expires, so no time is known yet.")
    return say("Rotation", *lines, close="Done")


def diagnosis_card(found: Diagnosis) -> Card:
    """A dry run: what would be done, and what is missing for it."""
    lines = [f"*{code(found.name)}*, nothing was done"]
    lines += [f"{number}. {step}" for number, step in enumerate(found.steps, 1)]
    lines += [f"⚠ {escape(each, 600)}" for each in found.problems]
    if not found.problems:
        lines.append("✓ Nothing is missing.")
    lines += [escape(each, 600) for each in found.notes]
    return say("What would be done", *lines)


def _switch(*, on: bool) -> Block:
    options = [option("By itself", ON), option("By people only", OFF)]
    element = choice("radio_buttons", ids.TYPED, options, ON if on else OFF)
    return input_block(ids.field_block("enabled"), "Rotate this credential", element)


def _days(name: str, label: str, days: int | None) -> Block:
    element = number_input(ids.TYPED, least=1, most=DAYS_MOST, initial=days)
    return input_block(ids.field_block(name), label, element, optional=True)
