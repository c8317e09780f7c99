"""Looking into a registry in a browser: its images, what a tag holds, and whether one is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.async_api import expect

from tests.e2e.running import Running
from tests.e2e.visitor import SLOWEST_MS, Visitor


async def test_a_right_reference_is_found(sandbox: Running, open_page: Callable[..., Any]) -> None:
    """From the list to the tags, to the digest of one; and a wrong one is said not to be there."""
    visitor = Visitor(await open_page(sandbox.url), sandbox)
    await visitor.say("/registry add ghcr")
    await visitor.sees("Add a registry")
    await visitor.fill_in("ghcr")
    await visitor.fill("Name", "ghcr-acme")
    await visitor.press("Test and save")
    await visitor.sees("Proven and saved")
    await visitor.press("Done")

    await visitor.say("/registry images ghcr-acme")
    await visitor.sees("Repositories of")
    await visitor.press("Tags of team/app")
    await visitor.sees("ghcr.io/team/app:1.2")
    await visitor.press("Details of 1.2")
    await visitor.sees("It is there")
    await expect(visitor.dialog).to_contain_text("ghcr.io/team/app@sha256:", timeout=SLOWEST_MS)
    await visitor.press("Close")

    await visitor.say("/registry check ghcr.io/team/app:multi")
    await visitor.sees("linux/amd64, linux/arm64")
    await visitor.press("Close")
    await visitor.say("/registry check ghcr.io/team/app:9.9")
    await visitor.sees("Not in the registry")
    assert await visitor.problems() == []
