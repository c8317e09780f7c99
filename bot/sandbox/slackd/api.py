"""The Web API's front door: tokens, scopes, rate limits, and errors as Slack words them."""

from __future__ import annotations

import hmac
from typing import Final

from aiohttp import web

from bot.sandbox.slackd.calls import Args, read_args, token_of
from bot.sandbox.slackd.methods.method import Method
from bot.sandbox.slackd.methods.table import METHODS
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.refusal import JSON, Refusal

EXPECTED: Final = frozenset(
    {
        "hash_conflict",
        "not_found",
        "message_not_found",
        "cant_update_message",
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "user_not_found",
        "no_such_subteam",
    }
)
"""Refusals any app meets in the course of things: logged, but not shown as the app's mistakes."""


class Api:
    """Answers `POST /api/<method>`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def handle(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        try:
            method = METHODS.get(name)
            if method is None:
                raise Refusal("unknown_method", req_method=name)
            args = await read_args(request)
            self._authorise(method, token_of(request, args))
            self._pace(name, method)
            answer = method.handler(self._parts, args)
            self._log(name, args)
        except Refusal as refusal:
            return self._refused(name, refusal)
        headers = {"X-OAuth-Scopes": ",".join(sorted(self._parts.install.scopes))}
        return web.json_response({"ok": True, **answer}, headers=headers)

    def _authorise(self, method: Method, token: str) -> None:
        if not method.needs_token:
            return
        install = self._parts.install
        if not token:
            raise Refusal("not_authed")
        right, other = install.bot_token, install.app_token
        if method.app_token:
            right, other = other, right
        if hmac.compare_digest(token.encode(), other.encode()):
            raise Refusal("not_allowed_token_type")
        if not hmac.compare_digest(token.encode(), right.encode()):
            raise Refusal("invalid_auth")
        if method.scope and method.scope not in install.scopes:
            provided = ",".join(sorted(install.scopes))
            raise Refusal("missing_scope", needed=method.scope, provided=provided)

    def _pace(self, name: str, method: Method) -> None:
        if method.tier:
            wait = self._parts.limit.wait_for(name, method.tier)
            if wait:
                raise Refusal("ratelimited", retry_after=wait)

    def _refused(self, name: str, refusal: Refusal) -> web.Response:
        world = self._parts.world
        world.note("the bot", f"{name} → {refusal.code}")
        if refusal.code not in EXPECTED:
            world.problem(name, refusal.code, refusal.messages)
        body: JSON = refusal.answer()
        if refusal.code == "ratelimited":
            wait = str(body.pop("retry_after"))
            return web.json_response(body, status=429, headers={"Retry-After": wait})
        return web.json_response(body)

    def _log(self, name: str, args: Args) -> None:
        if name in {"auth.test", "api.test"}:
            return
        where = args.get("channel") or args.get("user_id") or args.get("user")
        channel = self._parts.world.channels.get(where)
        shown = f"#{channel.name}" if channel is not None and channel.kind == "channel" else where
        self._parts.world.note("the bot", f"{name} {shown}".strip())
