"""A small Slack for tests: a Web API that keeps what it is told, and people who click.

It refuses what Slack would refuse of a payload (`problems`), and dispatches signed requests to the
app in this process, as Bolt's own scenario tests do.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.kinds.rotation.gateway import Rotators
from bot.slack.app import build_app
from bot.slack.background import Background
from bot.usecases.deps import Deps
from tests.factories import ScriptedLooks
from tests.slack.payloads import message_problems, view_problems
from tests.usecases.cloud import no_rotators

PUBLIC_URL = "https://registrar.example.com"
SIGNING = "0123456789abcdef0123456789abcdef"
STATE_KEYS = {
    "plain_text_input": "value",
    "number_input": "value",
    "datepicker": "selected_date",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "multi_users_select": "selected_users",
}
INITIAL_KEYS = {
    "plain_text_input": "initial_value",
    "number_input": "initial_value",
    "datepicker": "initial_date",
    "datetimepicker": "initial_date_time",
    "users_select": "initial_user",
    "conversations_select": "initial_conversation",
    "multi_users_select": "initial_users",
    "static_select": "initial_option",
    "radio_buttons": "initial_option",
    "multi_static_select": "initial_options",
}
OPTION_KEYS = {
    "static_select": "selected_option",
    "radio_buttons": "selected_option",
    "multi_static_select": "selected_options",
}


@dataclass
class Workspace:
    """What Slack was told: `calls` in order, open modals, messages, and what it would refuse."""

    admins: set[str] = field(default_factory=lambda: {"UALICE"})
    strangers: set[str] = field(default_factory=set)
    guests: set[str] = field(default_factory=set)
    groups: dict[str, list[str]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)
    responses: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    posted: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    errors: dict[str, list[tuple[str, dict[str, str]]]] = field(default_factory=dict)
    moments: dict[str, list[float]] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    exhausted: bool = False
    used: dict[str, int] = field(default_factory=dict)
    url: str = ""
    window: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def fail(self, method: str, error: str, **headers: str) -> None:
        """Let the next call of a method end in an error."""
        self.errors.setdefault(method, []).append((error, headers))

    def of(self, method: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.calls if name == method]

    @property
    def view(self) -> dict[str, Any]:
        """The newest open modal."""
        return self.views[next(reversed(self.views))]

    @property
    def said(self) -> str:
        """Everything that people were told in messages, the newest last."""
        posts = [*self.responses, *self.of("chat.postEphemeral"), *self.of("chat.postMessage")]
        return "\n".join(post["text"] for post in posts)

    def close(self) -> None:
        """The person closes the newest modal."""
        self.views.pop(next(reversed(self.views)))

    async def api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        payload = await _payload(request)
        self.calls.append((method, payload))
        self.moments.setdefault(method, []).append(time.monotonic())
        if self.errors.get(method):
            error, headers = self.errors[method].pop(0)
            status = 429 if error == "ratelimited" else 200
            body = {"ok": False, "error": error}
            return web.json_response(body, status=status, headers=headers)
        answer = self._answer(method, payload)
        # Slack has done it by then, also when nobody waits for its answer any more.
        await asyncio.sleep(self.delays.get(method, 0))
        return web.json_response({"ok": "error" not in answer, **answer})

    async def upload(self, request: web.Request) -> web.Response:
        """The bytes of a file; the bot's token has no business here."""
        if "Authorization" in request.headers:
            self.problems.append("token sent to the upload URL")
        self.files[request.match_info["file"]] = await request.read()
        return web.Response(text="OK")

    async def response(self, request: web.Request) -> web.Response:
        """A response_url: five uses."""
        token = request.match_info["token"]
        self.used[token] = self.used.get(token, 0) + 1
        if self.used[token] > 5 or self.exhausted:
            return web.Response(status=404, text="used_url")
        message = await request.json()
        self.problems += message_problems(message)
        if message.get("replace_original") and not token.startswith("click"):
            self.problems.append("replace_original without a message to replace")
        self.responses.append(message)
        return web.Response(text="ok")

    def _answer(self, method: str, payload: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "auth.test":
                return {"team_id": "T1", "user_id": "UBOT", "bot_id": "B1"}
            case "users.info":
                user = payload["user"]
                home = "TELSEWHERE" if user in self.strangers else "T1"
                flags = {"is_admin": user in self.admins, "is_restricted": user in self.guests}
                return {"user": {"id": user, "team_id": home, **flags}}
            case "usergroups.list":
                handles = [{"id": group, "handle": group.lower()} for group in self.groups]
                return {"usergroups": handles}
            case "usergroups.users.list":
                return {"users": self.groups.get(payload["usergroup"], [])}
            case "views.open" | "views.push" | "views.update":
                return self._show(method, payload)
            case "views.publish":
                self.problems += view_problems(payload["view"])
                self.homes[payload["user_id"]] = payload["view"]
                return {}
            case "chat.postMessage" | "chat.postEphemeral":
                self.problems += message_problems(payload)
                ts = f"17000000{next(self._numbers)}.000100"
                if method == "chat.postMessage":
                    self.posted[ts] = {**payload, "ts": ts}
                return {"ts": ts, "channel": payload["channel"]}
            case "chat.update":
                self.problems += message_problems(payload)
                if payload["ts"] not in self.posted:
                    return {"error": "message_not_found"}
                self.posted[payload["ts"]] |= payload
                return {"ts": payload["ts"], "channel": payload["channel"]}
            case "chat.getPermalink":
                link = f"https://acme.slack.com/archives/{payload['channel']}"
                return {"permalink": f"{link}/p{payload['message_ts']}"}
            case "conversations.open":
                return {"channel": {"id": payload["users"]}}
            case "conversations.history" | "conversations.replies":
                thread = payload.get("ts")
                found = [
                    message
                    for message in self.posted.values()
                    if message["channel"] == payload["channel"]
                    and message.get("thread_ts") == thread
                ]
                return {"messages": found[::-1]}
            case "files.getUploadURLExternal":
                file_id = f"F{next(self._numbers):08}"
                return {"upload_url": f"{self.url}/upload/{file_id}", "file_id": file_id}
            case "files.completeUploadExternal":
                return {"files": [{"id": file["id"]} for file in payload["files"]]}
        self.problems.append(f"unknown method {method}")
        return {"error": "unknown_method"}

    def _show(self, method: str, payload: dict[str, Any]) -> dict[str, Any]:
        view = payload["view"]
        self.problems += view_problems(view)
        view_id = payload.get("view_id") if method == "views.update" else f"V{next(self._numbers)}"
        if method == "views.update" and view_id not in self.views:
            return {"error": "not_found"}
        if payload.get("hash") not in {None, self.views.get(str(view_id), {}).get("hash")}:
            return {"error": "hash_conflict"}
        return {"view": self.put(str(view_id), view)}

    def put(self, view_id: str, view: dict[str, Any]) -> dict[str, Any]:
        """Open or replace a modal; what was typed stays where block and element keep their ids."""
        before = self.views.get(view_id, {}).get("state", {"values": {}})["values"]
        state = _initial_state(view)
        for block_id, elements in state.items():
            for action_id in elements:
                if action_id in before.get(block_id, {}):
                    elements[action_id] = before[block_id][action_id]
        stored = {
            **copy.deepcopy(view),
            "id": view_id,
            "hash": f"h{next(self._numbers)}",
            "state": {"values": state},
        }
        self.views[view_id] = stored
        self.window.set()
        return stored


@dataclass
class Person:
    """Somebody who types and clicks; after each, waits until the bot has nothing more to do."""

    user: str
    slack: Workspace
    app: AsyncApp
    background: Background
    channel: str = "C1"
    team: str = "T1"

    async def type(self, text: str) -> BoltResponse:
        """`/registry TEXT` in the channel."""
        form = {
            "command": "/registry",
            "text": text,
            "team_id": self.team,
            "user_id": self.user,
            "channel_id": self.channel,
            "trigger_id": f"trigger-{time.monotonic_ns()}",
            "response_url": f"{self.slack.url}/response/command{time.monotonic_ns()}",
        }
        return await self.send(urlencode(form), "application/x-www-form-urlencoded")

    async def press(
        self, action_id: str, value: str = "-", *, inside: str = "message"
    ) -> BoltResponse:
        """A button: `inside` a `message` of one's own, a `posted` one, a `modal` or the `home`."""
        return await self.act({"type": "button", "action_id": action_id, "value": value}, inside)

    async def choose(self, action_id: str, value: str, *, inside: str = "message") -> BoltResponse:
        """An option of a select, a menu or a picker."""
        option = {"text": {"type": "plain_text", "text": value}, "value": value}
        action = {"type": "static_select", "action_id": action_id, "selected_option": option}
        return await self.act(action, inside)

    async def act(self, action: dict[str, Any], inside: str) -> BoltResponse:
        body: dict[str, Any] = {
            "type": "block_actions",
            "team": {"id": self.team},
            "user": {"id": self.user, "team_id": self.team},
            "trigger_id": f"trigger-{time.monotonic_ns()}",
            "actions": [action],
        }
        if inside == "modal":
            body["view"] = self.slack.view
        elif inside == "home":
            body["view"] = {"id": "VHOME", "type": "home", "hash": "h0", "private_metadata": ""}
        else:
            body["channel"] = {"id": self.channel}
            body["container"] = {"type": "message", "is_ephemeral": inside == "message"}
            body["response_url"] = f"{self.slack.url}/response/click{time.monotonic_ns()}"
        return await self._interact(body)

    async def redraw(self, name: str, value: str) -> BoltResponse:
        """Choose in a select of the open form that redraws it."""
        block_id, action_id = self.fill(name, value)
        element = self.slack.view["state"]["values"][block_id][action_id]
        return await self.act({"block_id": block_id, "action_id": action_id, **element}, "modal")

    def fill(self, name: str, value: Any) -> tuple[str, str]:
        """Put a value into a field of the newest modal; answers its block and element."""
        view = self.slack.view
        block = next(each for each in view["blocks"] if _field(each) == name)
        element = block["element"]
        kind, action_id = element["type"], element["action_id"]
        if kind in OPTION_KEYS:
            options = element.get("options") or [
                option for group in element["option_groups"] for option in group["options"]
            ]
            wanted = value if isinstance(value, list) else [value]
            chosen = [option for option in options if option["value"] in wanted]
            assert len(chosen) == len(wanted), f"no such option: {value}"
            state: Any = chosen if kind.startswith("multi") else chosen[0]
            found = {"type": kind, OPTION_KEYS[kind]: state}
        else:
            found = {"type": kind, STATE_KEYS[kind]: value}
        view["state"]["values"].setdefault(block["block_id"], {})[action_id] = found
        return block["block_id"], action_id

    async def submit(self, **values: Any) -> dict[str, str]:
        """Fill in and send the newest modal; answers the errors by field, and updates it."""
        for name, value in values.items():
            self.fill(name, value)
        view = copy.deepcopy(self.slack.view)
        return await self.send_view(view)

    async def send_view(self, view: dict[str, Any]) -> dict[str, str]:
        body = {
            "type": "view_submission",
            "team": {"id": self.team},
            "user": {"id": self.user, "team_id": self.team},
            "trigger_id": f"trigger-{time.monotonic_ns()}",
            "view": view,
        }
        response = await self._interact(body, drain=False)
        acked = json.loads(response.body) if response.body else {}
        if acked.get("response_action") == "update":
            self.slack.problems += view_problems(acked["view"])
            if view["id"] in self.slack.views:
                self.slack.put(view["id"], acked["view"])
        await self.background.drain()
        errors = acked.get("errors", {})
        return {block_id.split(":")[1]: text for block_id, text in errors.items()}

    async def close(self) -> BoltResponse:
        """Close the newest modal, and tell the bot when the modal asks for it."""
        view = self.slack.view
        self.slack.close()
        if not view.get("notify_on_close"):
            return BoltResponse(status=200)
        return await self._interact(
            {
                "type": "view_closed",
                "team": {"id": self.team},
                "user": {"id": self.user, "team_id": self.team},
                "view": view,
                "is_cleared": False,
            }
        )

    async def search(self, action_id: str, text: str) -> list[str]:
        """The values that a picker offers for a text."""
        response = await self._interact(
            {
                "type": "block_suggestion",
                "team": {"id": self.team},
                "user": {"id": self.user, "team_id": self.team},
                "channel": {"id": self.channel},
                "container": {"type": "message", "is_ephemeral": True},
                "action_id": action_id,
                "block_id": "picker",
                "value": text,
            }
        )
        return [option["value"] for option in json.loads(response.body)["options"]]

    async def open_home(self, event_id: str = "Ev1") -> BoltResponse:
        event = {"type": "app_home_opened", "user": self.user, "tab": "home", "channel": "D1"}
        body = {
            "type": "event_callback",
            "team_id": self.team,
            "event_id": event_id,
            "event": event,
            "authorizations": [{"team_id": self.team, "user_id": "UBOT", "is_bot": True}],
        }
        return await self.send(json.dumps(body), "application/json")

    async def _interact(self, body: dict[str, Any], *, drain: bool = True) -> BoltResponse:
        form = urlencode({"payload": json.dumps(body)})
        return await self.send(form, "application/x-www-form-urlencoded", drain=drain)

    async def send(
        self, body: str, kind: str, *, drain: bool = True, secret: str = SIGNING
    ) -> BoltResponse:
        """A request as Slack sends it, signed."""
        at = str(int(time.time()))
        signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
        headers: dict[str, str | Sequence[str]] = {
            "content-type": [kind],
            "x-slack-signature": [signature or ""],
            "x-slack-request-timestamp": [at],
        }
        response = await self.app.async_dispatch(AsyncBoltRequest(body=body, headers=headers))
        if drain:
            await self.background.drain()
        return response


@dataclass(frozen=True)
class Office:
    """A workspace with the bot in it."""

    slack: Workspace
    deps: Deps
    client: AsyncWebClient
    app: AsyncApp
    background: Background
    looks: ScriptedLooks

    def person(self, user: str, team: str = "T1") -> Person:
        return Person(user, self.slack, self.app, self.background, team=team)


@asynccontextmanager
async def opened(
    deps: Deps,
    looks: ScriptedLooks | None = None,
    public_url: str = PUBLIC_URL,
    rotators: Rotators | None = None,
) -> AsyncIterator[Office]:
    """An office that is closed at the end."""
    slack = Workspace()
    application = web.Application()
    application.router.add_route("*", "/api/{method}", slack.api)
    application.router.add_post("/response/{token}", slack.response)
    application.router.add_post("/upload/{file}", slack.upload)
    server = TestServer(application)
    await server.start_server()
    slack.url = str(server.make_url("")).rstrip("/")
    client = AsyncWebClient(token="xoxb-test", base_url=f"{slack.url}/api/")
    background = Background()
    looks = looks or ScriptedLooks()
    app = build_app(
        deps=deps,
        looks=looks,
        rotators=rotators or no_rotators(deps.clock),
        client=client,
        signing_secret=SIGNING,
        command="/registry",
        background=background,
        public_url=public_url,
    )
    try:
        yield Office(slack, deps, client, app, background, looks)
    finally:
        await background.drain()
        await server.close()


def _field(block: dict[str, Any]) -> str:
    parts = str(block.get("block_id", "")).split(":")
    return parts[1] if parts[0] == "field" and block.get("type") == "input" else ""


def _initial_state(view: dict[str, Any]) -> dict[str, Any]:
    """What Slack reports of a view in which nothing was touched yet."""
    values: dict[str, Any] = {}
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        kind = element["type"]
        initial = element.get(INITIAL_KEYS.get(kind, ""))
        key = OPTION_KEYS.get(kind) or STATE_KEYS.get(kind, "value")
        values[block["block_id"]] = {element["action_id"]: {"type": kind, key: initial}}
    return values


async def _payload(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return dict(await request.json())
    form: dict[str, Any] = {**request.query, **(await request.post())}
    for key in ("view", "blocks"):
        if isinstance(form.get(key), str):
            form[key] = json.loads(form[key])
    return form
