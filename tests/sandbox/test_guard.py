"""Other web sites cannot use the sandbox, and it listens nowhere but on this machine."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from bot.core.clock import SystemClock
from bot.sandbox.slackd.server import SlackServer

ACT = {"user": "U0ADMIN001", "do": "send", "channel": "C0GENERAL1", "text": "hello"}


async def test_it_refuses_to_listen_on_other_addresses(tmp_path: Path) -> None:
    """Practice credentials are not for the network."""
    server = SlackServer(bot_token="xoxb", app_token="xapp", clock=SystemClock(), page_dir=tmp_path)

    with pytest.raises(ValueError, match="loopback"):
        await server.start("0.0.0.0")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},  # DNS rebinding
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "evil.example:8080"},
        {"Origin": "https://evil.example"},  # CSRF
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},  # another server of this machine
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/sandbox/state", "/sandbox/events", "/api/api.test"])
async def test_foreign_pages_are_refused(
    slack: SlackServer, headers: dict[str, str], path: str
) -> None:
    """Whatever they ask for, they read nothing."""
    async with httpx.AsyncClient(base_url=slack.url, trust_env=False) as http:
        answer = await http.get(path, headers=headers)

    assert answer.status_code == 403
    assert answer.text == "Only this machine's own page may use the sandbox."


async def test_its_own_page_is_let_in(slack: SlackServer) -> None:
    """The same origin, by either name of this machine."""
    for host in ("127.0.0.1", "localhost"):
        netloc = slack.url.removeprefix("http://").replace("127.0.0.1", host)
        headers = {"Host": netloc, "Origin": f"http://{netloc}", "Sec-Fetch-Site": "same-origin"}
        async with httpx.AsyncClient(base_url=slack.url, trust_env=False) as http:
            answer = await http.post("/sandbox/act", json=ACT, headers=headers)

        assert answer.json() == {"ok": True}


async def test_a_form_cannot_act(slack: SlackServer) -> None:
    """Only JSON is taken, which a foreign page cannot send without asking first."""
    async with httpx.AsyncClient(base_url=slack.url, trust_env=False) as http:
        as_form = await http.post("/sandbox/act", data=ACT)
        as_text = await http.post(
            "/sandbox/act", content=b"{}", headers={"Content-Type": "text/plain"}
        )

    assert as_form.status_code == as_text.status_code == 400
    assert not slack.world.channels["C0GENERAL1"].messages


async def test_answers_carry_protective_headers(slack: SlackServer) -> None:
    """No framing, no sniffing, no caching, no foreign scripts."""
    async with httpx.AsyncClient(base_url=slack.url, trust_env=False) as http:
        answer = await http.get("/sandbox/state")

    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers
