"""The practice cluster in a browser: what is warned about, refused, asked for, allowed, and in use."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.e2e.running import Running
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
        await expect(self.printed).to_have_count(number + 1, timeout=SLOWEST_MS)
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
        await composer.press(
            "Escape"
        )  # closes the list of completions, which Enter would pick from
        await composer.press("Enter")
        pressed = self.panel.get_by_role("button", name=mode, exact=True, pressed=True)
        await expect(pressed).to_be_visible(timeout=SLOWEST_MS)
        await self.rules_are_fresh()

    async def rules_are_fresh(self) -> None:
        """What changed holds for clusters within two seconds; on a busy machine a little later."""
        await self._visitor.page.wait_for_timeout(4_000)


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(sandbox: Running, open_page: Callable[..., Any]) -> Visitor:
    return Visitor(await open_page(sandbox.url), sandbox)


@pytest_asyncio.fixture(loop_scope="session")
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
    await expect(terminal.workload("web/stranger-tool")).to_contain_text("1/2", timeout=SLOWEST_MS)
    await expect(terminal.printed.last).to_contain_text("FailedCreate")
    assert await visitor.problems() == []


async def test_who_is_refused_asks_and_may_deploy(
    sandbox: Running, visitor: Visitor, terminal: Terminal
) -> None:
    """A member asks, a manager approves with the form, the use shows, and guards the registry."""
    await _alert_channel(sandbox)
    await terminal.mode("enforce")
    await terminal.deploy(APP, "denied the request")
    await visitor.page.get_by_role("radio", name=re.compile("^Mel")).click()
    await terminal.printed.last.get_by_role("button", name="Check it in Slack").click()
    await visitor.page.get_by_role("combobox", name=re.compile("^Message")).press("Enter")
    await visitor.press("Ask to register this")
    await visitor.sees("The managers are asked.")

    await visitor.page.get_by_role("radio", name=re.compile("^Ada")).click()
    await visitor.page.get_by_role("button", name="registry-alerts").click()
    await visitor.sees("is asked for")
    await visitor.last_message.get_by_role("button", name="Approve").click()
    await visitor.sees("Add a registry")
    await visitor.fill_in("ghcr")
    await visitor.fill("Name", "ghcr-acme")
    await visitor.press("Test and save")
    await visitor.sees("Proven and saved")
    await visitor.press("Done")
    await terminal.rules_are_fresh()
    await terminal.deploy(APP, "deployment.apps/team-app created")
    await expect(terminal.printed.last).to_have_attribute("data-outcome", "done")

    await visitor.say("/registry uses ghcr-acme")
    await visitor.sees("is used by 1 workload in 1 cluster")
    await visitor.say("/registry list")
    await visitor.sees("used by 1")
    await _delete(visitor)
    await terminal.rules_are_fresh()
    await terminal.workload("web/team-app").get_by_role("button", name="One pod more").click()
    await expect(terminal.workload("web/team-app")).to_contain_text(
        "New pods are refused", timeout=SLOWEST_MS
    )
    await visitor.say("/registry uncovered")
    await visitor.sees("1 repository in use that no registration covers")
    assert await visitor.problems() == []


async def _alert_channel(sandbox: Running) -> None:
    async with sandbox.person() as ada:
        await ada.type("/registry settings", "#general")
        await ada.wait_for("Alert channel")
        await ada.choose("Alert channel", "#registry-alerts")
        assert await ada.submit() == {}
        await ada.wait_for("Settings saved")
        await ada.close(everything=True)


async def _delete(visitor: Visitor) -> None:
    """Delete the registry, which is refused until the reason is given."""
    await visitor.say("/registry delete ghcr-acme")
    await visitor.sees("Deployments may stop: 1 workload in 1 cluster would be refused.")
    await visitor.sees("practice/web/Deployment/team-app")
    await visitor.dialog.get_by_label(re.compile("^Type its name")).fill("ghcr-acme")
    await visitor.press("Delete")
    await visitor.sees("Please complete this required field.")
    await visitor.dialog.get_by_label(re.compile("^Reason")).fill("We move to another one.")
    await visitor.press("Delete")
    await visitor.sees("It can be restored for 7 days, here or with")
    await visitor.press("Done")


async def test_any_image_and_another_token_by_keyboard(
    visitor: Visitor, terminal: Terminal
) -> None:
    """What is typed stays in the field; a token that is not good is said so, the field forgets it."""
    field = terminal.panel.get_by_role("textbox", name="Any image")
    await field.fill("quay.io/acme/web:2")
    await field.press("Enter")
    await expect(terminal.workload("web/acme-web")).to_contain_text("1/1")
    await expect(field).to_have_value("quay.io/acme/web:2")
    await terminal.panel.get_by_text("New token").press("Enter")
    token = terminal.panel.get_by_label("New token")
    await token.fill("rgct_of-another-cluster")
    await token.press("Enter")
    await visitor.sees("No cluster has this id and this token")
    await expect(token).to_have_value("")
