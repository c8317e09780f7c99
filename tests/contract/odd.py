"""A registry made of replaceable parts, for what no vendor would do on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text, refusal
from bot.sandbox.practice.shelf import Shelf, parse_pull
from bot.sandbox.practice.vendor import VERSION

HOST = "odd.practice.example"
BESIDE = "tokens.practice.example"  # of the same registrable domain
LOGIN = ("deploy", "right-password-of-odd")
WRONG = ("deploy", "wrong-password-of-odd")
GOOD = "good-token-of-odd"
EMPTY = "empty-token-of-odd"
BEARER = f'Bearer realm="https://{HOST}/token",service="odd"'
BASIC = 'Basic realm="odd"'

Part = Callable[[Ask], Answer]


def token(text: str, name: str = "token") -> Answer:
    return as_json(200, {name: text, "expires_in": 300})


def strict_tokens(ask: Ask) -> Answer:
    """A token service that knows one login and refuses all others, with or without scope."""
    if ask.basic == LOGIN:
        return token(GOOD)
    return refusal(401, "UNAUTHORIZED", "unauthorized")


def pull(ask: Ask) -> Answer:
    """The practice images, to whoever got this far."""
    wanted = parse_pull(ask.path)
    return Shelf().answer(ask, wanted) if wanted else as_text(404, "404 page not found")


def welcome(_: Ask) -> Answer:
    return as_json(200, {}, VERSION)


@dataclass(frozen=True)
class Odd:
    """`lines` are the challenge's header lines, `tokens` answers `/token`, `root` and `manifest`
    answer who is known below `/v2/`, `ping` whoever is not."""

    lines: tuple[str, ...] = (BASIC,)
    tokens: Part = strict_tokens
    root: Part = welcome
    manifest: Part = pull
    ping: Part | None = None

    def __call__(self, ask: Ask) -> Answer:
        if ask.path == "/token":
            return self.tokens(ask)
        if ask.basic != LOGIN and ask.bearer != GOOD:
            return self.ping(ask) if self.ping else self.challenge()
        return self.root(ask) if ask.path in {"/v2/", "/v2"} else self.manifest(ask)

    def challenge(self) -> Answer:
        body = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "sign in"}]}).encode()
        lines = [("WWW-Authenticate", line) for line in self.lines]
        return Answer(401, body, (("Content-Type", "application/json"), VERSION, *lines))
