"""Rotating in the browser: for every kind, a new credential, the grace period, the old one dead."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from bot.kinds.registry_kinds import KINDS
from bot.sandbox.slackd.person import ADMIN
from tests.e2e.running import Running
from tests.e2e.visitor import SLOWEST_MS, Visitor

DAY = 86_400
HOUR = 3_600


def _name(slug: str) -> str:
    return f"mine-{slug.replace('_', '-')}"


async def _do(running: Running, act: str, **body: object) -> None:
    async with running.person(ADMIN) as ada:
        await ada.do(act, **body)


async def _added(visitor: Visitor, slug: str) -> str:
    """A proven registry of a kind; the handle of its credential."""
    await visitor.say(f"/registry add {slug}")
    await visitor.sees("Add a registry")
    if slug == "public_ecr":
        await visitor.dialog.get_by_label("Access keys", exact=True).check()
        await visitor.sees("Secret Access Key")
    await visitor.fill_in(slug)
    await visitor.fill("Name", _name(slug))
    await visitor.press("Test and save")
    await visitor.sees("Proven and saved")
    await visitor.press("Done")
    return str((await visitor.practice(slug))["credentials"][-1]["handle"])


async def _rotated(visitor: Visitor, running: Running, slug: str) -> None:
    """A second credential, put in through the four steps."""
    await _do(running, "make_credential", slug=slug)
    await visitor.say(f"/registry rotate {_name(slug)}")
    await visitor.sees("1. Create")
    await visitor.fill_in(slug)
    await visitor.press("Test and switch")
    await visitor.sees("Proven and in force")
    await visitor.press("Done")


def _message(visitor: Visitor, words: str) -> Locator:
    return visitor.page.get_by_test_id("message").filter(has_text=re.compile(words)).last


@pytest.mark.timeout(300)
async def test_every_kind_is_rotated_and_the_old_one_seen_dead(
    visitor: Visitor, sandbox: Running
) -> None:
    """The message of each follows it: in force, removed at the vendor, refused twice, done."""
    old = {slug: await _added(visitor, slug) for slug in KINDS}
    for slug, handle in old.items():
        await _rotated(visitor, sandbox, slug)
        message = _message(visitor, f"{_name(slug)}.* is in force")
        await expect(message).to_be_visible(timeout=SLOWEST_MS)
        await _do(sandbox, "remove_credential", slug=slug, handle=handle)

    await visitor.later(DAY)
    await visitor.later(HOUR)

    for slug in KINDS:
        message = _message(visitor, f"{_name(slug)}.*the old .* was seen dead")
        await expect(message).to_be_visible(timeout=SLOWEST_MS)
    # Nine posts come at once, and the sandbox's bot does not leave a second between them.
    problems = await visitor.problems()
    assert [one for one in problems if one["error"] != "ratelimited"] == []


@pytest.mark.timeout(180)
async def test_an_old_one_that_refuses_to_die_is_said(visitor: Visitor, sandbox: Running) -> None:
    """It was removed in the panel and works on: one reply says so, until it dies at last."""
    await _added(visitor, "ghcr")
    await _rotated(visitor, sandbox, "ghcr")
    card = visitor.page.get_by_test_id("practice-ghcr")
    if await card.get_by_role("button").first.get_attribute("aria-expanded") != "true":
        await card.get_by_role("button").first.click()
    old = card.get_by_role("region").first
    await old.get_by_role("checkbox", name="works on").check()
    await old.get_by_role("button", name="Remove").click()
    await expect(old.get_by_text("removed but works on")).to_be_visible()

    await visitor.later(DAY)
    await visitor.later(HOUR)

    message = _message(visitor, "the old token still works")
    await expect(message).to_be_visible(timeout=SLOWEST_MS)
    await expect(message.get_by_role("link", name="Open it").first).to_be_visible()

    await old.get_by_role("checkbox", name="works on").uncheck()
    await visitor.later(DAY)
    await visitor.later(HOUR)

    await expect(_message(visitor, "the old .* was seen dead")).to_be_visible(timeout=SLOWEST_MS)
    assert await visitor.problems() == []
