"""Headless Chromium of the system: one for all tests of a process, and a context of its own for each.

Its objects belong to one event loop, so the tests of these folders share theirs, and their fixtures
say `loop_scope="session"`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.programs import program

FOLDERS = {"e2e", "page"}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """One that runs, on the loop of whoever starts it."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=program("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield started
        await started.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser. Whoever opens a context closes it."""
    async with chromium() as started:
        yield started


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of these folders on the loop of the browser."""
    for item in items:
        if item.path.parent.name in FOLDERS and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
