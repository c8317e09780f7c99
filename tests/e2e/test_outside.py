"""A secret that never passes through Slack: the form, the page behind the link, and the outcome."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.e2e.conftest import Running
from tests.e2e.visitor import Visitor

SECRET = "Personal access token"


async def test_a_registry_is_added_with_its_secret_typed_outside_slack(
    sandbox: Running, open_page: Callable[..., Any]
) -> None:
    """The code of the window opens the page; what is typed there is proven in the window."""
    visitor = Visitor(await open_page(sandbox.url), sandbox)
    await visitor.say("/registry add ghcr")
    await visitor.sees("Add a registry")
    await visitor.fill_in("ghcr", leaving_out=(SECRET,))
    await visitor.press("Enter it outside Slack")
    await visitor.sees("Open the page")
    code = re.search(r"\b[0-9A-Z]{3}-[0-9A-Z]{3}\b", await visitor.dialog.inner_text())
    assert code

    async with visitor.page.context.expect_page() as opening:
        await visitor.dialog.get_by_role("button", name=re.compile("Open the page")).click()
    page = await opening.value
    fields = (await visitor.practice("ghcr"))["fields"]
    await page.get_by_label("Code").fill(code[0])
    await page.get_by_label(SECRET, exact=True).fill(
        next(one["value"] for one in fields if one["label"] == SECRET)
    )
    await page.get_by_role("button").first.click()

    await visitor.sees("Proven and saved")
    assert await visitor.problems() == []
