"""A person in the sandbox, driven from Python: the client of the control interface."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

from bot.sandbox.slackd.refusal import JSON, Impossible

ADMIN = "U0ADMIN001"
MANAGER = "U0MANAGER1"
MEMBER = "U0MEMBER01"


class Person:
    """Acts and reads as `user`, by the words on the screen.

    Methods raise Impossible, with what the screen offers instead, when something cannot be done.
    """

    def __init__(self, url: str, user: str = ADMIN) -> None:
        self.user = user
        self._http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=90)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def do(self, what: str, **arguments: Any) -> JSON:
        """One command of the control interface."""
        body = {"user": self.user, "do": what, **arguments}
        answer: JSON = (await self._http.post("/sandbox/control", json=body)).json()
        if not answer.pop("ok"):
            raise Impossible(answer["error"])
        return answer

    async def type(self, text: str, channel: str = "") -> None:
        """Type into the composer, of `channel` (`#general`, `dm`) or of where the person is."""
        await self.do("type", text=text, channel=channel)

    async def go(self, place: str) -> None:
        """Look at a channel (`#general`, `dm`) or the app's `home`."""
        await self.do("go", place=place)

    async def click(self, label: str, *, confirm: bool = True) -> JSON:
        """Press a button, menu item, radio button or checkbox; `confirm` agrees to its dialog."""
        return await self.do("click", label=label, confirm=confirm)

    async def fill(self, label: str, value: str, *, enter: bool = False) -> None:
        """Type into a field, named by its label or placeholder."""
        await self.do("fill", label=label, value=value, enter=enter)

    async def choose(self, label: str, option: str | list[str] | None) -> None:
        """Pick from a select, named by its label or placeholder, by the words of the option."""
        await self.do("choose", label=label, option=option)

    async def submit(self) -> dict[str, str]:
        """Press the dialog's submit button; the errors by block_id, empty when it was taken."""
        errors: dict[str, str] = (await self.do("submit"))["errors"]
        return errors

    async def close(self, *, everything: bool = False) -> None:
        """Close the dialog, or all of them."""
        await self.do("close", all=everything)

    async def screen(self) -> JSON:
        """What the person sees: `where`, `text`, and more for a dialog."""
        return await self.do("screen")

    async def read(self) -> str:
        """The text of the screen."""
        return str((await self.screen())["text"])

    async def wait_for(self, text: str, seconds: float = 5, *, gone: bool = False) -> JSON:
        """The screen once it shows `text` (or, with `gone`, no longer does)."""
        return await self.do("wait", text=text, seconds=seconds, gone=gone)

    async def state(self, channel: str = "") -> JSON:
        """The page's snapshot of this person."""
        query = {"user": self.user, "channel": channel}
        snapshot: JSON = (await self._http.get("/sandbox/state", params=query)).json()
        return snapshot
