"""The practice cluster in a browser: what is warned about, refused, asked for, allowed, and in use."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.e2e.conftest import Running
from tests.e2e.visitor import SLOWEST_MS, Visitor

APP = "ghcr.io/team/app:1.2"
FOREIGN = "quay.io/stranger/tool:1.0"


class Terminal:
    """The side panel's Cluster tab."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self.panel = visitor.page.get_by_role("complementary", name="Side panel")

    async def start(self) -> None:
        await self.panel.get_by_role("tab", name="Cluster").click()
        await self.panel.get_by_role("button", name="Start the cluster").click()
        await expect(self.panel.get_by_role("button", name=f"Deploy {APP}")).to_be_visible()

    async def deploy(self, image: str, *said: str) -> None:
        """Press its button, and see what kubectl prints for it."""
        number = await self.printed.count()
        await self.panel.get_by_role("button", name=f"Deploy {image}", exact=True).click()
        await expect(self.printed).to_have_count(number + 1)
        for words in said:
            await expect(self.printed.last).to_contain_text(words)

    @property
    def printed(self) -> Locator:
        return self.panel.get_by_test_id("printed")

    def workload(self, place: str) -> Locator:
        return self.panel.get_by_test_id(f"workload-{place}")

    async def mode(self, mode: str) -> None:
        """Press a mode, which types the command, and send it."""
        await self.panel.get_by_role("button", name=mode, exact=True).click()
        composer = self._visitor.page.get_by_role("combobox", name=re.compile("^Message"))
        await expect(composer).to_have_value(f"/registry cluster mode practice {mode}")
        await composer.press("Enter")
        pressed = self.panel.get_by_role("button", name=mode, exact=True, pressed=True)
        await expect(pressed).to_be_visible(timeout=SLOWEST_MS)
        # Rules are fresh within two seconds, for clusters as well as for people who look at them.
        await self._visitor.page.wait_for_timeout(2_000)


@pytest.fixture
async def visitor(sandbox: Running, open_page: Callable[..., Any]) -> Visitor:
    return Visitor(await open_page(sandbox.url), sandbox)


@pytest.fixture
async def terminal(visitor: Visitor) -> Terminal:
    """A practice cluster that runs nothing yet."""
    made = Terminal(visitor)
    await made.start()
    return made


async def test_a_foreign_image_is_warned_about_and_then_refused(
    visitor: Visitor, terminal: Terminal
) -> None:
    """Warn says so and lets it run; enforce refuses it with the sentence, and its next pods too."""
    await terminal.deploy(FOREIGN, "Warning: “quay.io/stranger/tool:1.0” is in no registered")
    await expect(terminal.workload("web/stranger-tool")).to_contain_text("1/1")
    await visitor.say("/registry uncovered")
    await visitor.sees("1 repository in use that no registration covers")

    await terminal.mode("enforce")
    await terminal.deploy("nginx", "denied the request: “nginx”", "/registry check")
    await expect(terminal.workload("web/nginx")).to_have_count(0)
    more = terminal.workload("web/stranger-tool").get_by_role("button", name="One pod more")
    await more.click()
    await expect(terminal.workload("web/stranger-tool")).to_contain_text("1/2")
    await expect(terminal.printed.last).to_contain_text("FailedCreate")
    assert await visitor.problems() == []
