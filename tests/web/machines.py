"""The web application with the routes of machines, and a cluster that signs in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.usecases.deps import Deps
from bot.usecases.issuing import Issued
from bot.web.application import web_application
from tests.factories import cluster

Answer = tuple[int, Any]


@dataclass(frozen=True)
class Machine:
    """Something that asks with a cluster's token."""

    client: TestClient[Any, Any]
    issued: Issued

    @property
    def path(self) -> str:
        return f"/api/v1/clusters/{self.issued.cluster.id}"

    async def ask(self, method: str, path: str, **how: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.issued.token.reveal()}"}
        answer = await self.client.request(method, path, headers=headers, **how)
        return answer.status, await answer.json()


@asynccontextmanager
async def machine(deps: Deps, routes: Iterable[web.RouteDef]) -> AsyncIterator[Machine]:
    async def ready() -> dict[str, bool]:
        return {}

    application = web_application(app=None, ready=ready, clock=deps.clock, routes=routes)
    async with TestClient(TestServer(application)) as client:
        yield Machine(client, await cluster(deps))
