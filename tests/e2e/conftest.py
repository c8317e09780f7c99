"""The whole product as its README starts it: a process of its own, and a browser that looks at it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from bot.sandbox.slackd.person import ADMIN, Person
from tests.programs import program

START_SECONDS = 30


@dataclass
class Running:
    """A sandbox that runs."""

    url: str
    process: asyncio.subprocess.Process

    def person(self, user: str = ADMIN) -> Person:
        return Person(self.url, user)


@asynccontextmanager
async def started(**environment: str) -> AsyncIterator[Running]:
    """`registrar sandbox` on a free port, ended by SIGTERM."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "sandbox",
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        yield Running(found[0], process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 30)
        process._transport.close()  # type: ignore[attr-defined]  # or its pipe warns when collected


@pytest.fixture
async def sandbox() -> AsyncIterator[Running]:
    """A fresh sandbox."""
    async with started() as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium of the system."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        await browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Callable[..., Any]:
    """Open a page of a given size and colour scheme; a script error on it fails the test."""

    async def open_it(url: str, width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = await browser.new_context(viewport={"width": width, "height": height}, **options)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        await page.goto(url)
        return page

    return open_it
