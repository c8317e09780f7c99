"""The page's snapshot, its events, and the control interface."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.clock import MovableClock
from bot.sandbox.slackd.person import Person
from bot.sandbox.slackd.refusal import Impossible
from bot.sandbox.slackd.server import SlackServer
from tests.sandbox.kit import actions, button, modal, plain, section, typed
from tests.sandbox.kit import field as input_block

ALERTS = "C0ALERTS01"


@dataclass
class Words:
    value: str
    label: str
    secret: bool = False


@dataclass
class Token:
    handle: str
    fields: Sequence[Words]
    name: str = "practice"
    note: str = "made today"
    undying: bool = False
    removed: bool = False


TOKEN = (Words("ghp_practice", "Personal access token", secret=True),)


@dataclass
class Ghcr:
    slug: str = "ghcr"
    label: str = "GitHub Container Registry"
    host: str = "ghcr.io"
    state: str = "healthy"
    states: Sequence[Words] = (Words("healthy", "Healthy"), Words("expired", "Expired"))
    fields: Sequence[Words] = TOKEN
    credentials: list[Token] = field(default_factory=lambda: [Token("1", TOKEN)])
    managing: Sequence[Words] = (Words("pass", "Password of the account", secret=True),)


@dataclass
class Said:
    at: datetime
    who: str
    what: str


@dataclass
class Board:
    registries: list[Ghcr] = field(default_factory=lambda: [Ghcr()])
    log: Sequence[Said] = (Said(datetime(2026, 1, 1, tzinfo=UTC), "ghcr.io", "GET /v2/ → 401"),)

    def set_state(self, slug: str, state: str) -> None:
        if slug != "ghcr" or state not in {"healthy", "expired"}:
            raise ValueError(slug)
        self.registries[0].state = state

    def make(self, slug: str) -> None:
        if slug != "ghcr":
            raise ValueError(slug)
        self.registries[0].credentials.append(Token("2", TOKEN))

    def remove(self, slug: str, handle: str) -> None:
        held = self.registries[0].credentials
        if slug != "ghcr" or handle not in {one.handle for one in held}:
            raise ValueError(slug)
        held[:] = [one for one in held if one.handle != handle]

    def let_outlive(self, slug: str, handle: str, *, undying: bool) -> None:
        held = [one for one in self.registries[0].credentials if one.handle == handle]
        if slug != "ghcr" or not held:
            raise ValueError(slug)
        held[0].undying = undying


@pytest.fixture
async def practising(tmp_path: Path, clock: MovableClock) -> Any:
    """A server with practice registries, a page and a clock that can be moved."""
    (tmp_path / "index.html").write_text("<!doctype html><title>Page</title>")
    (tmp_path / "app.js").write_text("'use strict'")
    server = SlackServer(
        bot_token="xoxb",
        app_token="xapp",
        clock=clock,
        page_dir=tmp_path,
        practice=Board(),
        on_skip=lambda seconds: clock.skip(timedelta(seconds=seconds)),
        names=lambda: {"NAME": ["ghcr-acme"]},
    )
    await server.start()
    yield server
    await server.close()


async def test_the_page_and_its_assets_are_served(practising: SlackServer) -> None:
    """index.html at the root, the rest below /page/, nothing outside of it."""
    async with httpx.AsyncClient(base_url=practising.url, trust_env=False) as http:
        index = await http.get("/")
        asset = await http.get("/page/app.js")
        outside = await http.get("/page/%2e%2e/%2e%2e/etc/passwd")

    assert "<title>Page" in index.text
    assert asset.text == "'use strict'"
    assert outside.status_code in {403, 404}


async def test_practice_registries_are_shown_and_switched(practising: SlackServer) -> None:
    """States, credentials to copy and the log come from the practice registries."""
    async with Person(practising.url) as ada:
        before = await ada.state()
        await ada.do("practice", slug="ghcr", state="expired")
        after = await ada.state()
        with pytest.raises(Impossible, match="no such state"):
            await ada.do("practice", slug="ghcr", state="on fire")

    registry = before["practice"]["registries"][0]
    assert registry["fields"] == [
        {"label": "Personal access token", "value": "ghp_practice", "secret": True}
    ]
    assert registry["managing"][0]["label"] == "Password of the account"
    assert registry["states"][1] == {"value": "expired", "label": "Expired"}
    assert after["practice"]["registries"][0]["state"] == "expired"
    assert before["log"][0]["who"] == "ghcr.io"
    assert before["names"] == {"NAME": ["ghcr-acme"]}
    assert before["commands"][0]["text"] == "/registry list"


async def test_credentials_are_made_and_removed_in_the_panel(practising: SlackServer) -> None:
    """As on the vendor's own page while one is rotated by hand."""
    async with Person(practising.url) as ada:
        await ada.do("make_credential", slug="ghcr")
        both = await ada.state()
        await ada.do("remove_credential", slug="ghcr", handle="1")
        one = await ada.state()
        with pytest.raises(Impossible, match="no such credential"):
            await ada.do("remove_credential", slug="ghcr", handle="1")
        with pytest.raises(Impossible, match="no such practice registry"):
            await ada.do("make_credential", slug="quay")

    def handles(state: dict[str, Any]) -> list[str]:
        return [held["handle"] for held in state["practice"]["registries"][0]["credentials"]]

    assert (handles(both), handles(one)) == (["1", "2"], ["2"])
    assert both["practice"]["registries"][0]["credentials"][0] == {
        "handle": "1",
        "name": "practice",
        "note": "made today",
        "fields": [{"label": "Personal access token", "value": "ghp_practice", "secret": True}],
        "undying": False,
        "removed": False,
    }


