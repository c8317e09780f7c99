"""A small Kubernetes API server: lists in pages, forgets, refuses and fails as told."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes_asyncio import client

from bot.inventory.look import Cluster

_uids = itertools.count(1)


def obj(name: str, namespace: str = "web", owner: Any = None, **parts: Any) -> dict[str, Any]:
    """An object as a list has it: without kind and apiVersion."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "uid": f"u{next(_uids)}"}
    if owner is not None:
        metadata["ownerReferences"] = [owner]
    return {"metadata": metadata, **parts}


def owned_by(kind: str, above: Mapping[str, Any]) -> dict[str, Any]:
    found = above["metadata"]
    return {"kind": kind, "name": found["name"], "uid": found["uid"], "controller": True}


def pod_spec(*images: str) -> dict[str, Any]:
    return {"containers": [{"name": f"c{at}", "image": one} for at, one in enumerate(images)]}


def template(*images: str, **spec: Any) -> dict[str, Any]:
    """The spec of a controller."""
    return {"template": {"spec": pod_spec(*images)}, **spec}


@dataclass
class ApiServer:
    """`lists` by resource; `refuse` maps one to a status for ever, `fail` to statuses to come."""

    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refuse: dict[str, int] = field(default_factory=dict)
    fail: dict[str, list[int]] = field(default_factory=dict)
    forget: dict[str, int] = field(default_factory=dict)  # how often a continue token is too old
    tokens: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)

    async def list(self, request: web.Request) -> web.Response:
        resource = request.path.rpartition("/")[2]
        self.asked[resource] += 1
        self.tokens.add(request.headers.get("Authorization", ""))
        if resource in self.refuse:
            return web.json_response({"kind": "Status"}, status=self.refuse[resource])
        if self.fail.get(resource):
            status = self.fail[resource].pop(0)
            return web.json_response({}, status=status, headers={"Retry-After": "7"})
        start = int(request.query.get("continue") or 0)
        if start and self.forget.get(resource):
            self.forget[resource] -= 1
            return web.json_response({"kind": "Status", "reason": "Expired"}, status=410)
        found = self.lists.get(resource, [])
        limit = int(request.query.get("limit") or len(found) or 1)
        more = start + limit < len(found)
        metadata = {"continue": str(start + limit)} if more else {}
        return web.json_response({"items": found[start : start + limit], "metadata": metadata})


@asynccontextmanager
async def serving(server: ApiServer, waits: list[float]) -> AsyncIterator[Cluster]:
    """The server behind a real client; what would be waited for is noted instead."""
    application = web.Application()
    application.router.add_get("/{path:.*}", server.list)
    async with TestServer(application) as test_server:
        settings = client.Configuration(host=str(test_server.make_url("")).rstrip("/"))
        settings.api_key["BearerToken"] = "Bearer service-account"

        async def wait(seconds: float) -> None:
            waits.append(seconds)

        async with client.ApiClient(settings) as api:
            yield Cluster(api, wait)
