"""The form of a registry, made from the data of its kind and redrawn when a choice changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.core.access import MINUTES_MAX, MINUTES_MIN
from bot.core.reference import LONGEST
from bot.core.registry import Environment
from bot.kinds.base import Field, Kind, Variant
from bot.kinds.form import suggest_name
from bot.kinds.registry_kinds import KINDS
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    Element,
    choice,
    input_block,
    modal,
    number_input,
    option,
    section,
    text_input,
)
from bot.slack.metadata import ViewMeta
from bot.slack.secret_blocks import TO_PAGE, leads_to_page, secret_blocks, shown_fields
from bot.slack.text import code, escape
from bot.slack.words import ENVIRONMENTS

AFFECTS: Final = "⚠ A change here affects every application that uses this registry."
NEW_FIRST: Final = (
    "A new credential replaces the stored one only when it is proven, or when you save it anyway."
)
AGAIN: Final = "Enter it again: it was not kept while the form showed another way to sign in."
TOO_LONG: Final = (
    "Slack takes at most 3,000 characters here. Enter a longer key file outside Slack, or keep of "
    "it type, project_id, private_key_id, private_key and client_email."
)
DEFAULT_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class FormState:
    """What the form shows. `meta` says which kind and variant, and what is edited or corrected.

    `public` are the answers that are not secret, `problems` sentences to show above the form.
    """

    meta: ViewMeta
    public: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def kind_labels() -> tuple[tuple[str, str], ...]:
    """The slugs and labels of all kinds, in the order of the menu."""
    return tuple((kind.slug, kind.label) for kind in KINDS.values())


def kind_of(slug: str) -> Kind:
    """The kind of that slug, or the first one for anything else."""
    return KINDS.get(slug) or next(iter(KINDS.values()))


def variant_of(kind: Kind, slug: str) -> Variant:
    """The variant of that slug, or the kind's first one."""
    return next((each for each in kind.variants if each.slug == slug), kind.variants[0])


def fresh_answers(kind_slug: str, user: str, rotate_days: int) -> dict[str, str]:
    """What an empty form is prefilled with."""
    answers = {"owner": user, "rotate_days": str(rotate_days), "environment": str(Environment.ANY)}
    suggestion = kind_of(kind_slug).url.suggestion
    return {**answers, "url": suggestion} if suggestion else answers


def registry_form(state: FormState) -> dict[str, Any]:
    """The modal to add, edit or correct a registry."""
    kind = kind_of(state.meta.kind)
    variant = variant_of(kind, state.meta.variant)
    shared = _shared_fields(kind)
    own = shown_fields([each for each in variant.fields if each not in shared], state.meta)
    blocks: list[Block] = [section(f"⚠ {escape(each, 600)}") for each in state.problems]
    if state.meta.editing:
        blocks.append(section(f"*{code(state.meta.editing)}*\n{AFFECTS}\n{NEW_FIRST}"))
    blocks += [_kind_block(kind, state), _url_block(kind, state)]
    blocks += [_field_block(each, state) for each in shown_fields(shared, state.meta)]
    if len(kind.variants) > 1:
        blocks.append(_variant_block(kind, variant))
    blocks += [_field_block(each, state) for each in own]
    blocks += secret_blocks(variant.fields, state.meta)
    has_secret = any(each.secret for each in variant.fields)
    blocks += _common_blocks(kind, state, has_secret=has_secret)
    return modal(
        "Edit a registry" if state.meta.editing else "Add a registry",
        blocks,
        callback_id=ids.REGISTRY_FORM,
        metadata=state.meta.dump(),
        submit=TO_PAGE if leads_to_page(variant.fields, state.meta) else "Test and save",
        close="Cancel",
    )


def suggested_name(kind: Kind, public: Mapping[str, str]) -> str:
    environment = public.get("environment", "")
    region = public.get("region", "")
    return suggest_name(kind.slug, environment, region)


def _shared_fields(kind: Kind) -> list[Field]:
    """The fields that every variant begins with, such as the region: asked before the variant."""
    shared: list[Field] = []
    if len(kind.variants) > 1:
        for each in zip(*(variant.fields for variant in kind.variants), strict=False):
            if any(other != each[0] for other in each):
                break
            shared.append(each[0])
    return shared


def _kind_block(kind: Kind, state: FormState) -> Block:
    if state.meta.editing:
        return section(f"*Type*\n{escape(kind.label)}")
    options = [option(label, slug) for slug, label in kind_labels()]
    element = choice("static_select", ids.PICK_KIND, options, kind.slug)
    return input_block(ids.field_block("kind"), "Type", element, dispatch=True)


def _variant_block(kind: Kind, variant: Variant) -> Block:
    options = [option(each.label, each.slug) for each in kind.variants]
    element = choice("radio_buttons", ids.PICK_VARIANT, options, variant.slug)
    block_id = ids.field_block("variant", kind.slug)
    return input_block(block_id, "Sign in with", element, dispatch=True)


def _url_block(kind: Kind, state: FormState) -> Block:
    if kind.url.fixed:
        return section(f"*{escape(kind.url.label)}*\n{code(kind.url.fixed)}")
    return _field_block(kind.url, state, reset=kind.slug)


