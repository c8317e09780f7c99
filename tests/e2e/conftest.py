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

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from bot.sandbox.slackd.person import ADMIN, Person

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
