"""Two months in a minute: a token ages, people are reminded, it dies, somebody takes it and fixes it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.e2e.visitor import SLOWEST_MS, Visitor

SKIP_MS = 40_000
DAY = 86_400


async def _skip(visitor: Visitor, what: str) -> None:
    page = visitor.page
    await page.get_by_role("button", name="Skip time").click()
    await page.get_by_role("menuitem", name=f"Skip {what}").click()
    done = page.get_by_text(f"went on by {what}").last
    await expect(done).to_be_visible(timeout=SKIP_MS)
    await expect(page.get_by_role("button", name="Skip time")).to_be_visible()


async def _days_until(visitor: Visitor, message: Locator, most: int) -> None:
    """Skip a day at a time until the message is there; reminders keep to working days."""
    for _ in range(most):
        if await message.count():
            return
        await visitor.later(DAY)
    await expect(message).to_be_visible(timeout=SLOWEST_MS)


def _message(visitor: Visitor, words: str) -> Locator:
    return visitor.page.get_by_test_id("message").filter(has_text=re.compile(words)).last


async def _thread(message: Locator) -> Locator:
    """The replies of a message, unfolded."""
    await message.get_by_role("button", name=re.compile(r"repl(y|ies)")).click()
    return message.get_by_test_id("message")


@pytest.mark.timeout(180)
async def test_a_token_ages_dies_and_is_fixed(visitor: Visitor) -> None:
    """The reminder comes and is edited; the alert is taken, fixed and green; its thread tells it."""
    page = visitor.page
    await visitor.say("/registry add ghcr")
    await visitor.sees("Add a registry")
    await visitor.fill_in("ghcr")
    await visitor.press("Test and save")
    await visitor.sees("Proven and saved")
    await visitor.press("Done")
    await _skip(visitor, "30 days")
    reminder = _message(visitor, r"ghcr: the token expires in \d\d days")
    await _days_until(visitor, reminder, 5)
    first = await reminder.get_attribute("data-ts")
    same = page.locator(f"[data-testid=message][data-ts='{first}']")
    await visitor.later(20 * DAY)
    await expect(same).not_to_contain_text(re.compile(r"expires in [23]\d days"))
    assert await (await _thread(same)).count() >= 1

    alert = _message(visitor, "🔴 Failing")
    await _days_until(visitor, alert, 15)
    assert await page.get_by_test_id("message").filter(has_text="🔴 Failing").count() == 1
    await expect(same).to_contain_text("refused now")
    stands = await alert.get_attribute("data-ts")
    alert = page.locator(f"[data-testid=message][data-ts='{stands}']")
    await alert.get_by_role("button", name=re.compile("^Acknowledge")).click()
    await expect(alert).to_contain_text("Acknowledged", timeout=SLOWEST_MS)

    await visitor.switch("ghcr", "healthy")
    await alert.get_by_role("button", name=re.compile("^Fix credential")).click()
    await visitor.sees("Edit a registry")
    await visitor.fill_in("ghcr")
    await visitor.press("Test and save")
    await visitor.sees("Proven and saved")
    await visitor.press("Done")
    await _skip(visitor, "1 hour")
    await expect(alert).to_contain_text("✅", timeout=SLOWEST_MS)
    replies = await _thread(alert)
    await expect(replies.filter(has_text="acknowledged")).not_to_have_count(0)
    await expect(replies.filter(has_text="✅")).not_to_have_count(0)
    assert await visitor.problems() == []
