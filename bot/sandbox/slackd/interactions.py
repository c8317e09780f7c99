"""What a person does in their client, and what Slack does with the app's answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

from bot.sandbox.slackd import payloads, state
from bot.sandbox.slackd.link import NotAcked
from bot.sandbox.slackd.messages import check_content, named_content
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.places import Place, place_of
from bot.sandbox.slackd.refusal import JSON, Impossible, Refusal
from bot.sandbox.slackd.validate import refuse_suggestions, refuse_view
from bot.sandbox.slackd.views import View
from bot.sandbox.slackd.world import Channel, Message

TROUBLE: Final = "We had some trouble connecting. Try again?"
NO_RESULTS: Final[JSON] = {"options": [], "option_groups": []}


class Interactions:
    """Everything the page, the control interface and the tests can do as a person.

    Methods raise Impossible for what a client would not let a person do.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._world = parts.world
        self._tasks: set[asyncio.Task[None]] = set()

    # -- composer

    async def send(self, user_id: str, channel_id: str, text: str, thread_ts: str = "") -> None:
        """Type into the composer: a slash command of ours, of Slack, or a message."""
        channel = self._channel(user_id, channel_id)
        word, _, rest = text.strip().partition(" ")
        if not text.strip():
            raise Impossible("Type something first.")
        if not word.startswith("/"):
            await self._say(user_id, channel, text, thread_ts)
        elif thread_ts:
            raise Impossible(f"{word} is not supported in threads. Sorry!")
        elif word == self._world.app.command:
            await self._command(user_id, channel, rest)
        else:
            self._builtin(user_id, channel, word, rest)

    def _channel(self, user_id: str, channel_id: str) -> Channel:
        for channel in self._world.visible(user_id):
            if channel.id == channel_id:
                return channel
        raise Impossible("There is no such channel.")

    async def _say(self, user_id: str, channel: Channel, text: str, thread_ts: str) -> None:
        if channel.is_archived:
            raise Impossible(f"#{channel.name} is archived.")
        content = self._escaped(text)
        ts = self._world.next_ts()
        self._world.post(Message(ts, channel.id, user_id, content, thread_ts=thread_ts or None))
        if channel.kind == "dm":
            body = {"type": "message", "channel_type": "im", "channel": channel.id}
            self.event({**body, "user": user_id, "text": content, "ts": ts}, "message.im")

    def _builtin(self, user_id: str, channel: Channel, word: str, rest: str) -> None:
        bot = self._world.app.user_id
        if word == "/invite" and rest.lower().lstrip("@") == "registrar":
            channel.members.add(bot)
            self._world.whisper(channel.id, user_id, "Registrar was added to this channel.")
        elif word in {"/remove", "/kick"} and rest.lower().lstrip("@") == "registrar":
            channel.members.discard(bot)
            self._world.whisper(channel.id, user_id, "Registrar was removed from this channel.")
        elif word == "/archive" and channel.kind == "channel":
            channel.is_archived = True
            self._world.whisper(channel.id, user_id, "This channel is archived now.")
        else:
            self._world.whisper(
                channel.id,
                user_id,
                f"{word} is not a valid command. In Slack, all messages that start with the "
                '"/" character are interpreted as commands.',
            )

    def _escaped(self, text: str) -> str:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for user in self._world.users.values():
            text = re.sub(rf"(?<!\S)@{user.name}\b", f"<@{user.id}|{user.name}>", text)
        for channel in self._world.channels.values():
            if channel.kind == "channel":
                name = re.escape(channel.name)
                text = re.sub(rf"(?<!\S)#{name}\b", f"<#{channel.id}|{channel.name}>", text)
        return re.sub(r"(?<!\S)(https?://\S+)", r"<\1>", text)

    async def _command(self, user_id: str, channel: Channel, rest: str) -> None:
        text = self._escaped(rest) if self._parts.install.escape else rest
        payload = payloads.command(
            self._world,
            user_id,
            channel,
            text.strip(),
            trigger_id=self._parts.triggers.issue(user_id),
            response_url=self._response_url(channel.id, user_id),
        )
        name = self._world.users[user_id].real_name
        verb = next(iter(rest.split()), "")
        # Only the verb: a secret pasted into a command must not reach the log.
        self._world.note(name, f"{self._world.app.command} {verb}".strip())
        try:
            answer = await self._deliver("slash_commands", payload, f"command {verb}")
            self._command_answer(user_id, channel, rest, answer)
        except NotAcked as error:
            self._command_failed(user_id, channel, error.code)
        except Refusal as error:
            self._world.problem("ack of a command", error.code, error.messages)
            self._command_failed(user_id, channel, "invalid_command_response")

    def _command_failed(self, user_id: str, channel: Channel, code: str) -> None:
        text = f'{self._world.app.command} failed with the error "{code}"'
        self._world.whisper(channel.id, user_id, text)

    def _command_answer(self, user_id: str, channel: Channel, rest: str, answer: JSON) -> None:
        if not answer:
            return
        check_content(answer)
        visible = answer.get("response_type") == "in_channel"
        if visible:
            typed = f"{self._world.app.command} {rest}".strip()
            self._world.post(Message(self._world.next_ts(), channel.id, user_id, typed))
        self._world.from_app(channel.id, named_content(answer), None if visible else user_id)

    # -- opening

    async def open_home(self, user_id: str, tab: str = "home") -> None:
        """The person opens the app's Home or Messages tab."""
        body: JSON = {
            "type": "app_home_opened",
            "user": user_id,
            "channel": self._world.dm(user_id).id,
            "tab": tab,
            "event_ts": self._world.next_ts(),
        }
        home = self._parts.views.homes.get(user_id)
        if tab == "home" and home is not None:
            body["view"] = self._parts.views.payload(home)
        self.event(body, "app_home_opened")

    def event(self, body: JSON, name: str) -> None:
        """Send an event to the app, with Slack's retries; nobody waits for it."""
        if name in self._parts.install.events:
            task = asyncio.create_task(self._event(payloads.event(self._world, body), name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _event(self, payload: JSON, name: str) -> None:
        reason = ""
        for attempt, pause in enumerate((0.0, *self._parts.install.retry_seconds)):
            await asyncio.sleep(pause)
            try:
                await self._parts.delivery.deliver(
                    "events_api", payload, answerable=False, attempt=attempt, reason=reason
                )
            except NotAcked as error:
                reason = "timeout" if error.code == "operation_timeout" else "connection_failed"
                if reason == "timeout":
                    self._world.problem(f"event {name}", error.code, f"attempt {attempt}")
            else:
                return

    # -- blocks

    async def block(
        self,
        user_id: str,
        container: Mapping[str, Any],
        block_id: str,
        action_id: str,
        value: Any,
        *,
        event: str = "change",
        confirmed: bool = False,
    ) -> JSON:
        """Click, pick or type. `event` is `enter` when Enter was pressed in a text field.

        Answers `{"sent": bool}`, with `url` for a link button and `confirm` when it must be
        confirmed first.
        """
        place = place_of(self._parts, user_id, container)
        block, element = state.find(place.blocks, block_id, action_id)
        if element.get("confirm") and not confirmed:
            return {"sent": False, "confirm": element["confirm"]}
        chosen = self._choose(place, block, element, value)
        self._world.changes.bump()
        if not _dispatches(block, element, event):
            return {"sent": False}
        payload = place.describe(payloads.envelope_base(self._world, "block_actions", user_id))
        payload["actions"] = [payloads.action(self._world, block, element, chosen)]
        payload["trigger_id"] = self._parts.triggers.issue(user_id, place.view_id)
        if place.message is not None:
            channel, ts = place.message.channel, place.message.ts
            payload["response_url"] = self._response_url(channel, user_id, ts)
        self._world.note(self._world.users[user_id].real_name, f"{element['type']} {action_id}")
        await self._act(place, payload, f"action {action_id}")
        return {"sent": True, **({"url": element["url"]} if element.get("url") else {})}

    def _choose(self, place: Place, block: JSON, element: JSON, value: Any) -> Any:
        kind = element["type"]
        if kind == "overflow":
            wanted = value.get("value") if isinstance(value, dict) else value
            for option in element["options"]:
                if option["value"] == wanted:
                    return option
            raise Impossible("That option is not offered any more.")
        if kind not in state.KEPT:
            return None
        if "external_select" in kind:
            place.check_offered(block["block_id"], element["action_id"], value)
        chosen = state.entered(element, value)
        place.values.setdefault(block["block_id"], {})[element["action_id"]] = chosen
        return chosen

    async def _act(self, place: Place, payload: JSON, where: str) -> None:
        view = place.view
        try:
            await self._deliver("interactive", payload, where)
        except NotAcked as error:
            if view is None:
                raise Impossible(f'This did not work: "{error.code}".') from None
            view.trouble = TROUBLE
            self._world.changes.bump()
            raise Impossible(TROUBLE) from None

    async def options(
        self,
        user_id: str,
        container: Mapping[str, Any],
        block_id: str,
        action_id: str,
        query: str,
    ) -> JSON:
        """What an external select offers for `query`: `options` and `option_groups`."""
        place = place_of(self._parts, user_id, container)
        block, element = state.find(place.blocks, block_id, action_id)
        if "external_select" not in element["type"]:
            raise Impossible("That menu is not searched by the app.")
        if len(query) < element.get("min_query_length", 3):
            return dict(NO_RESULTS)
        payload = place.describe(payloads.envelope_base(self._world, "block_suggestion", user_id))
        payload |= {"block_id": block["block_id"], "action_id": action_id, "value": query}
        payload.pop("state", None)
        where = f"options of {action_id}"
        try:
            answer = await self._deliver("interactive", payload, where)
            refuse_suggestions(answer)
        except NotAcked:
            raise Impossible("No results: the app did not answer.") from None
        except Refusal as error:
            self._world.problem(where, error.code, error.messages)
            raise Impossible("No results: the app answered something Slack refuses.") from None
        place.offer(block["block_id"], action_id, answer)
        return {**NO_RESULTS, **answer}

    # -- modals

    async def submit(
        self, user_id: str, view_id: str, values: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, str]:
        """Press the submit button; answers the errors per block_id, empty when there are none."""
        view = self._top(user_id, view_id)
        if not view.body.get("submit"):
            raise Impossible("This dialog has no submit button.")
        if view.busy:
            raise Impossible("It is being sent already.")
        self._fill(user_id, view, values or {})
        view.trouble = ""
        view.errors = state.refused_by_client(view.blocks, view.values)
        if not view.errors:
            await self._submit(view)
        self._world.changes.bump()
        return view.errors

    def _fill(self, user_id: str, view: View, values: Mapping[str, Mapping[str, Any]]) -> None:
        place = place_of(self._parts, user_id, {"type": "view", "view_id": view.id})
        for block_id, answers in values.items():
            for action_id, value in answers.items():
                block, element = state.find(view.blocks, block_id, action_id)
                self._choose(place, block, element, value)

    async def _submit(self, view: View) -> None:
        base = payloads.envelope_base(self._world, "view_submission", view.user_id)
        payload = {
            **base,
            "trigger_id": self._parts.triggers.issue(view.user_id, view.id),
            "view": self._parts.views.payload(view),
            "response_urls": payloads.answered_urls(
                view, lambda channel: self._response_url(channel, view.user_id)
            ),
        }
        where = f"submission of {view.body['callback_id']}"
        self._world.note(self._world.users[view.user_id].real_name, where)
        view.busy = True
        self._world.changes.bump()
        try:
            answer = await self._deliver("interactive", payload, where)
            self._submitted(view, answer)
        except NotAcked:
            view.trouble = TROUBLE
        except Refusal as error:
            self._world.problem(f"ack of {where}", error.code, error.messages)
            view.trouble = TROUBLE
        finally:
            view.busy = False

    def _submitted(self, view: View, answer: JSON) -> None:
        views = self._parts.views
        if view not in views.stack(view.user_id):
            return  # the person closed it meanwhile
        match answer.get("response_action"):
            case None if not answer:
                views.close(view)
            case "clear":
                views.clear(view.user_id)
            case "errors":
                view.errors = _field_errors(view, answer.get("errors"))
            case "update" | "push" as action:
                refuse_view(answer.get("view"), home=False)
                (views.update if action == "update" else views.push)(view, answer["view"])
            case _:
                raise Refusal("invalid_response_action")

    def _top(self, user_id: str, view_id: str) -> View:
        view = self._parts.views.get(user_id, view_id)
        stack = self._parts.views.stack(user_id)
        if not stack or stack[-1] is not view:
            raise Impossible("Another dialog is on top of this one.")
        return view

    async def close(self, user_id: str, view_id: str, *, everything: bool = False) -> None:
        """Press Cancel (one view) or the cross (`everything`); the app hears of it if it asked."""
        view = self._top(user_id, view_id)
        stack = self._parts.views.stack(user_id)
        cleared = everything or bool(view.body["clear_on_close"])
        closing = list(reversed(stack)) if cleared else [view]
        for closed in closing:
            self._parts.views.close(closed)
        for closed in closing:
            if closed.body["notify_on_close"]:
                await self._closed(closed, cleared=cleared)

    async def _closed(self, view: View, *, cleared: bool) -> None:
        payload = {
            **payloads.envelope_base(self._world, "view_closed", view.user_id),
            "view": self._parts.views.payload(view),
            "is_cleared": cleared,
        }
        try:
            await self._deliver("interactive", payload, f"close of {view.body['callback_id']}")
        except NotAcked:
            return  # the person sees nothing of it; it is among the problems

    # -- the app's side

    async def _deliver(self, kind: str, payload: JSON, where: str) -> JSON:
        try:
            return await self._parts.delivery.deliver(kind, payload, answerable=True)
        except NotAcked as error:
            reason = (
                "nobody is connected"
                if error.code == "dispatch_failed"
                else "the app did not acknowledge in time"
            )
            self._world.problem(where, error.code, reason)
            raise

    def _response_url(self, channel: str, user_id: str, original: str | None = None) -> str:
        token = self._parts.responses.issue(channel, user_id, original)
        return f"{self._parts.base_url}/response/{token}"

    async def stop(self) -> None:
        """End the retries of events."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _dispatches(block: JSON, element: JSON, event: str) -> bool:
    if block.get("type") != "input":
        return True
    if not block.get("dispatch_action"):
        return False
    if element["type"] not in state.TYPED:
        return True
    config = element.get("dispatch_action_config") or {}
    when = config.get("trigger_actions_on") or ["on_enter_pressed"]
    wanted = "on_enter_pressed" if event == "enter" else "on_character_entered"
    return wanted in when


def _field_errors(view: View, errors: Any) -> dict[str, str]:
    inputs = {b["block_id"] for b in view.blocks if b.get("type") == "input"}
    if not isinstance(errors, dict) or not errors:
        raise Refusal("invalid_errors", "errors must map block_ids to sentences")
    unknown = sorted(set(errors) - inputs)
    if unknown:
        raise Refusal("invalid_errors", f"not the block_id of an input: {', '.join(unknown)}")
    if not all(isinstance(text, str) and text for text in errors.values()):
        raise Refusal("invalid_errors", "every error must be a text")
    return dict(errors)
