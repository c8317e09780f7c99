"""The whole product as its README starts it: a process of its own, and a browser that looks at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from bot.sandbox.slackd.person import ADMIN
from tests.e2e.running import Running, started
from tests.e2e.visitor import Visitor


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox() -> AsyncIterator[Running]:
    """A fresh sandbox."""
    async with started() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[Callable[..., Any]]:
    """Open a page of a given size and colour scheme; a script error on it fails the test."""
    opened: list[BrowserContext] = []
    faults: list[str] = []

    async def open_it(url: str, width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = await browser.new_context(viewport={"width": width, "height": height}, **options)
        opened.append(context)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(url)
        return page

    yield open_it
    for context in opened:
        await context.close()
    assert faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(sandbox: Running, open_page: Callable[..., Any]) -> Visitor:
    """Somebody in a workspace with an alert channel, who looks at it."""
    async with sandbox.person(ADMIN) as ada:
        await ada.type("/registry settings", "#general")
        await ada.wait_for("Alert channel")
        await ada.choose("Alert channel", "#registry-alerts")
        assert await ada.submit() == {}
        await ada.wait_for("Settings saved")
        await ada.close(everything=True)
    visitor = Visitor(await open_page(sandbox.url), sandbox)
    await visitor.page.get_by_role("button", name="registry-alerts").click()
    return visitor
