"""`POST /admission/{cluster}`: whether the API server of a cluster may let an object in.

Always HTTP 200 with a well-formed review, whatever is sent: anything else is a failed call, which a
webhook with `failurePolicy: Ignore` lets through in silence. The caller shows no credential (API
servers seldom can), so the address of a cluster is no secret: whoever knows it learns what becomes
of images that they name themselves, and no more. Nothing is asked of the database.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.admission.review import Answer, Outcome, review, undecided, unknown_cluster
from bot.core.gate import Gate
from bot.usecases.gate_rules import GateRules
from bot.usecases.sightings import Sightings
from bot.web.pace import Pace

log = structlog.get_logger(__name__)

BODY_LIMIT: Final = 8 * 1024 * 1024  # an object and its old self, of 3 MB each, with the escapes
PER_SECOND: Final = 1_000
BURST: Final = 10_000
_READ_SECONDS: Final = 10.0
_LARGE: Final = 128 * 1024  # judged in a thread, so that the others need not wait
_LARGE_AT_ONCE: Final = 2
_PART: Final = 16 * 1024  # bytes that cost as much as a request
_UID: Final = re.compile(rb'"request"\s*:\s*\{\s*"uid"\s*:\s*"([0-9A-Za-z-]{1,128})"')
_BEGIN: Final = 1024
_NO_JSON: Final = "The request is not JSON."
_TOO_MANY: Final = "Too many requests come from this address; they are heard again in a moment."
_FAULT: Final = "Registrar has a fault; its log says more."
_LOST: Final = (web.RequestPayloadError, HttpProcessingError, ConnectionError)


class Admission:
    """Answers API servers. `counted` is told how each review ended."""

    def __init__(
        self,
        rules: GateRules,
        sightings: Sightings,
        pace: Pace,
        command: str,
        counted: Callable[[str], None] = lambda _outcome: None,
    ) -> None:
        self._rules = rules
        self._sightings = sightings
        self._pace = pace
        self._command = command
        self._counted = counted
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        """The webhook, and whether it can be relied on: also while the database is away."""
        return [
            web.post("/admission/{cluster:.*}", self.answer, expect_handler=_go_on),
            web.get("/readyz/admission", self.ready),
        ]

    async def answer(self, request: web.Request) -> web.Response:
        """The reply to one review; what it saw is noted for later."""
        gate = self._rules.of(request.match_info["cluster"])
        try:
            answer = await self._judged(request, gate) if gate else await _unknown(request)
        except Exception:  # our own fault must not become a silent yes; it is logged whole
            log.exception("admission crashed")
            answer = undecided(gate, _FAULT, Outcome.UNREADABLE) if gate else unknown_cluster("")
        if gate is not None and answer.place:
            self._sightings.note(gate.cluster, answer.place, answer.seen)
        self._counted(answer.outcome)
        return web.Response(body=json.dumps(answer.reply).encode(), content_type="application/json")

    async def ready(self, _request: web.Request) -> web.Response:
        """200 with the age of the rules: nobody is listened to before they were read once."""
        return web.json_response({"ok": True, "rules_age_seconds": round(self._rules.age(), 1)})

    async def _judged(self, request: web.Request, gate: Gate) -> Answer:
        caller = (gate.cluster.id, request.remote or "")
        if not self._pace.has_room(*caller):
            return undecided(gate, _TOO_MANY, Outcome.LIMITED, await _uid(request))
        try:
            body = await _read(request)
        except _Broken as broken:
            self._pace.spend(1, *caller)
            return undecided(gate, str(broken), Outcome.UNREADABLE, _uid_in(broken.begin))
        self._pace.spend(1 + len(body) // _PART, *caller)
        if len(body) <= _LARGE:
            return self._decide(body, gate)
        async with self._large:
            return await asyncio.to_thread(self._decide, body, gate)

    def _decide(self, body: bytes, gate: Gate) -> Answer:
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):  # text that is no UTF-8 is a ValueError, too
            return undecided(gate, _NO_JSON, Outcome.UNREADABLE, _uid_in(body))
        return review(parsed, gate, self._rules.now(), self._command)


class _Broken(Exception):  # the tree's names say what happened
    """A body that cannot be had whole; `begin` is what came of it."""

    def __init__(self, sentence: str, begin: bytes) -> None:
        self.begin = begin
        super().__init__(sentence)


async def _read(request: web.Request) -> bytes:
    """The body; raises _Broken. Its type does not matter, and compression is undone."""
    parts: list[bytes] = []
    try:
        if request.content.is_eof():  # it came with the headers, as most do
            await _gather(request, parts)
        else:
            async with asyncio.timeout(_READ_SECONDS):
                await _gather(request, parts)
    except TimeoutError:
        raise _Broken("The request did not arrive in time.", b"".join(parts)) from None
    except _LOST:
        raise _Broken("The request arrived damaged.", b"".join(parts)) from None
    return b"".join(parts)


async def _gather(request: web.Request, parts: list[bytes]) -> None:
    size = 0
    while part := await request.content.readany():
        parts.append(part)
        size += len(part)
        if size > BODY_LIMIT:
            raise _Broken("The request is larger than 8 MB.", parts[0])


async def _unknown(request: web.Request) -> Answer:
    """Costs next to nothing, and is the same whether there was such a cluster or not."""
    return unknown_cluster(await _uid(request))


async def _uid(request: web.Request) -> str:
    """The uid of a request that is not read: API servers write it first."""
    try:
        async with asyncio.timeout(_READ_SECONDS):
            return _uid_in(await request.content.readany())
    except (TimeoutError, *_LOST):
        return ""


def _uid_in(begin: bytes) -> str:
    found = _UID.search(begin, 0, _BEGIN)
    return found[1].decode() if found else ""


async def _go_on(request: web.Request) -> None:
    """Whatever a client expects, it is listened to; `100-continue` is the one that waits."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
