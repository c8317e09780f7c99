"""The form that leads through a rotation: four steps, with the vendor's own words for the kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from bot.core.reference import LONGEST
from bot.core.rotation import GRACE, GRACE_MOST
from bot.kinds.base import Field
from bot.kinds.guide import Guide, guide
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    Element,
    button,
    input_block,
    modal,
    number_input,
    section,
    text_input,
)
from bot.slack.expiry_words import noun
from bot.slack.metadata import ViewMeta
from bot.slack.secret_blocks import TO_PAGE, leads_to_page, secret_blocks, shown_fields
from bot.slack.text import code, escape
from bot.usecases.rotating import RotationForm
from bot.usecases.rotation_switch import Plan

SHARED_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class RotationState:
    """What the form shows: `typed` are answers that are not secret, `problems` sentences above.

    `automatic` says that the provider lets Registrar do it by itself.
    """

    form: RotationForm
    meta: ViewMeta
    plan: Plan = field(default_factory=Plan)
    typed: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    automatic: bool = False


def rotation_form(state: RotationState) -> dict[str, Any]:
    form = state.form
    words = guide(form.draft.answers.kind, form.host)
    blocks: list[Block] = [section(f"⚠ {escape(each, 600)}") for each in state.problems]
    if state.automatic:
        mine = button("Let Registrar do it", ids.ROTATION_POLICY, form.draft.editing)
        blocks.append(section("Registrar can do all of this by itself.", mine))
    blocks += [
        section(_first_step(form, words)),
        section("*2. Put it in here*"),
        *(_field_block(each, state) for each in shown_fields(form.fields, state.meta)),
        _expiry_block(state),
        *secret_blocks(form.fields, state.meta),
        section(_third_step(form)),
        _grace_block(state.plan),
        _switch_block(state.plan),
        section(_fourth_step(words)),
    ]
    return modal(
        "Rotate a credential",
        blocks,
        callback_id=ids.ROTATION_FORM,
        metadata=state.meta.dump(),
        submit=TO_PAGE if leads_to_page(form.fields, state.meta) else "Test and switch",
        close="Cancel",
    )


def _first_step(form: RotationForm, words: Guide) -> str:
    what = noun(form.draft.answers.kind)
    link = f" <{escape(words.url, 500)}|Open it>." if words.url else ""
    return (
        f"*{code(form.draft.editing)}*\n*1. Create a new {what}*\n"
        f"{escape(words.create, 600)}{link}\n"
        f"Rights: {escape(words.rights, 400)}. {escape(words.lasts, 200)}"
    )


def _third_step(form: RotationForm) -> str:
    text = (
        "*3. Registrar proves it*, by signing in and pulling, and only then puts it in force. The "
        "old one is kept as a way back."
    )
    if form.sharing:
        shown = ", ".join(code(name) for name in form.sharing[:SHARED_MOST])
        more = len(form.sharing) - SHARED_MOST
        rest = f" and {more:,} more" if more > 0 else ""
        text += f"\nThey share the old one and get the new one as well: {shown}{rest}."
    return text


def _fourth_step(words: Guide) -> str:
    return (
        "*4. Remove the old one*, once your deployments work.\n"
        f"{escape(words.remove, 400)} Registrar asks for it after the grace period, tries the old "
        "one until it is refused twice, and then destroys it here."
    )


def _field_block(asked: Field, state: RotationState) -> Block:
    kept = asked.secret and asked.name in state.meta.kept.split(",")
    stored = "" if _is_new(asked) else state.form.draft.answers.public.get(asked.name, "")
    element = text_input(
        ids.TYPED,
        # What we hold of a secret never goes back to Slack.
        initial="" if asked.secret else state.typed.get(asked.name, stored),
        placeholder="kept for 15 minutes" if kept else asked.placeholder,
        multiline=asked.multiline,
        limit=max(asked.max_length, LONGEST) if asked.secret else asked.max_length,
    )
    hint = "Kept for 15 minutes; leave blank to use it." if kept else asked.hint
    return input_block(
        ids.field_block(asked.name),
        asked.label,
        element,
        hint=hint,
        optional=kept or not asked.required,
    )


def _is_new(asked: Field) -> bool:
    """A key's id is another one for every key; a user name stays."""
    return asked.name in {"access_key_id", "access_key"}


def _expiry_block(state: RotationState) -> Block:
    element: Element = {"type": "datepicker", "action_id": ids.TYPED}
    if state.typed.get("expires_on"):
        element["initial_date"] = state.typed["expires_on"]
    hint = "When you know it and the provider does not tell."
    return input_block(
        ids.field_block("expires_on"), "Expires on", element, hint=hint, optional=True
    )


def _grace_block(plan: Plan) -> Block:
    most = GRACE_MOST // timedelta(hours=1)
    hours = plan.grace // timedelta(hours=1)
    element = number_input(ids.TYPED, least=0, most=most, initial=hours)
    hint = f"{GRACE // timedelta(hours=1)} hours are usual."
    return input_block(ids.field_block("grace"), "Keep the old one for (hours)", element, hint=hint)


def _switch_block(plan: Plan) -> Block:
    element: Element = {"type": "datetimepicker", "action_id": ids.TYPED}
    if plan.switch_at is not None:
        element["initial_date_time"] = int(plan.switch_at.timestamp())
    hint = "Blank: at once. Before that time it is switched when the old one dies."
    return input_block(ids.field_block("switch_at"), "Switch at", element, hint=hint, optional=True)
