"""A cluster added in the browser, and its token seen on the page outside Slack."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.async_api import expect

from tests.e2e.running import Running
from tests.e2e.visitor import SLOWEST_MS, Visitor


async def test_a_token_is_seen_once_outside_slack(
    sandbox: Running, open_page: Callable[..., Any]
) -> None:
    """Slack shows a link and a code; the page behind it wants the code."""
    visitor = Visitor(await open_page(sandbox.url), sandbox)
    await visitor.say("/registry cluster add prod-eu production")
    await visitor.sees("Add a cluster")
    await visitor.press("Add")
    await visitor.sees("is added")
    code = re.search(r"\b[0-9A-Z]{3}-[0-9A-Z]{3}\b", await visitor.dialog.inner_text())
    assert code

    async with visitor.page.context.expect_page() as opening:
        await visitor.dialog.get_by_role("button", name=re.compile("Open the page")).click()
    page = await opening.value
    await page.get_by_label("Code").fill(code[0])
    await page.get_by_role("button", name="Show the token").click()
    token = page.get_by_label("The token", exact=True)
    await expect(token).to_have_text(re.compile(r"^rgct_[\w-]{43}$"), timeout=SLOWEST_MS)
    await page.goto(page.url)
    await expect(page.get_by_role("heading", name="Nothing to show")).to_be_visible()

    await visitor.press("Done")
    composer = visitor.page.get_by_role("combobox", name=re.compile("^Message"))
    await composer.fill("/registry cluster show pro")
    await expect(visitor.page.get_by_role("option", name=re.compile("prod-eu"))).to_be_visible()
    await visitor.say("/registry cluster show prod-eu")
    await visitor.sees("never used yet")
    assert await visitor.problems() == []
