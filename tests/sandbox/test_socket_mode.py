"""Socket Mode: connections, envelopes, acks and retries."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slackd.person import Person
from bot.sandbox.slackd.server import SlackServer
from tests.sandbox.conftest import APP_TOKEN, until

JSON = dict[str, Any]


async def dial(client: AsyncWebClient, http: aiohttp.ClientSession) -> Any:
    url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
    return await http.ws_connect(url)


async def test_a_connection_begins_with_hello(client: AsyncWebClient) -> None:
    """The first frame says which app and how many connections."""
    async with aiohttp.ClientSession() as http, await dial(client, http) as socket:
        hello = await socket.receive_json(timeout=5)

    assert hello["type"] == "hello"
    assert hello["num_connections"] == 1
    assert hello["connection_info"] == {"app_id": "A0REGAPP01"}


async def test_a_connection_url_works_once(client: AsyncWebClient) -> None:
    """The ticket is spent by connecting."""
    url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]

    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(url):
            pass
        answer = await http.get(url.replace("ws://", "http://"))

    assert answer.status == 403


async def test_an_envelope_goes_to_one_connection_in_turn(
    slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """Two connections share the work: each command reaches exactly one of them."""
    counts = [0, 0]

    async def serve(number: int, socket: Any) -> None:
        async for message in socket:
            envelope = message.json()
            if "envelope_id" in envelope:
                counts[number] += 1
                await socket.send_json({"envelope_id": envelope["envelope_id"]})

    async with aiohttp.ClientSession() as http:
        sockets = [await dial(client, http), await dial(client, http)]
        tasks = [asyncio.create_task(serve(n, s)) for n, s in enumerate(sockets)]
        for _ in range(4):
            await ada.type("/registry list", "#general")
        for socket in sockets:
            await socket.close()
        await asyncio.gather(*tasks)

    assert counts == [2, 2]
    assert not slack.world.problems


async def test_an_eleventh_connection_is_sent_away(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """Ten connections per app, as in Slack."""
    slack.parts.limit.enabled = False
    async with aiohttp.ClientSession() as http:
        sockets = [await dial(client, http) for _ in range(10)]
        for socket in sockets:
            await socket.receive_json(timeout=5)
        eleventh = await dial(client, http)
        told = await eleventh.receive_json(timeout=5)
        for socket in [*sockets, eleventh]:
            await socket.close()

    assert told == {"type": "disconnect", "reason": "too_many_websockets"}


async def test_a_strange_ack_is_a_problem(
    slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """Acks twice, for nothing, or in no shape at all are shown, and break nothing."""
    async with aiohttp.ClientSession() as http, await dial(client, http) as socket:
        await socket.receive_json(timeout=5)
        for text in ("not json", "[]", "{}", '{"envelope_id": "unknown"}'):
            await socket.send_str(text)
        typing = asyncio.create_task(ada.type("/registry list", "#general"))
        envelope = await socket.receive_json(timeout=5)
        for _ in range(2):
            await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await typing
        await until(slack, lambda: len(slack.world.problems) == 5)

    errors = [problem["error"] for problem in slack.world.problems]
    assert errors == ["malformed_ack"] * 3 + ["unknown_envelope"] * 2


async def test_a_refresh_loses_nothing(app: AsyncApp, slack: SlackServer, ada: Person) -> None:
    """Asked to reconnect, the client makes a new connection, and commands go on working."""

    @app.command("/registry")
    async def listen(ack: Any) -> None:
        await ack("here")

    await slack.parts.link.refresh()
    await until(slack, lambda: slack.parts.link.connections == 1)
    await ada.type("/registry list", "#general")

    assert "here" in await ada.read()


async def test_a_cut_connection_comes_back(app: AsyncApp, slack: SlackServer, ada: Person) -> None:
    """After the network failed without a word the client connects again by itself."""

    @app.command("/registry")
    async def listen(ack: Any) -> None:
        await ack("back")

    slack.parts.link.drop()
    await until(slack, lambda: slack.parts.link.connections == 0)
    await until(slack, lambda: slack.parts.link.connections == 1)
    await ada.type("/registry list", "#general")

    assert "back" in await ada.read()


async def test_an_event_that_is_not_acked_comes_again(
    slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """The same event_id with a rising retry_attempt, until it is acked."""
    seen: list[tuple[str, int, str]] = []
    async with aiohttp.ClientSession() as http, await dial(client, http) as socket:
        await socket.receive_json(timeout=5)
        await ada.go("home")
        while len(seen) < 3:
            envelope = await socket.receive_json(timeout=5)
            event_id = envelope["payload"]["event_id"]
            seen.append((event_id, envelope["retry_attempt"], envelope["retry_reason"]))
        await socket.send_json({"envelope_id": envelope["envelope_id"]})

    assert [attempt for _, attempt, _ in seen] == [0, 1, 2]
    assert len({event_id for event_id, _, _ in seen}) == 1
    assert seen[-1][2] == "timeout"


async def test_opening_home_is_an_event(app: AsyncApp, ada: Person) -> None:
    """The app hears which tab was opened; before it published there is no view in it."""
    got: asyncio.Queue[JSON] = asyncio.Queue()

    @app.event("app_home_opened")
    async def listen(event: JSON) -> None:
        await got.put(event)

    await ada.go("home")

    event = await asyncio.wait_for(got.get(), 5)
    assert (event["tab"], event["user"]) == ("home", "U0ADMIN001")
    assert "view" not in event


async def test_two_bots_share_the_work(
    app: AsyncApp, slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """A second process of the same app gets every other command."""
    served: list[str] = []

    @app.command("/registry")
    async def first(ack: Any) -> None:
        await ack()
        served.append("first")

    other = AsyncApp(client=client)

    @other.command("/registry")
    async def second(ack: Any) -> None:
        await ack()
        served.append("second")

    handler = AsyncSocketModeHandler(other, APP_TOKEN)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await until(slack, lambda: slack.parts.link.connections == 2)
    for _ in range(4):
        await ada.type("/registry list", "#general")
    await handler.close_async()  # type: ignore[no-untyped-call]

    assert sorted(served) == ["first", "first", "second", "second"]