async def test_a_credential_may_refuse_to_die(practising: SlackServer) -> None:
    """As where a vendor removes one from its page before it does everywhere else."""
    async with Person(practising.url) as ada:
        seen = []
        for undying in (True, False):
            await ada.do("outlive_credential", slug="ghcr", handle="1", undying=undying)
            held = (await ada.state())["practice"]["registries"][0]["credentials"][0]
            seen.append(held["undying"])
        with pytest.raises(Impossible, match="no such credential"):
            await ada.do("outlive_credential", slug="ghcr", handle="7", undying=True)

    assert seen == [True, False]


async def test_time_is_skipped(practising: SlackServer, clock: MovableClock) -> None:
    """The bot's clock moves forward, within reason."""
    before = clock.now()
    async with Person(practising.url) as ada:
        await ada.do("skip", seconds=86_400)
        for wrong in (0, -5, 10**9, "1"):
            with pytest.raises(Impossible, match="Skip between"):
                await ada.do("skip", seconds=wrong)
        now = datetime.fromisoformat((await ada.state())["now"])

    assert 86_400 <= (now - before).total_seconds() < 86_500


async def test_a_plain_server_offers_neither(slack: SlackServer, ada: Person) -> None:
    """Without practice registries and clock the snapshot says so."""
    state = await ada.state()

    assert (state["practice"], state["can_skip"], state["connected"]) == (None, False, False)
    for do in ("skip", "practice"):
        with pytest.raises(Impossible):
            await ada.do(do)


async def test_a_snapshot_of_a_stranger_is_refused(slack: SlackServer) -> None:
    """Only people of the workspace have a screen."""
    async with httpx.AsyncClient(base_url=slack.url, trust_env=False) as http:
        answer = await http.get("/sandbox/state?user=U0NOBODY01")
        act = await http.post("/sandbox/act", json={"user": "U0REGBOT01", "do": "open_home"})

    assert answer.json()["error"] == "user_not_found"
    assert act.json() == {"ok": False, "error": "There is no such person."}


async def test_changes_are_streamed(slack: SlackServer, ada: Person) -> None:
    """Each change sends a newer version; closing the server ends the stream."""
    versions: list[int] = []
    async with (
        httpx.AsyncClient(base_url=slack.url, trust_env=False) as http,
        http.stream("GET", "/sandbox/events?user=U0ADMIN001") as stream,
    ):
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                versions.append(json.loads(line.removeprefix("data: "))["version"])
                if len(versions) == 3:
                    break
                await ada.type("hello", "#general")

    assert versions == sorted(set(versions))


async def test_closing_ends_streams_at_once(tmp_path: Path, clock: MovableClock) -> None:
    """A page that listens does not keep the server from stopping."""
    server = SlackServer(bot_token="b", app_token="a", clock=clock, page_dir=tmp_path)
    await server.start()
    async with (
        httpx.AsyncClient(base_url=server.url, trust_env=False) as http,
        http.stream("GET", "/sandbox/events") as stream,
    ):
        await anext(stream.aiter_lines())
        await asyncio.wait_for(server.close(), 3)


