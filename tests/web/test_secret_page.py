"""The page outside Slack that shows a cluster's token once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import Browser, expect
from sqlalchemy import text

from bot.core.secret import Secret
from bot.store.engine import open_store
from bot.usecases import cluster_rotation, clusters
from bot.usecases.cluster_tokens import authenticate
from bot.usecases.clusters import Wanted
from bot.usecases.deps import Deps
from bot.usecases.link_codes import GOOD_FOR
from bot.usecases.secret_links import Link
from bot.web import secret_page
from bot.web.application import web_application
from bot.web.secret_page import SecretPage
from tests.chromium import chromium
from tests.factories import ALICE, clock_of, deps_on

Client = TestClient[Any, Any]
TOKEN = re.compile(r"rgct_[A-Za-z0-9_-]{43}")


@pytest.fixture
async def deps(sqlite_url: str) -> AsyncIterator[Deps]:
    made = deps_on(sqlite_url)
    yield made
    await made.store.close()


@pytest.fixture
async def link(deps: Deps) -> Link:
    return await clusters.add_with_link(deps, ALICE, Wanted("prod-eu"))


@pytest.fixture
async def client(deps: Deps) -> AsyncIterator[Client]:
    async def ready() -> dict[str, bool]:
        return {}

    routes = SecretPage(deps).routes()
    application = web_application(app=None, ready=ready, clock=deps.clock, routes=routes)
    async with TestClient(TestServer(application)) as client:
        yield client


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """One on the loop of these tests, which is not the session's."""
    async with chromium() as started:
        yield started


async def _type(client: Client, link: Link, code: str) -> tuple[int, str]:
    answer = await client.post(link.path, data={"code": code})
    return answer.status, await answer.text()


def _wrong(link: Link, number: int = 0) -> str:
    return (
        "123456789"[number] * 6 if link.code[0] == "0" else "0" * (5 - number) + "1" * number + "0"
    )


async def test_looking_shows_nothing_and_changes_nothing(client: Client, link: Link) -> None:
    """Slack and scanners of mail fetch each link that they see."""
    for method in (client.get, client.head, client.get):
        answer = await method(link.path)
        assert answer.status == 200
        assert not TOKEN.search(await answer.text())

    status, text = await _type(client, link, link.code)
    assert status == 200
    assert TOKEN.search(text)


async def test_the_token_of_the_page_signs_in(deps: Deps, client: Client, link: Link) -> None:
    """It is shown once."""
    _, text = await _type(client, link, link.code.lower())
    found = TOKEN.search(text)
    assert found
    assert link.cluster.id in text

    assert await authenticate(deps, link.cluster.id, Secret(found[0])) == link.cluster


