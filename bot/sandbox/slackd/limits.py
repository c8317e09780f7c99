"""Slack's limits, as data. Source: docs.slack.dev, Block Kit reference, Web API rate limits."""

from __future__ import annotations

from typing import Final

MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
ATTACHMENTS: Final = 100
MESSAGE_TEXT: Final = 40_000
VIEW_BYTES: Final = 250_000
VIEW_STACK: Final = 3
MARKDOWN_TOTAL: Final = 12_000
DATA_TABLE_TEXT: Final = 20_000
OPTIONS: Final = 100

TRIGGER_SECONDS: Final = 3.0
ACK_SECONDS: Final = 3.0
RESPONSE_USES: Final = 5
RESPONSE_SECONDS: Final = 30 * 60
EVENT_RETRY_SECONDS: Final = (0.0, 60.0, 300.0)
CONNECTIONS: Final = 10
"""Socket Mode connections per app."""

TIERS: Final = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls per minute, per method and token. Slack calls them "1+", "20+" and so on."""

TIER_BURST: Final = {1: 10, 2: 20, 3: 50, 4: 100}
"""Calls that go through at once after a pause; Slack promises "occasional bursts"."""

CHANNEL_POSTS_PER_SECOND: Final = 1.0
CHANNEL_BURST: Final = 5
