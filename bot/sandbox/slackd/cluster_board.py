"""The practice cluster as the side panel needs it; the sandbox may also run without one."""

from __future__ import annotations

from typing import Protocol

from bot.sandbox.slackd.refusal import JSON, Impossible


class ClusterBoard(Protocol):
    """What can be done to it; each raises Impossible with a text for a toast."""

    async def start(self) -> None: ...
    async def deploy(self, namespace: str, image: str) -> None: ...
    async def scale(self, namespace: str, name: str, replicas: int) -> None: ...
    async def delete(self, namespace: str, name: str) -> None: ...
    async def use_token(self, token: str) -> None: ...
    async def shown(self) -> JSON: ...


async def act_on(cluster: ClusterBoard | None, body: JSON) -> None:
    """Do `body["what"]`; raises Impossible."""
    if cluster is None:
        raise Impossible("There is no practice cluster here.")
    namespace, name = str(body.get("namespace", "")), str(body.get("name", ""))
    match body.get("what"):
        case "start":
            await cluster.start()
        case "deploy":
            await cluster.deploy(namespace, str(body.get("image", "")))
        case "scale" if type(replicas := body.get("replicas")) is int:
            await cluster.scale(namespace, name, replicas)
        case "delete":
            await cluster.delete(namespace, name)
        case "token":
            await cluster.use_token(str(body.get("token", "")))
        case _:
            raise Impossible("Nobody can do that to a cluster.")