async def test_a_second_opening_shows_nothing(
    client: Client, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by a reload, and not by going back, once the moment of a double click is over."""
    monkeypatch.setattr(secret_page, "DOUBLE_CLICK", 0.01)
    await _type(client, link, link.code)
    await asyncio.sleep(0.05)

    status, text = await _type(client, link, link.code)
    assert (status, TOKEN.search(text)) == (404, None)
    assert (await client.get(link.path)).status == 404


async def test_a_double_click_loses_no_token(client: Client, link: Link) -> None:
    """The browser shows the second answer: it is the same as the first."""
    first, second = await asyncio.gather(*(_type(client, link, link.code) for _ in range(2)))

    assert first == second
    assert TOKEN.search(second[1])


async def test_a_double_click_on_a_wrong_code_is_one_try(client: Client, link: Link) -> None:
    """Two are left afterwards."""
    both = await asyncio.gather(*(_type(client, link, _wrong(link)) for _ in range(2)))

    assert [status for status, _ in both] == [403, 403]
    assert all("Tries left: 2" in text for _, text in both)


async def test_three_wrong_codes_end_the_link(client: Client, link: Link) -> None:
    """The right one comes too late."""
    tried = [await _type(client, link, _wrong(link, number)) for number in range(3)]

    assert [status for status, _ in tried] == [403, 403, 404]
    assert "third wrong code" in tried[2][1]
    assert (await _type(client, link, link.code))[0] == 404


async def test_an_expired_link_an_unknown_one_and_nonsense_look_alike(
    deps: Deps, client: Client, link: Link
) -> None:
    """Nobody learns which links there ever were."""
    clock_of(deps).skip(GOOD_FOR)
    paths = [link.path, "/secret/" + "a" * 43, "/secret/%00", "/secret/..%2f", "/secret/%ff%fe"]
    pages = {
        (answer.status, await answer.text()) for answer in [await client.get(p) for p in paths]
    }
    posts = {
        (answer.status, await answer.text())
        for answer in [await client.post(p, data={"code": "ABC-DEF"}) for p in paths]
    }

    assert len(pages | posts) == 1
    assert next(iter(pages))[0] == 404


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"code=", "application/x-www-form-urlencoded"),
        (b"code=%ff%fe", "application/x-www-form-urlencoded; charset=moon"),
        (b"\xff\xfe=\x00", "application/x-www-form-urlencoded"),
        (b'{"code": 1}', "application/json"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"code=" + b"A" * 900_000, "application/x-www-form-urlencoded"),
        (b"&".join([b"code=A"] * 100), "text/plain"),
    ],
)
async def test_a_body_that_is_none_costs_no_try(
    client: Client, link: Link, body: bytes, kind: str
) -> None:
    """The form comes back with what it wants."""
    answer = await client.post(link.path, data=body, headers={"Content-Type": kind})

    assert answer.status == 400
    assert "Type the six letters and digits" in await answer.text()
    assert TOKEN.search((await _type(client, link, link.code))[1])


async def test_a_database_that_is_away_takes_no_link(
    deps: Deps, client: Client, link: Link, sqlite_url: str
) -> None:
    """It is said, and the same link works afterwards."""
    path = sqlite_url.removeprefix("sqlite:///")
    await deps.store.close()
    with open(path, "r+b") as file:  # noqa: ASYNC230, PTH123
        head = file.read(100)
        file.seek(0)
        file.write(b"x" * 100)
    asked, typed = await client.get(link.path), await _type(client, link, link.code)
    await deps.store.close()
    with open(path, "r+b") as file:  # noqa: ASYNC230, PTH123
        file.write(head)

    assert (asked.status, typed[0]) == (503, 503)
    assert "nothing is lost" in typed[1]
    assert TOKEN.search((await _type(client, link, link.code))[1])


async def test_a_locked_database_takes_no_link(
    deps: Deps, client: Client, link: Link, sqlite_url: str
) -> None:
    """Looking still works; showing waits, gives up, and works afterwards."""
    blocker = open_store(sqlite_url, deps.store.keyring, deps.clock)
    hurried = open_store(sqlite_url, deps.store.keyring, deps.clock, busy_seconds=0.05)
    other = SecretPage(Deps(hurried, deps.checker, deps.clock, deps.allow))

    async def ready() -> dict[str, bool]:
        return {}

    application = web_application(app=None, ready=ready, clock=deps.clock, routes=other.routes())
    async with TestClient(TestServer(application)) as impatient:
        async with blocker.transaction() as session:
            await session.exec(text("DELETE FROM draft"))  # type: ignore[call-overload]
            asked, typed = await impatient.get(link.path), await _type(impatient, link, link.code)
        assert (asked.status, typed[0]) == (200, 503)
        assert TOKEN.search((await _type(impatient, link, link.code))[1])
    await hurried.close()
    await blocker.close()


async def test_every_answer_forbids_keeping_framing_and_scripts(client: Client, link: Link) -> None:
    """Also those without a token."""
    for answer in (
        await client.get(link.path),
        await client.post(link.path, data={"code": _wrong(link)}),
        await client.post(link.path, data={"code": link.code}),
        await client.get("/secret/nothing"),
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script" not in await answer.text()


async def test_a_name_is_no_markup(client: Client, deps: Deps, link: Link) -> None:
    """Whatever stands in the row."""
    from bot.store import clusters as rows

    async with deps.store.transaction() as session:
        await rows.change(session, link.cluster.id, {"name": "<img src=x onerror=alert(1)>"})

    text = await (await client.get(link.path)).text()
    assert "<img" not in text
    assert "&lt;img" in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_the_page_in_a_browser(
    client: Client, deps: Deps, link: Link, browser: Browser, width: int, scheme: Any
) -> None:
    """Styled, nothing refused, nothing sideways; a double click on the button shows the token."""
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(str(client.make_url(link.path)))

    field = page.get_by_label("Code")
    await expect(field).to_be_focused()
    await field.fill("000-00")
    await page.get_by_role("button", name="Show the token").click()
    await expect(page.get_by_role("alert")).to_contain_text("six letters and digits")
    await expect(field).to_have_attribute("aria-invalid", "true")
    assert said == [
        "Failed to load resource: the server responded with a status of 400 (Bad Request)"
    ]
    said.clear()
    await field.fill(link.code.lower())
    await page.get_by_role("button", name="Show the token").dblclick()

    token = page.get_by_label("The token", exact=True)
    await expect(token).to_have_text(TOKEN)
    await token.click()
    assert TOKEN.fullmatch(await page.evaluate("getSelection().toString().trim()"))
    background = await page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth")
    assert background == "576px"
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    await context.close()


async def test_a_link_of_a_rotation_shows_the_new_token(
    deps: Deps, client: Client, link: Link
) -> None:
    """And the first link, which nobody opened, is over."""
    rotated = await cluster_rotation.rotate_with_link(deps, ALICE, "prod-eu")

    assert (await _type(client, link, link.code))[0] == 404
    found = TOKEN.search((await _type(client, rotated, rotated.code))[1])
    assert found
    await authenticate(deps, link.cluster.id, Secret(found[0]))
