import io
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import TestClient, TestServer
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier

from bot.core.clock import FixedClock, SystemClock
from bot.web.application import web_application
from bot.web.slack_events import SeenSignatures

SIGNING = "0123456789abcdef0123456789abcdef"
Client = TestClient[Any, Any]


async def _authorize(**_: object) -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-t", bot_id="B1")


@pytest.fixture
def parts() -> dict[str, bool]:
    """Which parts of the bot are in order."""
    return {"database": True}


@pytest.fixture
async def client(parts: dict[str, bool]) -> AsyncIterator[Client]:
    """The web application with a bot that answers one command."""
    app = AsyncApp(signing_secret=SIGNING, authorize=_authorize)

    async def answer(ack: Any) -> None:
        await ack("here")

    app.command("/registry")(answer)

    async def ready() -> dict[str, bool]:
        return parts

    application = web_application(app=app, ready=ready, clock=SystemClock())
    async with TestClient(TestServer(application)) as client:
        yield client


def _signed(body: str, *, age: int = 0, secret: str = SIGNING) -> dict[str, str]:
    at = str(int(time.time()) - age)
    signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
    return {
        "X-Slack-Signature": signature or "",
        "X-Slack-Request-Timestamp": at,
        "Content-Type": "application/x-www-form-urlencoded",
    }


BODY = urlencode({"command": "/registry", "text": "", "team_id": "T1", "user_id": "U1"})


async def test_a_signed_command_is_answered(client: Client) -> None:
    """A request with Slack's signature reaches its listener."""
    answer = await client.post("/slack/events", data=BODY, headers=_signed(BODY))

    assert (answer.status, await answer.text()) == (200, "here")


async def test_a_wrong_signature_is_refused(client: Client) -> None:
    """Somebody without the signing secret is not heard."""
    answer = await client.post("/slack/events", data=BODY, headers=_signed(BODY, secret="other"))

    assert answer.status == 401


async def test_a_stale_timestamp_is_refused(client: Client) -> None:
    """A recorded request is worth nothing after five minutes."""
    answer = await client.post("/slack/events", data=BODY, headers=_signed(BODY, age=600))

    assert answer.status == 401


async def test_a_replayed_request_is_refused(client: Client) -> None:
    """The same signed request works once, also within the five minutes."""
    headers = _signed(BODY)
    first = await client.post("/slack/events", data=BODY, headers=headers)
    second = await client.post("/slack/events", data=BODY, headers=headers)

    assert (first.status, second.status) == (200, 401)


async def test_strangers_do_not_fill_the_memory_of_signatures(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of made-up signatures must not push out one that could be replayed."""
    seen: list[SeenSignatures] = []
    first_time = SeenSignatures.first_time

    def spied(self: SeenSignatures, signature: str) -> bool:
        seen.append(self)
        return first_time(self, signature)

    monkeypatch.setattr(SeenSignatures, "first_time", spied)
    await client.post("/slack/events", data=BODY, headers=_signed(BODY))
    for number in range(3):
        forged = _signed(BODY) | {"X-Slack-Signature": f"v0={number}"}
        assert (await client.post("/slack/events", data=BODY, headers=forged)).status == 401

    assert len(seen[0]._seen) == 1


async def test_a_huge_body_is_refused(client: Client) -> None:
    """More than a megabyte is not read."""
    answer = await client.post("/slack/events", data=io.BytesIO(b"x" * 2_000_000))

    assert answer.status == 413


async def test_health_and_readiness(client: Client, parts: dict[str, bool]) -> None:
    """Alive while the process lives; ready while its parts are."""
    alive, before = await client.get("/healthz"), await client.get("/readyz")
    parts["database"] = False
    after = await client.get("/readyz")

    assert (alive.status, before.status, after.status) == (200, 200, 503)
    assert await after.json() == {"ok": False, "database": False}


def test_seen_signatures_are_forgotten_in_time_and_number() -> None:
    """What can no longer be replayed is not kept, and the memory is bounded."""
    clock = FixedClock(datetime(2026, 11, 24, tzinfo=UTC))
    seen = SeenSignatures(clock, most=3)

    assert [seen.first_time(name) for name in "abcd"] == [True] * 4
    assert not seen.first_time("d")
    assert len(seen._seen) <= 3
