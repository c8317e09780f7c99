"""Every method this Slack has; any other name is `unknown_method`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.sandbox.slackd.methods.chat import CHAT
from bot.sandbox.slackd.methods.conversations import CONVERSATIONS
from bot.sandbox.slackd.methods.files import FILES
from bot.sandbox.slackd.methods.method import Method
from bot.sandbox.slackd.methods.people import PEOPLE
from bot.sandbox.slackd.methods.screens import SCREENS
from bot.sandbox.slackd.methods.session import SESSION

METHODS: Final[Mapping[str, Method]] = {
    **CHAT,
    **SCREENS,
    **PEOPLE,
    **CONVERSATIONS,
    **FILES,
    **SESSION,
}
