"""GitLab: a token is known only by GitLab's own record of it."""

from __future__ import annotations

import asyncio
import json

import pytest

from bot.core.check import CheckResult, Verdict
from bot.core.config import Config
from bot.core.secret import Secret
from tests.kinds.checks import VERSION, checker_for
from tests.kinds.wire import Asked, answer, reply, serve

RECORD = {"name": "ci", "revoked": False, "active": True, "scopes": ["read_registry"]}


async def check(about: bytes) -> CheckResult:
    """A check against a server that answers `about` when asked what the token is.

    Its token service gives a token to anybody.
    """

    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        said = about
        if asked.path == "/v2/":
            realm = ("WWW-Authenticate", 'Bearer realm="/jwt/auth",service="container_registry"')
            said = answer(401, "{}", [VERSION, realm])
        elif asked.path == "/jwt/auth":
            said = answer(200, '{"token": "for-anyone"}')
        writer.write(reply(asked, said))

    async with serve(handle) as wire, checker_for(wire.allow) as checker:
        values, secrets = {"username": "ci"}, {"token": Secret("glpat-made-up-for-a-test")}
        return await checker.check(Config("gitlab", "account", wire.url, values, secrets))


async def test_record_of_the_token_proves_it() -> None:
    """What GitLab says of an active token."""
    result = await check(answer(200, json.dumps(RECORD)))

    assert result.verdict is Verdict.PROVEN


@pytest.mark.parametrize(
    "about",
    [
        answer(200, "<html></html>", [("Content-Type", "text/html")]),
        answer(200, "{}"),
        answer(200, "[]"),
        answer(200, '{"scopes": "read_registry", "active": true}'),
        answer(204),
    ],
)
async def test_200_without_a_record_proves_nothing(about: bytes) -> None:
    """A server that says 200 to any path and gives tokens to anyone knows no token."""
    result = await check(about)

    assert result.verdict is Verdict.UNREACHABLE


@pytest.mark.parametrize("change", [{"scopes": []}, {"active": False}, {"revoked": True}])
async def test_record_may_refuse(change: dict[str, object]) -> None:
    """Without a scope, ended, or revoked: GitLab's word is final."""
    result = await check(answer(200, json.dumps(RECORD | change)))

    assert (result.verdict, result.explicit) == (Verdict.REFUSED, True)
