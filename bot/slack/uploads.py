"""Letters that are files: one table, a line for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.weekly import send_summary
from bot.usecases.deps import Deps
from bot.usecases.outbox import OutboxMessage

Upload = Callable[[Deps, AsyncWebClient, OutboxMessage], Awaitable[str]]
"""Sends the file and answers a receipt; errors of Slack and of the network are the courier's."""

UPLOADS: Final[Mapping[str, Upload]] = {"weekly_summary": send_summary}
