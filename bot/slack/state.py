"""From what Slack says is filled in to answers; a secret becomes a Secret at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bot.core.secret import Secret
from bot.kinds.base import Kind, Variant
from bot.slack import ids
from bot.slack.forms import kind_of, suggested_name, variant_of
from bot.slack.metadata import ViewMeta
from bot.slack.text import clip
from bot.usecases.drafts import Answers

Values = Mapping[str, tuple[str, ...]]
_COMMON: Final = frozenset(
    {
        "url",
        "path_scope",
        "test_image",
        "name",
        "description",
        "environment",
        "owner",
        "rotate_days",
        "recheck_minutes",
        "also_at",
        "expires_on",
    }
)
_SINGLE: Final = (
    "value",
    "selected_user",
    "selected_date",
    "selected_date_time",
    "selected_conversation",
    "selected_channel",
)


def form_answers(view: Mapping[str, Any]) -> tuple[Answers, ViewMeta]:
    """The answers of the registry form as shown, and what the form remembers.

    A blank name becomes the suggested one, a fixed URL is filled in, fields of other variants that
    Slack still remembers are left out.
    """
    meta = ViewMeta.of(view)
    typed = values_of(view)
    kind = kind_of(_one(typed, "kind") or meta.kind)
    variant = variant_of(kind, _one(typed, "variant") or meta.variant)
    secret_names = {each.name for each in variant.fields if each.secret}
    asked = {each.name for each in variant.fields} | _COMMON
    public = {name: _one(typed, name) for name in asked - secret_names if _one(typed, name) != ""}
    secrets = {name: Secret(_one(typed, name)) for name in secret_names if _one(typed, name)}
    if kind.url.fixed:
        public["url"] = kind.url.fixed
    if "name" not in public and not meta.editing:
        public["name"] = suggested_name(kind, public)
    return Answers(kind.slug, variant.slug, public, secrets), replace(meta, away={}, again="")


def redrawn(view: Mapping[str, Any]) -> tuple[ViewMeta, dict[str, str]]:
    """What the form should show next after a choice in it: its meta and the answers not secret."""
    before = ViewMeta.of(view)
    typed = values_of(view)
    kind = kind_of(_one(typed, "kind") or before.kind)
    changed = kind.slug != before.kind
    variant = variant_of(kind, "" if changed else _one(typed, "variant") or before.variant)
    secret_names = _secret_names(kind_of(before.kind)) | _secret_names(kind)
    public = {
        name: found[0]
        for name, found in typed.items()
        if name not in secret_names and found and found[0]
    }
    if changed:
        public["url"] = _url_after(kind_of(before.kind).url.suggestion, public.get("url", ""), kind)
    # The secret that we hold belongs to the kind it was typed for.
    kept = "" if changed else before.kept
    after = replace(before, kind=kind.slug, variant=variant.slug, kept=kept, away={}, again="")
    if changed:
        return after, public
    secrets = {name for name in secret_names if _one(typed, name)}
    public = {**before.away, **public}
    return _put_away(before, after, variant, public, secrets), public


def _put_away(
    before: ViewMeta,
    after: ViewMeta,
    variant: Variant,
    public: Mapping[str, str],
    secrets: set[str],
) -> ViewMeta:
    """What the form remembers of the fields that it hides now; never the text of a secret."""
    shown = {each.name for each in variant.fields}
    if any(each.secret for each in variant.fields):
        shown.add("expires_on")
    of_variants = {each.name for one in kind_of(after.kind).variants for each in one.fields}
    hidden = {
        name: text
        for name, text in public.items()
        if name in of_variants | {"expires_on"} and name not in shown
    }
    after = after.put_away(hidden)
    lost = (secrets - shown) | (hidden.keys() - after.away.keys())
    asked_for = {name for name in before.again.split(",") if name}
    again = lost | (asked_for - secrets - public.keys())
    return replace(after, again=",".join(sorted(again)))


def error_blocks(view: Mapping[str, Any], problems: Mapping[str, str]) -> dict[str, str]:
    """Sentences by block id; one on a field that is not shown goes to the first input."""
    blocks = {
        ids.field_of(str(block.get("block_id", ""))): str(block.get("block_id", ""))
        for block in view.get("blocks", [])
        if block.get("type") == "input"
    }
    errors: dict[str, str] = {}
    for name, sentence in problems.items():
        block_id = blocks.get(name) or next(iter(blocks.values()))
        errors[block_id] = clip(
            f"{errors[block_id]} {sentence}" if block_id in errors else sentence, 300
        )
    return errors


def values_of(view: Mapping[str, Any]) -> Values:
    """By field name, whatever was filled in or chosen; several only for multi-selects."""
    found: dict[str, tuple[str, ...]] = {}
    for block_id, elements in view.get("state", {}).get("values", {}).items():
        for element in elements.values():
            name = ids.field_of(block_id)
            if name and (value := _element(element)):
                found[name] = value
    return found


def _element(element: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of one element's state, whatever its type."""
    if isinstance(element.get("selected_option"), dict):
        return (str(element["selected_option"]["value"]),)
    if isinstance(element.get("selected_options"), list):
        return tuple(str(each["value"]) for each in element["selected_options"])
    if isinstance(element.get("selected_users"), list):
        return tuple(str(each) for each in element["selected_users"])
    for key in _SINGLE:
        if element.get(key):
            return (str(element[key]),)
    return ()


def _one(values: Values, name: str) -> str:
    found = values.get(name, ())
    return found[0] if found else ""


def _secret_names(kind: Kind) -> set[str]:
    return {each.name for variant in kind.variants for each in variant.fields if each.secret}


def _url_after(old_suggestion: str, typed: str, kind: Kind) -> str:
    """The URL when the kind changed: what a person typed is kept, a suggestion gives way."""
    return kind.url.suggestion if typed in {"", old_suggestion} else typed
