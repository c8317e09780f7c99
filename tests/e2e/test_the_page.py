"""The main job, in a browser: nine kinds added, a failure corrected, edit, delete and restore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.kinds.registry_kinds import KINDS
from bot.sandbox.slackd.person import ADMIN
from tests.e2e.running import Running
from tests.e2e.visitor import SLOWEST_MS, Visitor

WITH_ACCOUNT = {"public_ecr": "Access keys"}


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(sandbox: Running, open_page: Callable[..., Any]) -> Visitor:
    """Somebody who looks at a fresh sandbox for the first time."""
    return Visitor(await open_page(sandbox.url), sandbox)


async def _add(visitor: Visitor, slug: str) -> None:
    await visitor.say(f"/registry add {slug}")
    await visitor.sees("Add a registry")
    if slug in WITH_ACCOUNT:
        await visitor.dialog.get_by_label(WITH_ACCOUNT[slug], exact=True).click()
        await expect(visitor.dialog.get_by_label("Access Key ID")).to_be_visible()
    await visitor.fill_in(slug)
    await visitor.press("Test and save")


async def test_each_of_the_nine_kinds_is_added_and_proven(visitor: Visitor) -> None:
    """Every kind's form, filled in with a working credential, ends proven and saved."""
    for slug in KINDS:
        await _add(visitor, slug)
        await visitor.sees("Proven and saved")
        await visitor.press("Done")
        await expect(visitor.page.get_by_role("dialog")).to_have_count(0)

    await visitor.say("/registry list")
    await visitor.sees("9 registries")
    assert await visitor.problems() == []


async def test_a_failure_is_corrected_without_typing_the_secret_again(visitor: Visitor) -> None:
    """The cause is said, the form comes back, and the secret has waited on our side."""
    await visitor.say("/registry add ghcr")
    await visitor.sees("Add a registry")
    await visitor.switch("ghcr", "down")
    await visitor.fill_in("ghcr")
    await visitor.press("Test and save")
    await visitor.sees("Not saved")
    await visitor.switch("ghcr", "healthy")

    await visitor.press("Correct it")
    await visitor.sees("Personal access token")
    secret = visitor.dialog.get_by_label("Personal access token")
    await expect(secret).to_have_value("")
    await visitor.fill("Description", "corrected")
    await visitor.press("Test and save")
    await visitor.sees("Proven and saved")
    assert await visitor.problems() == []


async def test_what_is_wrong_is_said_and_can_be_saved_all_the_same(visitor: Visitor) -> None:
    """An expired token is named as such; saving it anyway marks it as not proven."""
    await visitor.switch("gitlab", "expired")
    await _add(visitor, "gitlab")
    await expect(visitor.dialog).to_contain_text("expired", timeout=SLOWEST_MS)
    await visitor.press("Save anyway, not proven")
    await visitor.sees("Saved")
    await visitor.press("Done")

    await visitor.say("/registry list")
    await visitor.sees("needs attention")


async def test_a_registry_is_edited_deleted_and_restored(visitor: Visitor) -> None:
    """Edit keeps the secret when its field stays blank; delete asks for the name; restore undoes."""
    await _add(visitor, "generic")
    await visitor.sees("Proven and saved")
    await visitor.press("Done")

    await visitor.say("/registry edit generic")
    await visitor.sees("Edit a registry")
    await expect(visitor.dialog.get_by_label("Password")).to_have_value("")
    await visitor.fill("Description", "the build farm's images")
    await visitor.press("Test and save")
    await visitor.sees("Proven and saved")
    await visitor.press("Done")
    await visitor.say("/registry show generic")
    await visitor.sees("the build farm's images")

    await visitor.say("/registry delete generic")
    await visitor.sees("Delete a registry")
    await visitor.fill("Type its name to delete it: generic", "something else")
    await visitor.press("Delete")
    wrong = visitor.dialog.get_by_role("alert").first
    await expect(wrong).to_be_visible(timeout=SLOWEST_MS)
    await visitor.fill("Type its name to delete it: generic", "generic")
    await visitor.press("Delete")
    await visitor.sees("It can be restored for 7 days, here or with")
    await visitor.press("Done")
    await visitor.say("/registry show generic")
    await visitor.sees("no registry called")
    await visitor.say("/registry restore generic")
    await visitor.sees("is back")
    await visitor.say("/registry list")
    await visitor.sees("1 registry")
    assert await visitor.problems() == []


async def test_a_shape_error_stands_on_its_field(visitor: Visitor) -> None:
    """A mistake that needs no network is said on the field, and nothing typed is lost."""
    await visitor.say("/registry add ecr")
    await visitor.sees("Add a registry")
    await visitor.fill_in("ecr", leaving_out=("Region",))
    await visitor.fill("Region", "us-east-1")
    await visitor.press("Test and save")

    await expect(visitor.dialog.get_by_role("alert").first).to_contain_text("eu-west-1")
    await expect(visitor.dialog.get_by_label("Region")).to_have_value("us-east-1")


async def test_a_member_is_told_who_can_help(visitor: Visitor, sandbox: Running) -> None:
    """Once the workspace is set up, somebody who manages nothing is refused with a name."""
    async with sandbox.person(ADMIN) as ada:
        await ada.type("/registry settings", "#general")
        await ada.wait_for("Alert channel")
        await ada.choose("Alert channel", "#registry-alerts")
        assert await ada.submit() == {}
    await visitor.page.get_by_text("Mel Member").first.click()
    await visitor.say("/registry add")

    await visitor.sees("admin")
    await expect(visitor.page.get_by_label("Registry URL")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_nothing_sticks_out_sideways(
    sandbox: Running, open_page: Callable[..., Any], width: int, scheme: str
) -> None:
    """The page fits its window on a desk and on a telephone, in light and in dark."""
    page = await open_page(sandbox.url, width=width, height=844, color_scheme=scheme)
    visitor = Visitor(page, sandbox)
    await visitor.say("/registry add ghcr")
    await visitor.sees("Add a registry")

    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
