"""The local Slack as one aiohttp server on a loopback address."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from aiohttp import web

from bot.core.clock import Clock
from bot.sandbox.slackd import limits
from bot.sandbox.slackd.acts import Acts, OnSkip
from bot.sandbox.slackd.api import Api
from bot.sandbox.slackd.board import Board
from bot.sandbox.slackd.callback import Callback
from bot.sandbox.slackd.cluster_board import ClusterBoard
from bot.sandbox.slackd.control import Control
from bot.sandbox.slackd.guard import HEADERS, guard
from bot.sandbox.slackd.interactions import Interactions
from bot.sandbox.slackd.link import Link
from bot.sandbox.slackd.parts import EVENTS, SCOPES, Install, Parts
from bot.sandbox.slackd.ratelimit import RateLimit
from bot.sandbox.slackd.refusal import JSON, Impossible, Refusal
from bot.sandbox.slackd.responses import Responses
from bot.sandbox.slackd.snapshot import Setting, snapshot
from bot.sandbox.slackd.triggers import Triggers
from bot.sandbox.slackd.uploads import MAX_BYTES, Uploads
from bot.sandbox.slackd.views import Views
from bot.sandbox.slackd.world import World, example_world

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
HEARTBEAT_SECONDS: Final = 15.0

COMMANDS: Final = (
    ("list", "all registries, or those that match"),
    ("show", "NAME: one registry with its last check"),
    ("add", "add a registry"),
    ("edit", "NAME: change a registry or its credential"),
    ("delete", "NAME: remove a registry"),
    ("restore", "NAME: bring a deleted registry back"),
    ("test", "NAME or all: check credentials now"),
    ("rotate", "NAME: put a new credential in force, and see the old one dead"),
    ("freeze", "for 2d: no rotation by itself until then"),
    ("thaw", "end a freeze"),
    ("check", "IMAGE: may it be deployed, and is it there"),
    ("exempt", "IMAGE: let it run until a day"),
    ("exemptions", "the images that are exempted"),
    ("images", "NAME: its repositories and tags"),
    ("uses", "NAME: what runs its images"),
    ("unused", "registries that nothing is known to use"),
    ("uncovered", "what runs although no registry covers it"),
    ("cluster", "Kubernetes clusters"),
    ("cluster add", "add a cluster"),
    ("cluster show", "CLUSTER: how strict it is, its tokens"),
    ("cluster mode", "CLUSTER [NAMESPACE] audit|warn|enforce"),
    ("cluster rotate", "CLUSTER: a new token"),
    ("cluster revoke", "CLUSTER: end the token that was replaced"),
    ("cluster delete", "CLUSTER: remove a cluster"),
    ("history", "NAME: the last checks"),
    ("pause", "NAME for 2h: check, but do not alert"),
    ("resume", "NAME: alert again"),
    ("reminders", "what will be said when"),
    ("report", "what failed, what was rotated, what comes up"),
    ("settings", "alert channel, intervals, managers"),
    ("help", "what Registrar can do"),
)


def _no_names() -> Mapping[str, Sequence[str]]:
    return {}


class SlackServer:
    """A strict local Slack.

    `page_dir` holds index.html and its assets. `practice` are the practice registries, `cluster` is
    the practice cluster, `on_skip` moves the bot's clock; without them the page offers none.
    `names` are those to complete, by the placeholder that a hint begins with. `ack_seconds` and
    `trigger_seconds` are Slack's three seconds, `rate_limits` its 429s, `retry_seconds` its pauses
    before events are sent again: only tests change them.
    """

    def __init__(
        self,
        *,
        bot_token: str,
        app_token: str,
        clock: Clock,
        page_dir: Path,
        command: str = "/registry",
        practice: Board | None = None,
        on_skip: OnSkip | None = None,
        cluster: ClusterBoard | None = None,
        live: bool = False,
        names: Callable[[], Mapping[str, Sequence[str]]] = _no_names,
        scopes: frozenset[str] = SCOPES,
        events: frozenset[str] = EVENTS,
        escape: bool = True,
        retry_seconds: tuple[float, ...] = limits.EVENT_RETRY_SECONDS,
        ack_seconds: float = limits.ACK_SECONDS,
        trigger_seconds: float = limits.TRIGGER_SECONDS,
        rate_limits: bool = True,
    ) -> None:
        install = Install(bot_token, app_token, scopes, events, escape, retry_seconds)
        world = example_world(command, clock)
        link = Link(world, ack_seconds)
        self.parts = Parts(
            install=install,
            world=world,
            views=Views(world),
            triggers=Triggers(time.monotonic, trigger_seconds),
            responses=Responses(world),
            uploads=Uploads(),
            # By the bot's clock, so that a skipped day is a day of rest for Slack as well.
            limit=RateLimit(lambda: clock.now().timestamp(), enabled=rate_limits),
            link=link,
            delivery=link,
        )
        commands = [(f"{command} {verb}", hint) for verb, hint in COMMANDS]
        self._setting = Setting(practice, on_skip is not None, live, commands, names)
        self.interactions = Interactions(self.parts)
        self._cluster = cluster
        self._acts = Acts(world, self.interactions, practice, on_skip, cluster)
        self._control = Control(self.parts, self.interactions, self._acts)
        self._page_dir = page_dir
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._callback: Callback | None = None
        self._ack_seconds = ack_seconds

    @property
    def world(self) -> World:
        return self.parts.world

    @property
    def url(self) -> str:
        """Where the page is, without a slash at the end."""
        return self.parts.base_url

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL must be."""
        return f"{self.parts.base_url}/api/"

    def use_http(self, request_url: str, signing_secret: str) -> None:
        """Reach the app by signed requests to `request_url` instead of Socket Mode."""
        self._callback = Callback(request_url, signing_secret, self._ack_seconds)
        self.parts.delivery = self._callback

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; answers the port. Raises ValueError for an address that is not loopback."""
        if host not in LOOPBACK:
            raise ValueError("the sandbox listens on loopback addresses only")
        # Streams end by themselves when closing starts, so nothing needs to be waited for.
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound: int = self._runner.addresses[0][1]
        shown = "[::1]" if host == "::1" else host
        self.parts.base_url = f"http://{shown}:{bound}"
        return bound

    async def close(self) -> None:
        """Stop listening and end every connection."""
        self._closing.set()
        self.world.changes.bump()
        await self.interactions.stop()
        await self.parts.link.close()
        if self._callback is not None:
            await self._callback.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[guard], client_max_size=MAX_BYTES + 1024)
        app.add_routes(
            [
                web.route("*", "/api/{method}", Api(self.parts).handle),
                web.get("/link", self.parts.link.serve),
                web.post("/response/{token}", self._response),
                web.post("/upload/{token}", self._upload),
                web.get("/files/{id}", self._file),
                web.get("/sandbox/state", self._state),
                web.get("/sandbox/events", self._events),
                web.post("/sandbox/act", self._act),
                web.post("/sandbox/control", self._controlled),
                web.get("/", self._index),
            ]
        )
        if self._page_dir.is_dir():
            app.router.add_static("/page/", self._page_dir)
        return app

    # -- for the app

    async def _response(self, request: web.Request) -> web.Response:
        try:
            body = await _json(request)
            self.parts.responses.take(request.match_info["token"], body)
        except Refusal as refusal:
            self.world.problem("response_url", refusal.code, refusal.messages)
            gone = refusal.code in {"expired_url", "used_url"}
            return web.json_response(refusal.answer(), status=404 if gone else 400)
        self.world.note("the bot", "response_url")
        return web.json_response({"ok": True})

    async def _upload(self, request: web.Request) -> web.Response:
        content = await request.read()
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            parts = [f for f in form.values() if isinstance(f, web.FileField)]
            content = parts[0].file.read() if parts else b""
        try:
            self.parts.uploads.receive(request.match_info["token"], content)
        except Refusal as refusal:
            return web.Response(status=400, text=refusal.code)
        return web.Response(text=f"OK - {len(content)}")

    # -- for the page

    async def _file(self, request: web.Request) -> web.Response:
        file = self.parts.uploads.files.get(request.match_info["id"])
        if file is None or not file.complete:
            raise web.HTTPNotFound
        return web.Response(body=file.content, content_type=file.mimetype)

    async def _index(self, request: web.Request) -> web.StreamResponse:
        del request
        index = self._page_dir / "index.html"
        if not index.is_file():
            return web.Response(text="The sandbox runs; its page is not installed.")
        return web.FileResponse(index)

    async def _state(self, request: web.Request) -> web.Response:
        query = request.query
        first = self.world.people()[0].id
        try:
            body = snapshot(
                self.parts, self._setting, query.get("user") or first, query.get("channel", "")
            )
        except Refusal as refusal:
            return web.json_response(refusal.answer(), status=404)
        body["cluster"] = await self._cluster.shown() if self._cluster else None
        return web.json_response(body)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        version = 0
        while not self._closing.is_set():
            current = await self.world.changes.after(version, HEARTBEAT_SECONDS)
            line = f"data: {json.dumps({'version': current})}" if current != version else ": still"
            version = current
            try:
                await response.write(f"{line}\n\n".encode())
            except ConnectionError:
                break
        return response

    async def _act(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._acts.act)

    async def _controlled(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._control.do)

    async def _answer(
        self, request: web.Request, act: Callable[[JSON], Awaitable[JSON]]
    ) -> web.Response:
        try:
            body = await _json(request)
            return web.json_response({"ok": True, **await act(body)})
        except Impossible as error:
            return web.json_response({"ok": False, "error": str(error)})
        except Refusal as refusal:
            return web.json_response({"ok": False, "error": refusal.code}, status=400)


async def _json(request: web.Request) -> JSON:
    # A form could be sent by any page without asking; JSON cannot.
    if request.content_type != "application/json":
        raise Refusal("invalid_payload", "the body must be application/json")
    try:
        body = await request.json()
    except ValueError:
        raise Refusal("invalid_payload", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal("invalid_payload", "the body is not an object")
    return body
