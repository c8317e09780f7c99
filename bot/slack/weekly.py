"""The weekly summary on its way: words and picture in one message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.access import Actor
from bot.slack.card import say
from bot.slack.names import Names
from bot.slack.render_news import astray_lead
from bot.slack.render_report import people_in, report_lines
from bot.slack.reporting import NO_PICTURE, picture_of
from bot.slack.text import fit
from bot.slack.trouble import code_of
from bot.slack.upload import share, shared_before
from bot.slack.verdict import CLOSED
from bot.usecases import reporting, workspaces
from bot.usecases.deps import Deps
from bot.usecases.outbox import OutboxMessage

log = structlog.get_logger(__name__)

COMMENT_LIMIT: Final = 3800  # of the 4,000 that a message's text has
NO_FILES: Final = frozenset({"missing_scope", "not_allowed_token_type"})


async def send_summary(deps: Deps, client: AsyncWebClient, message: OutboxMessage) -> str:
    """Deliver a weekly summary; answers the id of the picture, or the timestamp of the words.

    The words go alone where the app may not write files, and to whoever installed it when the
    channel is closed. Raises as the client does when nobody can be told.
    """
    since, until = (datetime.fromisoformat(message.values[key]) for key in ("since", "until"))
    report = await reporting.report(deps, Actor(message.team_id, ""), since, until)
    # A summary calls on nobody: people are named, not mentioned.
    names = Names(client, deps.clock)
    called = {user: await names.of(user) for user in people_in(report)}
    lines = report_lines(report, deps.clock.now(), called)
    picture = await picture_of(report.grid, until)
    if message.attempts > 1:
        # The process may have died after Slack took it and before that was noted.
        sent = await shared_before(client, message.channel, picture.name, message.created_at)
        if sent:
            return sent
    try:
        return await share(client, message.channel, picture, fit("\n".join(lines), COMMENT_LIMIT))
    except SlackApiError as error:
        code = code_of(error)
        if code not in NO_FILES | CLOSED:
            raise
        log.warning("weekly summary without its picture", error=code)
        if code in CLOSED:
            return await _astray(deps, client, message, error, lines)
    return await _words(client, message.channel, [*lines, NO_PICTURE.format(why=code)])


async def _astray(
    deps: Deps,
    client: AsyncWebClient,
    message: OutboxMessage,
    closed: SlackApiError,
    lines: Sequence[str],
) -> str:
    settings = await workspaces.settings(deps, Actor(message.team_id, ""))
    installer = settings.preferences.installer
    if not installer:
        raise closed
    lead = astray_lead(message.channel, code_of(closed))
    return await _words(client, installer, [lead, *lines])


async def _words(client: AsyncWebClient, channel: str, lines: Sequence[str]) -> str:
    posted = await client.chat_postMessage(
        channel=channel, unfurl_links=False, unfurl_media=False, **say("Report", *lines).message()
    )
    return str(posted.get("ts") or "")