async def test_the_screen_is_readable_text(
    slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """Mentions are named, links shown by their words, entities unescaped."""
    words = "<@U0MANAGER1> fix <https://x.example|this> &amp; <#C0GENERAL1> <!date^1^{date}|today>"
    await client.chat_postMessage(
        channel=ALERTS,
        text="x",
        blocks=[section(words, accessory=button("Fix")), actions(button("Snooze", "s"))],
    )
    await ada.go("#registry-alerts")

    assert await ada.read() == (
        "Registrar:\n@Mo Manager fix this & #general today  [Fix]\n[Snooze]"
    )


async def test_waiting_ends_when_the_words_appear(client: AsyncWebClient, ada: Person) -> None:
    """Or says, after the time, what is on the screen instead."""
    await ada.go("#registry-alerts")
    waiting = asyncio.create_task(ada.wait_for("ready"))
    await asyncio.sleep(0.05)
    await client.chat_postMessage(channel=ALERTS, text="ready")

    assert "ready" in (await waiting)["text"]
    with pytest.raises(Impossible, match=r"does not show 'done':\nRegistrar:\nready"):
        await ada.wait_for("done", 0.1)
    with pytest.raises(Impossible, match="still shows"):
        await ada.wait_for("ready", 0.1, gone=True)


async def test_what_is_not_there_is_answered_with_what_is(
    slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """A scenario that looks for the wrong words learns the right ones."""
    await client.chat_postMessage(
        channel=ALERTS, text="x", blocks=[actions(button("Fix")), input_block("Name", typed())]
    )
    await ada.go("#registry-alerts")

    for act, words in (
        (ada.click("Fxi"), "There is no 'Fxi' to click, but: 'Fix'"),
        (ada.fill("Nmae", "x"), "There is no field 'Nmae', but: 'Name'"),
        (ada.choose("Kind", "x"), "There is no field 'Kind', but: nothing"),
        (ada.go("#nowhere"), "There is no channel #nowhere"),
        (ada.submit(), "No dialog is open"),
        (ada.do("dance"), "Nobody can do that here: dance"),
    ):
        with pytest.raises(Impossible, match=words):
            await act


async def test_a_dialog_covers_the_composer(slack: SlackServer, ada: Person) -> None:
    """As in a client, nothing is typed behind a modal."""
    slack.parts.views.open("U0ADMIN001", modal(section("inside"), submit=plain("Go")))

    with pytest.raises(Impossible, match="covers the composer"):
        await ada.type("hello", "#general")


JUNK: tuple[Any, ...] = (None, 5, "x", [], [None], {}, {"type": "message"}, {"value": 1})


@pytest.mark.parametrize("do", ["send", "block", "options", "submit", "close", "skip", "practice",
                                "type", "go", "click", "fill", "choose", "wait", [], None])  # fmt: skip
async def test_junk_is_answered_not_crashed_on(
    slack: SlackServer, client: AsyncWebClient, ada: Person, do: Any
) -> None:
    """Whatever JSON an act holds, the answer is a sentence."""
    await client.views_publish(
        user_id=ada.user, view={"type": "home", "blocks": [input_block("Name", typed())]}
    )
    keys = ("container", "block_id", "value", "view_id", "values", "channel", "text", "label",
            "seconds", "slug", "place", "option")  # fmt: skip
    for path in ("/sandbox/act", "/sandbox/control"):
        for key in keys:
            for junk in JUNK:
                body = {"user": ada.user, "do": do, "seconds": 0, key: junk}
                answer = await ada._http.post(path, json=body)
                assert answer.status_code == 200
                assert isinstance(answer.json()["ok"], bool)


async def test_an_element_takes_only_its_own_values(
    slack: SlackServer, client: AsyncWebClient, ada: Person
) -> None:
    """A list for a date, a number for a person and a text for a list are refused."""
    people = {"type": "users_select", "action_id": "u"}
    many = {"type": "multi_users_select", "action_id": "m"}
    await client.views_publish(
        user_id=ada.user, view={"type": "home", "blocks": [actions(people, many)]}
    )
    for action_id, value in (("u", 5), ("u", ["U1"]), ("m", "U1"), ("m", [{}])):
        with pytest.raises(Impossible):
            await ada.do(
                "block",
                container={"type": "home"},
                block_id="acts",
                action_id=action_id,
                value=value,
            )
