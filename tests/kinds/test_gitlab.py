"""GitLab: a token is known only by GitLab's own record of it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable

import pytest

from bot.core.check import Cause, CheckResult, Verdict
from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.visit import MOST_REQUESTS
from tests.kinds.checks import VERSION, checker_for
from tests.kinds.wire import Asked, Handler, answer, reply, serve

RECORD = {"name": "ci", "revoked": False, "active": True, "scopes": ["read_registry"]}


def gitlab(tokens: Callable[[Asked], bytes], about: bytes = b"") -> Handler:
    """A self-managed GitLab: `tokens` answers its token service, `about` what a token is."""

    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        said = about
        if asked.path == "/v2/":
            realm = ("WWW-Authenticate", 'Bearer realm="/jwt/auth",service="container_registry"')
            said = answer(401, "{}", [VERSION, realm])
        elif asked.path == "/jwt/auth":
            said = tokens(asked)
        elif "/manifests/" in asked.path:
            said = answer(200, "", [("Docker-Content-Digest", "sha256:" + "a" * 64)])
        writer.write(reply(asked, said))

    return handle


async def check(about: bytes) -> CheckResult:
    """A check against a server that answers `about` when asked what the token is.

    Its token service gives a token to anybody.
    """

    handler = gitlab(lambda _: answer(200, '{"token": "for-anyone"}'), about)
    async with serve(handler) as wire, checker_for(wire.allow) as checker:
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


@pytest.mark.parametrize(
    ("change", "cause", "said"),
    [
        ({"active": False, "expires_at": "2099-01-01"}, Cause.REVOKED, "was revoked at GitLab"),
        ({"active": False, "expires_at": None}, Cause.REVOKED, "was revoked at GitLab"),
        ({"active": False, "expires_at": "2020-01-01"}, Cause.EXPIRED, "expired on 01 Jan 2020"),
        ({"revoked": True, "expires_at": "2020-01-01"}, Cause.REVOKED, "was revoked at GitLab"),
    ],
)
async def test_a_token_that_ends_before_its_day_was_revoked(
    change: dict[str, object], cause: Cause, said: str
) -> None:
    """Nothing expired on a day that is still to come."""
    result = await check(answer(200, json.dumps(RECORD | change)))

    assert result.cause is cause
    assert said in result.sentence


@pytest.mark.parametrize("anyone", [False, True])
async def test_deploy_token_counts_only_where_strangers_are_refused(anyone: bool) -> None:
    """A server that refuses only those who show nothing would make any password green."""

    def tokens(asked: Asked) -> bytes:
        pair = base64.b64decode(asked.headers.get("authorization", "").removeprefix("Basic "))
        if pair == b"ci:gldt-made-up-for-a-test" or (anyone and pair):
            return answer(200, '{"token": "for-ci"}')
        return answer(401 if pair else 403, '{"errors": [{"code": "DENIED"}]}')

    async with serve(gitlab(tokens)) as wire, checker_for(wire.allow) as checker:
        values, secrets = {"username": "ci"}, {"token": Secret("gldt-made-up-for-a-test")}
        config = Config("gitlab", "account", wire.url, values, secrets, test_image="team/app:1.2")
        results = [await checker.check(config) for _ in range(2)]

    expected = Verdict.UNREACHABLE if anyone else Verdict.PROVEN
    assert [result.verdict for result in results] == [expected, expected]
    made_up = [asked for asked in wire.asked if "account=registrar-" in asked.target]
    assert len(made_up) == 1
    assert all(len(result.evidence) < MOST_REQUESTS for result in results)
