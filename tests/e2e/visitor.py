"""A person at the page: types, picks and clicks by the words that are shown."""

from __future__ import annotations

import re

from playwright.async_api import Locator, Page, expect

from bot.sandbox.slackd.refusal import JSON
from tests.e2e.running import Running

SLOWEST_MS = 20_000  # a check has ten seconds


class Visitor:
    """Drives one page of the sandbox."""

    def __init__(self, page: Page, running: Running) -> None:
        self.page = page
        self._running = running

    async def say(self, text: str) -> None:
        """Type into the composer and send it."""
        composer = self.page.get_by_role("combobox", name=re.compile("^Message"))
        await composer.fill(text)
        await composer.press("Escape")  # closes the list of completions
        await composer.press("Enter")

    @property
    def dialog(self) -> Locator:
        """The dialog on top."""
        return self.page.get_by_role("dialog").last

    @property
    def last_message(self) -> Locator:
        return self.page.locator("[data-testid=message]").last

    async def fill(self, label: str, value: str) -> None:
        """Type into a field of the dialog."""
        await self.dialog.get_by_label(label, exact=True).fill(value)

    async def choose(self, label: str, option: str) -> None:
        """Pick from a menu of the dialog."""
        await self.dialog.get_by_role("combobox", name=re.compile(f"^{label}")).first.click()
        await self.dialog.page.get_by_role("option", name=option, exact=True).click()

    async def press(self, name: str) -> None:
        """Press a button, of the dialog when there is one."""
        place = self.dialog if await self.page.get_by_role("dialog").count() else self.last_message
        await place.get_by_role("button", name=name, exact=True).last.click()

    async def sees(self, text: str) -> None:
        """Wait until the page shows `text`."""
        shown = self.page.get_by_text(text).filter(visible=True)
        await expect(shown.last).to_be_visible(timeout=SLOWEST_MS)

    async def practice(self, slug: str) -> JSON:
        """The credentials and states of a practice registry, as the side panel shows them."""
        async with self._running.person() as person:
            snapshot = await person.state()
        return next(one for one in snapshot["practice"]["registries"] if one["slug"] == slug)

    async def switch(self, slug: str, state: str) -> None:
        """Put a practice registry in a state."""
        async with self._running.person() as person:
            await person.do("practice", slug=slug, state=state)

    async def later(self, seconds: float) -> None:
        """Let the bot's clock go on, as the Skip menu does."""
        async with self._running.person() as person:
            await person.do("skip", seconds=seconds)

    async def problems(self) -> list[JSON]:
        """What Slack would have refused."""
        async with self._running.person() as person:
            problems: list[JSON] = (await person.state())["problems"]
        return problems

    async def fill_in(self, slug: str, *, leaving_out: tuple[str, ...] = ()) -> None:
        """Copy the practice credentials into the form that is open, field by field."""
        for field in (await self.practice(slug))["fields"]:
            place = self.dialog.get_by_label(field["label"], exact=True)
            if field["label"] not in leaving_out and await place.count():
                await place.fill(field["value"])
