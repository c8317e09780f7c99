"""What stands in a form for its secrets: their fields, or the way to the page outside Slack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.kinds.base import Field
from bot.slack import ids
from bot.slack.blocks import Block, actions, button, context
from bot.slack.metadata import ViewMeta

VISIBLE: Final = "⚠ What you type here is visible on your screen and passes through Slack."
REFERENCE: Final = (
    "🔗 Instead of a secret you may enter where it is kept: `env:NAME`, `file:/path` or "
    "`aws-secretsmanager:ARN#key`, if whoever runs Registrar allows it for this host."
)
OUTSIDE: Final = "Enter it outside Slack"
TO_PAGE: Final = "Enter the secret"
"""Of a form's own button, when that leads to the page."""
ONLY_PAGE: Final = "🔒 Secrets are entered on a page outside Slack, as the settings say."
TYPED_BEFORE: Final = "What you typed before is kept for 15 minutes and used, or enter it anew."
STORED: Final = "The stored one is used, or enter a new one."


def shown_fields(fields: Sequence[Field], meta: ViewMeta) -> list[Field]:
    """Those that are asked in Slack."""
    return [one for one in fields if not (meta.page and one.secret)]


def leads_to_page(fields: Sequence[Field], meta: ViewMeta) -> bool:
    """Whether the form's own button has to lead to the page: it lacks a secret that we hold."""
    secrets = [one for one in fields if one.secret]
    needed = [one for one in secrets if one.required] or secrets
    kept = meta.kept.split(",")
    return meta.page and any(one.name not in kept for one in needed)


def secret_blocks(fields: Sequence[Field], meta: ViewMeta) -> list[Block]:
    """Below the fields: a warning, and the way to the page where no other leads there."""
    if not any(one.secret for one in fields):
        return []
    there = button(OUTSIDE, ids.OUTSIDE, "-")
    instead = [context(REFERENCE)] if meta.follows else []
    if not meta.page:
        return [context(VISIBLE), *instead, actions(there)]
    if leads_to_page(fields, meta):
        return [context(ONLY_PAGE), *instead]
    held = TYPED_BEFORE if meta.draft else STORED
    return [context(f"{ONLY_PAGE} {held}"), *instead, actions(there)]
