"""One registry, and its history."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.core.registry import RegistryView
from bot.slack import ids
from bot.slack.blocks import Element, actions, button, sections
from bot.slack.card import Card
from bot.slack.expiry_words import age_words, disagreement, expiry_words
from bot.slack.metadata import BrowseState
from bot.slack.render_uses import places
from bot.slack.text import code, escape
from bot.slack.words import (
    ENVIRONMENTS,
    ago,
    ahead,
    moment,
    paused_words,
    stage_line,
    state_of,
    took,
)
from bot.usecases import gate
from bot.usecases.uses import OfRegistry

NO_SCOPE: Final = (
    "⚠ Strangers keep images at this host too: without a path scope it covers no image to deploy."
)


def show_card(registry: RegistryView, now: datetime, used: OfRegistry | None = None) -> Card:
    """Everything there is to know of a registry, with what can be done with it.

    `used` is what uses it, if anybody has looked.
    """
    lines = [_head(registry), _place(registry)]
    if registry.details.description:
        lines.append(escape(registry.details.description, 500))
    lines.append(_credential(registry, now))
    if registry.credential is not None and (
        warning := disagreement(registry.credential, registry.kind)
    ):
        lines.append(warning)
    lines += _last_check(registry, now)
    in_use = used is not None and bool(used.uses)
    if used is not None and in_use:
        lines.append(f"Used by {places(used.uses)}.")
    paused = registry.pause is not None and registry.pause.holds(now)
    if registry.pause is not None and paused:
        lines.append(paused_words(registry.pause))
    lines.append(
        f"Last changed by <@{escape(registry.updated_by, 30)}> {moment(registry.updated_at)}"
    )
    buttons = actions(
        button("Test", ids.CHECK, registry.name, style="primary"),
        button("Edit", ids.EDIT, registry.name),
        *_rotate(registry),
        button("Images", ids.IMAGES, BrowseState(registry.name).dump()),
        *((button("Uses", ids.USES, registry.name),) if in_use else ()),
        button("History", ids.HISTORY, registry.name),
        button("Resume", ids.RESUME, registry.name)
        if paused
        else button("Pause", ids.PAUSE, registry.name),
        button("Delete", ids.DELETE, registry.name, style="danger"),
    )
    return Card("Registry", "\n".join(lines), (*sections(lines), buttons))


def _rotate(registry: RegistryView) -> tuple[Element, ...]:
    """Where there is a secret; a role's sessions end by themselves."""
    if registry.credential is None or registry.variant in {"anonymous", "assume_role"}:
        return ()
    return (button("Rotate", ids.ROTATE, registry.name),)


def _head(registry: RegistryView) -> str:
    parts = [f"*{state_of(registry)} {code(registry.name)}*", escape(registry.kind_label)]
    parts.append(f"environment {ENVIRONMENTS[registry.details.environment]}")
    owner = registry.details.owner
    parts.append(f"owner <@{escape(owner, 30)}>" if owner else "no owner")
    return " · ".join(parts)


def _place(registry: RegistryView) -> str:
    scope = code(registry.path_scope) if registry.path_scope else "all repositories"
    image = f" · test image {code(registry.test_image)}" if registry.test_image else ""
    also = "".join(f" · also pulled from {code(place)}" for place in registry.details.also_at)
    line = f"Host {code(registry.host)} · scope: {scope}{also}{image}"
    if gate.covers_nothing(registry.host, gate.scope_of(registry.url, registry.path_scope)):
        line += f"\n{NO_SCOPE}"
    return line


def _credential(registry: RegistryView, now: datetime) -> str:
    if registry.broken:
        return f"⛔ {escape(registry.broken, 500)}"
    credential = registry.credential
    if credential is None:
        return "No credential: it is read anonymously."
    parts = [f"Credential {code(credential.login)}" if credential.login else "Credential"]
    if credential.sources:
        parts.append(f"secret from {' and '.join(code(one) for one in credential.sources)}")
    if credential.fingerprint:
        parts.append(f"fingerprint {code(credential.fingerprint)}")
    parts.append(age_words(credential, registry.kind, now))
    parts.append("proven" if credential.proven else "not proven")
    parts.append(expiry_words(credential.expiry, registry.kind, now))
    if registry.details.rotate_days:
        parts.append(f"rotated every {registry.details.rotate_days:,} days")
    return ", ".join(parts)


def _last_check(registry: RegistryView, now: datetime) -> list[str]:
    check = registry.last_check
    following = (
        f"Next check {ahead(registry.next_check_at, now)}." if registry.next_check_at else ""
    )
    if check is None:
        return [f"Not checked yet. {following}".strip()]
    lines = [f"Last check {ago(check.at, now)}, {took(check.took)}. {following}".strip()]
    lines += [stage_line(check.stages), escape(check.sentence, 600)]
    if check.remedy:
        lines.append(escape(check.remedy, 600))
    return lines
