"""The Web API's front door: tokens, scopes, methods, arguments and rate limits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.clock import SystemClock
from bot.sandbox.slackd.parts import EVENTS, SCOPES
from bot.sandbox.slackd.server import SlackServer
from bot.slack.manifest import manifest
from tests.sandbox.conftest import APP_TOKEN, BOT_TOKEN


async def post(slack: SlackServer, method: str, **request: object) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(slack.api_url + method, **request)  # type: ignore[arg-type]


async def test_the_right_token_is_told_who_it_is(client: AsyncWebClient) -> None:
    """auth.test names the bot and lists its scopes."""
    answer = await client.auth_test()

    assert answer["user_id"] == "U0REGBOT01"
    assert "chat:write" in answer.headers["X-OAuth-Scopes"]


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("", "not_authed"),
        ("xoxb-wrong", "invalid_auth"),
        (APP_TOKEN, "not_allowed_token_type"),
        ("xoxb-ü", "invalid_auth"),
    ],
)
async def test_another_token_is_refused(slack: SlackServer, token: str, error: str) -> None:
    """No, a wrong, a foreign and a non-ASCII token each get Slack's code."""
    headers = {"Authorization": f"Bearer {token}".encode()} if token else {}
    answer = await post(slack, "auth.test", headers=headers)

    assert answer.json() == {"ok": False, "error": error}


async def test_socket_mode_needs_the_app_token(slack: SlackServer, client: AsyncWebClient) -> None:
    """A bot token cannot open a connection."""
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=BOT_TOKEN)

    answer = await client.apps_connections_open(app_token=APP_TOKEN)
    assert answer["url"].startswith(slack.url.replace("http", "ws") + "/link?ticket=")


async def test_a_method_slack_does_not_have_is_unknown(client: AsyncWebClient) -> None:
    """A typing error in a method's name is told, and shown as a problem."""
    with pytest.raises(SlackApiError, match="unknown_method"):
        await client.api_call("chat.postMassage")


async def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    """Slack says which scope was needed and which were there."""
    server = SlackServer(
        bot_token=BOT_TOKEN,
        app_token=APP_TOKEN,
        clock=SystemClock(),
        page_dir=tmp_path,
        scopes=frozenset({"commands"}),
    )
    await server.start()
    client = AsyncWebClient(token=BOT_TOKEN, base_url=server.api_url)

    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="#general", text="hello")

    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "chat:write"
    assert refused.value.response["provided"] == "commands"
    assert [problem["error"] for problem in server.world.problems] == ["missing_scope"]
    await server.close()


def test_the_sandbox_grants_what_the_manifest_asks_for() -> None:
    """Or the bot would work here and lack a scope or an event in real Slack."""
    asked = manifest("/registry")

    assert frozenset(asked["oauth_config"]["scopes"]["bot"]) == SCOPES
    assert frozenset(asked["settings"]["event_subscriptions"]["bot_events"]) == EVENTS
    assert asked["features"]["slash_commands"][0]["should_escape"] is True


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"{", "invalid_json"), (b"[]", "json_not_object"), (b"", "invalid_json")],
)
async def test_a_body_that_is_no_json_object_is_refused(
    slack: SlackServer, content: bytes, error: str
) -> None:
    """Slack tells JSON it cannot read from JSON it cannot use."""
    headers = {"Authorization": f"Bearer {BOT_TOKEN}", "Content-Type": "application/json"}

    answer = await post(slack, "auth.test", headers=headers, content=content)

    assert answer.json()["error"] == error


async def test_a_missing_argument_is_named(client: AsyncWebClient) -> None:
    """The reason says which argument Slack wanted."""
    with pytest.raises(SlackApiError) as refused:
        await client.api_call("users.info")

    assert refused.value.response["response_metadata"]["messages"] == [
        "[ERROR] missing required field: user"
    ]


async def test_people_and_groups_can_be_looked_up(client: AsyncWebClient) -> None:
    """The admin flag, group members and channels are what an app reads for permissions."""
    ada = (await client.users_info(user="U0ADMIN001"))["user"]
    mel = (await client.users_info(user="U0MEMBER01"))["user"]
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    members = (await client.usergroups_users_list(usergroup="S0PLATFORM"))["users"]
    channel = (await client.conversations_info(channel="C0ALERTS01"))["channel"]
    team = (await client.team_info())["team"]

    assert (ada["is_admin"], mel["is_admin"]) == (True, False)
    assert [group["handle"] for group in groups] == ["platform", "security"]
    assert members == ["U0MANAGER1"]
    assert (channel["name"], channel["is_member"]) == ("registry-alerts", True)
    assert team["id"] == "T0SANDBOX1"
    with pytest.raises(SlackApiError, match="user_not_found"):
        await client.users_info(user="U0NOBODY01")
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        await client.usergroups_users_list(usergroup="S0NOBODY01")


async def test_posting_is_limited_per_channel(client: AsyncWebClient) -> None:
    """A short burst passes, then Slack answers 429 with the seconds to wait; others are free."""
    for _ in range(5):
        await client.chat_postMessage(channel="#general", text="hello")

    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="#general", text="hello")

    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "1"
    assert refused.value.response["error"] == "ratelimited"
    await client.chat_postMessage(channel="#registry-alerts", text="hello")


async def test_the_sdks_retry_handler_waits_and_gets_through(client: AsyncWebClient) -> None:
    """Retry-After is true: who waits that long is served."""
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))

    answers = [await client.chat_postMessage(channel="#general", text="x") for _ in range(6)]

    assert all(answer["ok"] for answer in answers)


async def test_every_tier_has_its_limit(client: AsyncWebClient) -> None:
    """users.list is tier 2: the 21st call in a moment is refused."""
    for _ in range(20):
        await client.users_list()

    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.users_list()


async def test_limits_can_be_forced(slack: SlackServer, client: AsyncWebClient) -> None:
    """A test makes the next call of a method fail with the wait it wants."""
    slack.parts.limit.force("chat.update", 7)

    with pytest.raises(SlackApiError) as refused:
        await client.chat_update(channel="C0ALERTS01", ts="1.0", text="x")

    assert refused.value.response.headers["Retry-After"] == "7"
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel="C0ALERTS01", ts="1.0", text="x")


async def test_calls_side_by_side_get_different_timestamps(client: AsyncWebClient) -> None:
    """A message's timestamp is its identity, so no two are the same."""
    answers = await asyncio.gather(
        *(client.chat_postMessage(channel=channel, text="x")
          for channel in ("#general", "#registry-alerts", "U0ADMIN001", "U0MEMBER01"))
    )  # fmt: skip

    assert len({answer["ts"] for answer in answers}) == 4
