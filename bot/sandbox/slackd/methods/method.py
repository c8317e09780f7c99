"""What a method of the Web API is here: a handler, the scope it needs and its rate-limit tier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.slackd.calls import Args
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.refusal import JSON

Handler = Callable[[Parts, Args], JSON]
"""Answers the keys beside `ok`; raises Refusal."""


@dataclass(frozen=True, slots=True)
class Method:
    """`tier` 0 is limited elsewhere (per channel) or not at all; `app_token` is for xapp tokens."""

    handler: Handler
    scope: str = ""
    tier: int = 4
    app_token: bool = False
    needs_token: bool = True
