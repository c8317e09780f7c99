"""Socket Mode: web socket connections, envelopes, acks within three seconds, refreshes."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections import deque
from typing import Final, Protocol

from aiohttp import WSMsgType, web

from bot.sandbox.slackd import limits
from bot.sandbox.slackd.refusal import JSON
from bot.sandbox.slackd.world import World

_HELLO_SECONDS: Final = 18_060


class NotAcked(Exception):
    """The app did not answer: `operation_timeout`, or `dispatch_failed` when nobody listens."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Delivery(Protocol):
    """A way to hand an interaction to the app."""

    async def deliver(
        self, kind: str, payload: JSON, *, answerable: bool, attempt: int = 0, reason: str = ""
    ) -> JSON:
        """The payload of the ack, empty when it had none; raises NotAcked."""
        ...


class Link:
    """All Socket Mode connections of the app; each envelope goes to exactly one, in turn."""

    def __init__(self, world: World, ack_seconds: float = limits.ACK_SECONDS) -> None:
        self._world = world
        self._ack_seconds = ack_seconds
        self._tickets: set[str] = set()
        self._open: deque[web.WebSocketResponse] = deque()
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._waiting: dict[str, asyncio.Future[JSON]] = {}
        self._late: deque[str] = deque(maxlen=500)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        return len(self._open)

    def ticket(self) -> str:
        """Permission to connect once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The web socket endpoint."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="unknown ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self._open) >= limits.CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        await self._hello(socket)
        self._open.append(socket)
        if request.transport is not None:
            self._transports[socket] = request.transport
        self._world.note("Slack", "the bot connected over Socket Mode")
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acked(message.data)
        finally:
            self._transports.pop(socket, None)
            self._forget(socket)
        return socket

    async def _hello(self, socket: web.WebSocketResponse) -> None:
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self._open) + 1,
                "connection_info": {"app_id": self._world.app.id},
                "debug_info": {
                    "host": "applink-sandbox",
                    "build_number": 1,
                    "approximate_connection_time": _HELLO_SECONDS,
                },
            }
        )

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self._open:
            self._open.remove(socket)
            self._world.note("Slack", "a Socket Mode connection of the bot ended")

    def _acked(self, data: str) -> None:
        try:
            body = json.loads(data)
            envelope_id, payload = body["envelope_id"], body.get("payload")
        except (ValueError, KeyError, TypeError, AttributeError):
            self._world.problem("Socket Mode", "malformed_ack", "not an object with envelope_id")
            return
        waiting = self._waiting.pop(envelope_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(payload if isinstance(payload, dict) else {})
        elif envelope_id in self._late:
            self._world.problem("Socket Mode", "late_ack", f"later than {self._ack_seconds:g} s")
        else:
            self._world.problem("Socket Mode", "unknown_envelope", "acked twice, or never sent")

    async def deliver(
        self, kind: str, payload: JSON, *, answerable: bool, attempt: int = 0, reason: str = ""
    ) -> JSON:
        """Send one envelope; see Delivery."""
        socket = self._next()
        if socket is None:
            raise NotAcked("dispatch_failed")
        envelope_id = str(uuid.uuid4())
        envelope: JSON = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": answerable,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            await socket.send_json(envelope)
            return await asyncio.wait_for(self._waiting[envelope_id], self._ack_seconds)
        except (TimeoutError, ConnectionError):
            self._late.append(envelope_id)
            raise NotAcked("operation_timeout") from None
        finally:
            self._waiting.pop(envelope_id, None)

    def _next(self) -> web.WebSocketResponse | None:
        for _ in range(len(self._open)):
            self._open.rotate(-1)
            if not self._open[-1].closed:
                return self._open[-1]
        return None

    async def refresh(self) -> None:
        """What Slack does every few hours: asks each connection to make a new one, then ends it."""
        for socket in list(self._open):
            self._forget(socket)
            await socket.send_json(
                {
                    "type": "disconnect",
                    "reason": "refresh_requested",
                    "debug_info": {"host": "applink-sandbox"},
                }
            )
            task = asyncio.create_task(self._end(socket))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _end(self, socket: web.WebSocketResponse) -> None:
        # Acks for envelopes already sent still arrive on the old connection.
        await asyncio.sleep(self._ack_seconds)
        await socket.close()

    def drop(self) -> None:
        """Cut every connection without a word, as a broken network does."""
        for socket in list(self._open):
            if socket in self._transports:
                self._transports[socket].abort()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        for socket in list(self._open):
            await socket.close(code=1001)
        self._open.clear()
