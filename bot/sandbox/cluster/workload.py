"""A deployment that was admitted, and the pods that its controllers could make of it."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from bot.sandbox.cluster import objects
from bot.sandbox.cluster.kubectl import failed_create
from bot.sandbox.cluster.objects import JSON
from bot.sandbox.cluster.verdict import Verdict

Ask = Callable[[JSON], Awaitable[Verdict]]
_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"  # those that Kubernetes makes names of


@dataclass(slots=True)
class Workload:
    """One deployment; `trouble` is the event of its last pod that was refused."""

    deployment: JSON
    wanted: int = 1
    replica_set: JSON | None = None
    pods: list[JSON] = field(default_factory=list)
    trouble: str = ""

    @property
    def place(self) -> tuple[str, str]:
        meta = self.deployment["metadata"]
        return meta["namespace"], meta["name"]

    @property
    def image(self) -> str:
        return str(self.deployment["spec"]["template"]["spec"]["containers"][0]["image"])

    @property
    def settled(self) -> bool:
        """Whether there is nothing left to do for its controllers."""
        return len(self.pods) == self.wanted

    async def settle(self, ask: Ask) -> None:
        """Do what its controllers do: make a replica set once, and pods until there are enough."""
        self.trouble = ""
        del self.pods[self.wanted :]
        if self.settled:
            return
        if self.replica_set is None:
            owned = objects.replica_set(self.deployment, _suffix(9), str(uuid4()))
            if not await self._admitted(ask, owned, "deployment", self.deployment):
                return
            self.replica_set = owned
        while not self.settled:
            one = objects.pod(self.replica_set, _suffix(5), str(uuid4()))
            if not await self._admitted(ask, one, "replicaset", self.replica_set):
                return
            self.pods.append(one)

    def reported(self) -> JSON:
        """As the inventory tells of it, pods or none: what is scaled to zero will be back."""
        namespace, name = self.place
        return {
            "namespace": namespace,
            "kind": "Deployment",
            "name": name,
            "images": [self.image],
        }

    async def _admitted(self, ask: Ask, obj: JSON, kind: str, owner: JSON) -> bool:
        verdict = await ask(obj)
        if not verdict.allowed:
            self.trouble = failed_create(f"{kind}/{owner['metadata']['name']}", verdict)
        return verdict.allowed


def new_workload(namespace: str, name: str, image: str) -> Workload:
    return Workload(objects.deployment(namespace, name, image, str(uuid4())))


def _suffix(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