def _field_block(asked: Field, state: FormState, reset: str = "") -> Block:
    kept = asked.secret and asked.name in state.meta.kept.split(",")
    element = text_input(
        ids.TYPED,
        # What we hold of a secret never goes back to Slack.
        initial="" if asked.secret else state.public.get(asked.name, ""),
        placeholder=_kept_where(state) if kept else asked.placeholder,
        multiline=asked.multiline,
        limit=max(asked.max_length, LONGEST) if asked.secret else asked.max_length,
    )
    return input_block(
        ids.field_block(asked.name, reset),
        asked.label,
        element,
        hint=" ".join(_hints(asked, state, kept=kept)),
        optional=kept or not asked.required,
    )


def _kept_where(state: FormState) -> str:
    return "kept for 15 minutes" if state.meta.draft else "stored; leave blank to keep it"


def _sources(state: FormState) -> dict[str, str]:
    lines = (line.partition("=") for line in state.meta.sources.split("\n"))
    return {name: text for name, _, text in lines}


def _hints(asked: Field, state: FormState, *, kept: bool) -> list[str]:
    hints = []
    source = _sources(state).get(asked.name, "")
    if kept and source:
        hints.append(f"It comes from {source}; leave blank to keep that.")
    elif kept and state.meta.draft:
        hints.append("Kept for 15 minutes; leave blank to use it.")
    elif kept:
        hints.append("Leave blank to keep the stored one.")
    if asked.name in state.meta.again.split(","):
        hints.append(AGAIN)
    if asked.hint:
        hints.append(asked.hint)
    if asked.secret and asked.multiline and "3,000" not in asked.hint:
        hints.append(TOO_LONG)
    return hints


def _common_blocks(kind: Kind, state: FormState, *, has_secret: bool) -> list[Block]:
    """What is asked of every registry, whatever its kind."""
    scope_hint = (
        "This host is shared by many: the organisation, project or repository that is yours."
        if kind.shared_host
        else "Only repositories below this path; blank means all of the host."
    )
    blocks = [
        _environment_block(state),
        _text_block("path_scope", "Path scope", state, hint=scope_hint, placeholder="team"),
        _text_block(
            "test_image",
            "Test image",
            state,
            hint="Proves that pulling works, not just signing in.",
            placeholder="team/app:1.2",
        ),
        _also_at_block(state),
        _name_block(kind, state),
        _text_block("description", "Description", state, limit=500),
        _owner_block(state),
        _rotation_block(state),
        _recheck_block(state),
    ]
    if has_secret:
        blocks.append(_expiry_block(state))
    return blocks


def _text_block(
    name: str,
    label: str,
    state: FormState,
    *,
    hint: str = "",
    placeholder: str = "",
    limit: int = 300,
) -> Block:
    element = text_input(initial=state.public.get(name, ""), placeholder=placeholder, limit=limit)
    return input_block(ids.field_block(name), label, element, hint=hint, optional=True)


def _also_at_block(state: FormState) -> Block:
    element = text_input(
        initial=state.public.get("also_at", ""),
        placeholder="harbor.example.com/proxy/docker.io",
        multiline=True,
        limit=2000,
    )
    hint = "Places with the same images, such as a pull-through cache: host/path, one a line."
    return input_block(
        ids.field_block("also_at"), "Also pulled from", element, hint=hint, optional=True
    )


def _name_block(kind: Kind, state: FormState) -> Block:
    suggestion = suggested_name(kind, state.public)
    element = text_input(initial=state.public.get("name", ""), placeholder=suggestion, limit=63)
    hint = "Lower-case letters, digits and hyphens."
    if not state.meta.editing:
        hint += " Left blank, it is made of type, environment and region."
    return input_block(
        ids.field_block("name"), "Name", element, hint=hint, optional=not state.meta.editing
    )


def _environment_block(state: FormState) -> Block:
    options = [option(label, str(each)) for each, label in ENVIRONMENTS.items()]
    initial = state.public.get("environment") or str(Environment.ANY)
    element = choice("static_select", ids.PICK_ENVIRONMENT, options, initial)
    return input_block(ids.field_block("environment"), "Environment", element, dispatch=True)


def _owner_block(state: FormState) -> Block:
    element: Element = {"type": "users_select", "action_id": ids.TYPED}
    if state.public.get("owner"):
        element["initial_user"] = state.public["owner"]
    return input_block(ids.field_block("owner"), "Owner", element, optional=True)


def _rotation_block(state: FormState) -> Block:
    typed = state.public.get("rotate_days", "")
    days = int(typed) if typed.isdecimal() else DEFAULT_DAYS
    element = number_input(ids.TYPED, least=0, most=3650, initial=days)
    hint = "0 means that nobody is asked to rotate it."
    return input_block(ids.field_block("rotate_days"), "Rotate every (days)", element, hint=hint)


def _recheck_block(state: FormState) -> Block:
    typed = state.public.get("recheck_minutes", "")
    minutes = int(typed) if typed.isdecimal() else None
    element = number_input(ids.TYPED, least=MINUTES_MIN, most=MINUTES_MAX, initial=minutes)
    hint = "Blank: as often as the workspace's settings say."
    return input_block(
        ids.field_block("recheck_minutes"),
        "Test every (minutes)",
        element,
        hint=hint,
        optional=True,
    )


def _expiry_block(state: FormState) -> Block:
    element: Element = {"type": "datepicker", "action_id": ids.TYPED}
    if state.public.get("expires_on"):
        element["initial_date"] = state.public["expires_on"]
    hint = "When you know it and the provider does not tell."
    return input_block(
        ids.field_block("expires_on"), "Expires on", element, hint=hint, optional=True
    )
