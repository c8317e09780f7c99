"""Looking at a cluster through its API server: every kind that runs images, in pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from bot.errors import InventoryFailed
from bot.inventory.owners import Object, Owners, Workload

Sleep = Callable[[float], Awaitable[None]]

KINDS: Final = (
    ("/api/v1/pods", "v1", "Pod"),
    ("/api/v1/replicationcontrollers", "v1", "ReplicationController"),
    ("/apis/apps/v1/replicasets", "apps/v1", "ReplicaSet"),
    ("/apis/apps/v1/deployments", "apps/v1", "Deployment"),
    ("/apis/apps/v1/statefulsets", "apps/v1", "StatefulSet"),
    ("/apis/apps/v1/daemonsets", "apps/v1", "DaemonSet"),
    ("/apis/batch/v1/jobs", "batch/v1", "Job"),
    ("/apis/batch/v1/cronjobs", "batch/v1", "CronJob"),
)
"""Path, version and kind. Pods first: one that ends meanwhile is still known by its controller."""
POLICIES: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
MANAGED: Final = "app.kubernetes.io/managed-by=registrar"
POLICY_HASH: Final = "registrar/policy-hash"
PAGE: Final = 250
TIMEOUT: Final = 60.0
TRIES: Final = 6
RESTARTS: Final = 3
LONGEST_WAIT: Final = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was found; `policy_hash` is None when the policy may not be looked at."""

    workloads: Mapping[Workload, list[str]]
    policy_hash: str | None


class Cluster:
    """The API server, asked with a client of `kubernetes_asyncio`."""

    def __init__(self, client: Any, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._sleep = sleep

    async def look(self) -> Seen:
        """Everything, or InventoryFailed: half of it would look like the rest had gone."""
        owners = Owners()
        for path, version, kind in KINDS:
            for item in await self._all(path, kind):
                owners.add({**item, "apiVersion": version, "kind": kind})
        return Seen(owners.workloads(), await self._policy_hash())

    async def _all(self, path: str, kind: str) -> list[Object]:
        """All objects of a kind. A list that has become too old to go on with begins again."""
        for _ in range(RESTARTS):
            found = await self._pages(path, kind, PAGE)
            if found is not None:
                return found
        # The server forgets faster than we read: one answer cannot grow old.
        found = await self._pages(path, kind, 0)
        if found is None:
            raise InventoryFailed(f"The list of {kind} objects grew too old again and again.")
        return found

    async def _pages(self, path: str, kind: str, limit: int) -> list[Object] | None:
        """None when the server has forgotten how to go on (410)."""
        found: list[Object] = []
        token = ""
        while True:
            query = {key: value for key, value in (("limit", limit), ("continue", token)) if value}
            status, body = await self._get(path, query)
            if status == 410:
                return None
            if status != 200:
                raise InventoryFailed(_refusal(status, kind, path))
            items = body.get("items") or []
            found += [item for item in items if isinstance(item, Mapping)]
            token = (body.get("metadata") or {}).get("continue") or ""
            if not token:
                return found

    async def _policy_hash(self) -> str | None:
        """That of the static policy; empty when there is none, None where nobody may look."""
        status, body = await self._get(POLICIES, {"labelSelector": MANAGED})
        if status != 200:
            return None
        for item in body.get("items") or ():
            annotations = (item.get("metadata") or {}).get("annotations") or {}
            if annotations.get(POLICY_HASH):
                return str(annotations[POLICY_HASH])
        return ""

    async def _get(self, path: str, query: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body; what passes by itself is waited for, longer each time."""
        wait, trouble = 0.5, ""
        for attempt in range(TRIES):
            if attempt:
                await self._sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
            try:
                answer = await self._ask(path, query)
                status, asked = answer.status, answer.headers.get("Retry-After", "")
                body = await answer.json(content_type=None) if status == 200 else {}
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                trouble = type(error).__name__
                continue
            if status != 429 and status < 500:
                return status, body if isinstance(body, dict) else {}
            trouble = f"HTTP {status}"
            if asked.isdecimal():
                wait = min(float(asked), LONGEST_WAIT)
        raise InventoryFailed(f"The API server did not list {path} ({trouble}).")

    async def _ask(self, path: str, query: Mapping[str, Any]) -> aiohttp.ClientResponse:
        answer: aiohttp.ClientResponse = await self._client.call_api(
            path,
            "GET",
            query_params=list(query.items()),
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
            _preload_content=False,
            _return_http_data_only=True,
            _request_timeout=TIMEOUT,
        )
        return answer


@asynccontextmanager
async def open_cluster(context: str = "") -> AsyncIterator[Cluster]:
    """The cluster we run in, else that of the kubeconfig, or its `context`."""
    try:
        from kubernetes_asyncio import client, config
    except ImportError as error:
        raise InventoryFailed(
            "The Kubernetes client is not installed: pip install 'registrar[kubernetes]'."
        ) from error
    settings = client.Configuration()
    try:
        if context:
            await config.load_kube_config(context=context, client_configuration=settings)
        else:
            await config.load_config(client_configuration=settings)
    except (config.ConfigException, OSError) as error:
        raise InventoryFailed("This runs in no cluster, and no kubeconfig leads to one.") from error
    async with client.ApiClient(settings) as api:
        yield Cluster(api)


def _refusal(status: int, kind: str, path: str) -> str:
    if status == 403:
        resource = path.rpartition("/")[2]
        return f"The service account may not list {resource}; give it the role that was printed."
    if status == 401:
        return "The API server does not accept the token of this service account."
    return f"The API server did not list {kind} objects (HTTP {status})."
