"""A secret that never passes through Slack: the form, the page behind the link, and the outcome."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from bot.sandbox.slackd.person import ADMIN
from tests.e2e.running import Running
from tests.e2e.visitor import SLOWEST_MS, Visitor

SECRET = "Personal access token"
PHONE = {"width": 360, "height": 740, "java_script_enabled": False, "color_scheme": "dark"}
DESK = {"width": 1280, "height": 800}


async def value_of(visitor: Visitor, label: str) -> str:
    """The newest credential of the practice registry."""
    fields = (await visitor.practice("ghcr"))["fields"]
    return str(next(one["value"] for one in fields if one["label"] == label))


async def enter(
    visitor: Visitor, open_page: Callable[..., Any], secret: str, **browser: Any
) -> None:
    """Follow the link of the window, in a browser of its own, by keyboard alone."""
    await visitor.sees("Open the page")
    code = re.search(r"\b[0-9A-Z]{3}-[0-9A-Z]{3}\b", await visitor.dialog.inner_text())
    assert code
    async with visitor.page.context.expect_page() as opening:
        await visitor.dialog.get_by_role("button", name=re.compile("Open the page")).click()
    opened = await opening.value
    page = await open_page(opened.url, **browser)
    await opened.close()
    await expect(page.get_by_label("Code")).to_be_focused()
    await page.keyboard.type(code[0])
    await page.keyboard.press("Tab")
    await expect(page.get_by_label(SECRET, exact=True)).to_be_focused()
    await page.keyboard.type(secret)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading")).to_have_text("Entered", timeout=SLOWEST_MS)
    await page.context.close()


async def test_a_registry_is_added_with_its_secret_typed_outside_slack(
    sandbox: Running, open_page: Callable[..., Any]
) -> None:
    """The code of the window opens the page; what is typed there is proven in the window."""
    visitor = Visitor(await open_page(sandbox.url), sandbox)
    await visitor.say("/registry add ghcr")
    await visitor.sees("Add a registry")
    await visitor.fill_in("ghcr", leaving_out=(SECRET,))
    await visitor.press("Enter it outside Slack")
    await enter(visitor, open_page, await value_of(visitor, SECRET), **DESK)

    await visitor.sees("Proven and saved")
    assert await visitor.problems() == []


@pytest.mark.timeout(180)
async def test_a_workspace_that_takes_secrets_on_the_page_only(
    sandbox: Running, open_page: Callable[..., Any]
) -> None:
    """Set, added, mended after a wrong secret, and rotated: on a phone without script, in the dark.

    No window of Slack has a field for the secret.
    """
    visitor = Visitor(await open_page(sandbox.url), sandbox)
    await visitor.say("/registry settings")
    await visitor.sees("Secrets are entered")
    await visitor.dialog.get_by_label("Only on the page", exact=True).check()
    await visitor.press("Save")
    await visitor.sees("Settings saved")
    await visitor.press("Done")

    await visitor.say("/registry add ghcr")
    await visitor.sees("Add a registry")
    assert await visitor.dialog.get_by_label(SECRET, exact=True).count() == 0
    await visitor.fill_in("ghcr")
    await visitor.fill("Name", "mine")
    await visitor.press("Enter the secret")
    await enter(visitor, open_page, "ghp_" + "x" * 36, **PHONE)
    await visitor.sees("Correct it")
    await visitor.press("Correct it")
    await visitor.sees("What you typed before is kept")
    await visitor.press("Enter it outside Slack")
    await enter(visitor, open_page, await value_of(visitor, SECRET), **PHONE)
    await visitor.sees("Proven and saved")
    await visitor.press("Done")

    async with sandbox.person(ADMIN) as ada:
        await ada.do("make_credential", slug="ghcr")
    await visitor.say("/registry rotate mine")
    await visitor.sees("1. Create")
    assert await visitor.dialog.get_by_label(SECRET, exact=True).count() == 0
    await visitor.press("Enter the secret")
    await enter(visitor, open_page, await value_of(visitor, SECRET), **PHONE)

    await visitor.sees("Proven and in force")
    assert await visitor.problems() == []
