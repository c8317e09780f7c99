"""`POST /sandbox/control`: drive the sandbox by the words on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from bot.sandbox.slackd.acts import Acts
from bot.sandbox.slackd.interactions import Interactions
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.places import place_of
from bot.sandbox.slackd.refusal import JSON, Impossible
from bot.sandbox.slackd.screen import HOME, Screen, Target
from bot.sandbox.slackd.state import KEPT, TYPED
from bot.sandbox.slackd.validate import options_in
from bot.sandbox.slackd.views import View

LONGEST_WAIT: Final = 60.0
_WRITTEN: Final = TYPED | {"datepicker", "timepicker", "datetimepicker"}
_CLICKED: Final = frozenset({"button", "workflow_button", "icon_button"})


class Control:
    """A person's hands and eyes. What is not known here is passed on to Acts."""

    def __init__(self, parts: Parts, interactions: Interactions, acts: Acts) -> None:
        self._parts = parts
        self._interactions = interactions
        self._acts = acts
        self._screen = Screen(parts)
        self._table: dict[str, Callable[[str, JSON], Awaitable[JSON]]] = {
            "type": self._type,
            "go": self._go,
            "click": self._click,
            "fill": self._fill,
            "choose": self._choose,
            "submit": self._submit,
            "close": self._close,
            "screen": self._look,
            "wait": self._wait,
        }

    async def do(self, body: JSON) -> JSON:
        """Do `body["do"]` as `body["user"]`; raises Impossible with what there is instead."""
        user_id = str(body.get("user", ""))
        if user_id not in {user.id for user in self._parts.world.people()}:
            raise Impossible("There is no such person.")
        handler = self._table.get(str(body.get("do")))
        if handler is None:
            return await self._acts.act(body)
        return await handler(user_id, body)

    # -- moving and reading

    async def _go(self, user_id: str, body: JSON) -> JSON:
        place = str(body.get("place", ""))
        if place == HOME:
            self._screen.go(user_id, HOME)
            await self._interactions.open_home(user_id)
            return {}
        self._screen.go(user_id, self._channel(user_id, place))
        return {}

    def _channel(self, user_id: str, name: str) -> str:
        if name == "dm":
            return self._parts.world.dm(user_id).id
        for channel in self._parts.world.visible(user_id):
            if name in {channel.id, f"#{channel.name}"}:
                return channel.id
        raise Impossible(f"There is no channel {name}.")

    async def _look(self, user_id: str, body: JSON) -> JSON:
        del body
        return self._screen.describe(user_id)

    async def _wait(self, user_id: str, body: JSON) -> JSON:
        text, gone = str(body.get("text", "")), body.get("gone") is True
        wanted = body.get("seconds", 5)
        seconds = min(wanted, LONGEST_WAIT) if isinstance(wanted, int | float) else 5
        changes = self._parts.world.changes
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            version = changes.version
            seen = self._screen.describe(user_id)
            if (text in seen["text"]) is not gone:
                return seen
            left = end - loop.time()
            if left <= 0:
                state = "still shows" if gone else "does not show"
                raise Impossible(f"The screen {state} {text!r}:\n{seen['text']}")
            await changes.after(version, left)

    # -- acting

    async def _type(self, user_id: str, body: JSON) -> JSON:
        if self._screen.top(user_id) is not None:
            raise Impossible("A dialog covers the composer.")
        if body.get("channel"):
            self._screen.go(user_id, self._channel(user_id, str(body["channel"])))
        elif self._screen.place(user_id) == HOME:
            self._screen.go(user_id, self._channel(user_id, "dm"))
        place, text = self._screen.place(user_id), str(body.get("text", ""))
        await self._interactions.send(user_id, place, text, str(body.get("thread_ts") or ""))
        return {}

    async def _click(self, user_id: str, body: JSON) -> JSON:
        label = str(body.get("label", ""))
        view = self._screen.top(user_id)
        for key, press in (("submit", self._submit), ("close", self._close)):
            if view is not None and self._screen.plain.text(view.body[key]) == label:
                return await press(user_id, body)
        target, value = self._clickable(user_id, label)
        answer = await self._block(user_id, target, value)
        if "confirm" in answer and body.get("confirm", True):
            return await self._block(user_id, target, value, confirmed=True)
        return answer

    def _clickable(self, user_id: str, label: str) -> tuple[Target, Any]:
        offered: list[str] = []
        for target in self._screen.targets(user_id):
            element = target.element
            if element["type"] in _CLICKED:
                offered.append(self._screen.plain.text(element["text"]))
                if offered[-1] == label:
                    return target, None
            if element["type"] in {"overflow", "radio_buttons", "checkboxes"}:
                for option in element["options"]:
                    offered.append(self._screen.plain.text(option["text"]))
                    if offered[-1] == label:
                        return target, self._toggled(user_id, target, option)
        raise Impossible(f"There is no {label!r} to click, but: {_listed(offered)}")

    def _toggled(self, user_id: str, target: Target, option: JSON) -> Any:
        if target.element["type"] != "checkboxes":
            return option
        picked = self._answer(user_id, target) or []
        if option in picked:
            return [other for other in picked if other != option]
        return [*picked, option]

    def _answer(self, user_id: str, target: Target) -> Any:
        place = place_of(self._parts, user_id, target.container)
        answers = place.values.get(target.block["block_id"], {})
        state = answers.get(target.element["action_id"], {})
        return state.get(KEPT[target.element["type"]].key)

    async def _fill(self, user_id: str, body: JSON) -> JSON:
        target = self._labelled(user_id, str(body.get("label", "")), _WRITTEN)
        event = "enter" if body.get("enter") is True else "change"
        return await self._block(user_id, target, body.get("value"), event=event)

    async def _choose(self, user_id: str, body: JSON) -> JSON:
        kinds = frozenset(KEPT) - _WRITTEN
        target = self._labelled(user_id, str(body.get("label", "")), kinds)
        wanted = body.get("option")
        value: Any
        if KEPT[target.element["type"]].many:
            names = wanted if isinstance(wanted, list) else [wanted]
            value = [await self._option(user_id, target, str(name)) for name in names]
        else:
            value = None if wanted is None else await self._option(user_id, target, str(wanted))
        answer = await self._block(user_id, target, value)
        if "confirm" in answer:
            return await self._block(user_id, target, value, confirmed=True)
        return answer

    async def _option(self, user_id: str, target: Target, name: str) -> Any:
        kind = target.element["type"]
        if "users_select" in kind:
            return self._person(name)
        if "channels_select" in kind or "conversations_select" in kind:
            return self._channel(user_id, name)
        options = options_in(target.element)
        if "external_select" in kind:
            found = await self._interactions.options(
                user_id,
                target.container,
                target.block["block_id"],
                target.element["action_id"],
                name,
            )
            options = options_in(found)
        texts = [self._screen.plain.text(option["text"]) for option in options]
        if name not in texts:
            raise Impossible(f"There is no option {name!r}, but: {_listed(texts)}")
        return options[texts.index(name)]

    def _person(self, name: str) -> str:
        for user in self._parts.world.users.values():
            if name.removeprefix("@") in {user.id, user.name, user.real_name}:
                return user.id
        raise Impossible(f"There is no person {name}.")

    def _labelled(self, user_id: str, label: str, kinds: Iterable[str]) -> Target:
        wanted = frozenset(kinds)
        offered: list[str] = []
        for target in self._screen.targets(user_id):
            if target.element["type"] in wanted:
                names = self._names(target)
                offered.append(names[0])
                if label in names:
                    return target
        raise Impossible(f"There is no field {label!r}, but: {_listed(offered)}")

    def _names(self, target: Target) -> list[str]:
        block, element, plain = target.block, target.element, self._screen.plain
        written = [block.get("label"), block.get("text"), element.get("placeholder")]
        names = [plain.text(words) for words in written if words]
        return [*names, element["action_id"], block["block_id"]]

    async def _block(
        self,
        user_id: str,
        target: Target,
        value: Any,
        *,
        event: str = "change",
        confirmed: bool = False,
    ) -> JSON:
        return await self._interactions.block(
            user_id,
            target.container,
            target.block["block_id"],
            target.element["action_id"],
            value,
            event=event,
            confirmed=confirmed,
        )

    async def _submit(self, user_id: str, body: JSON) -> JSON:
        del body
        view = self._dialog(user_id)
        errors = await self._interactions.submit(user_id, view.id)
        return {"errors": errors, "trouble": view.trouble}

    async def _close(self, user_id: str, body: JSON) -> JSON:
        everything = body.get("all") is True
        await self._interactions.close(user_id, self._dialog(user_id).id, everything=everything)
        return {}

    def _dialog(self, user_id: str) -> View:
        view = self._screen.top(user_id)
        if view is None:
            raise Impossible("No dialog is open.")
        return view


def _listed(words: list[str]) -> str:
    return ", ".join(repr(word) for word in dict.fromkeys(words)) or "nothing"
