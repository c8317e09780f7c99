"""The practice cluster: what people deploy to it, kept as an API server would keep it.

The bot knows nothing of it. It is added as any cluster is, asks the webhook by HTTP, and sends its
inventory with the token that it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from shlex import quote
from typing import Any, Final

from bot.core.access import Actor
from bot.core.clock import Clock
from bot.core.cluster import ClusterView, Mode
from bot.core.image import Reference
from bot.core.registry import Environment
from bot.core.secret import Secret
from bot.errors import InvalidReference, NotFound, RegistrarError, StoreError
from bot.sandbox.cluster.kubectl import Outcome, Terminal, created
from bot.sandbox.cluster.line import Line, NotTaken
from bot.sandbox.cluster.workload import Workload, new_workload
from bot.sandbox.slackd.refusal import JSON, Impossible
from bot.usecases import clusters
from bot.usecases.cluster_tokens import identify
from bot.usecases.clusters import Wanted
from bot.usecases.deps import Deps

NAME: Final = "practice"
NAMESPACES: Final = {"web": Environment.PRODUCTION, "tools": None}
"""By name, with the environment of their own."""
READY: Final = (
    ("ghcr.io/team/app:1.2", "GitHub, in the practice registry"),
    ("nginx", "Docker Hub, anybody's"),
    ("quay.io/stranger/tool:1.0", "a host that nobody registered"),
    ("ghcr.io/team-evil/app:1.2", "looks like the first, is a stranger's"),
)
UNREADABLE: Final = "InvalidImageName: no node can pull it"
WORKLOADS_MOST: Final = 20
REPLICAS_MOST: Final = 9
IMAGE_LONGEST: Final = 1024
REPORTS_EVERY: Final = timedelta(minutes=15)
HEARD_TRIES: Final = 30
HEARD_EVERY: Final = 0.1  # seconds
_NAME_LONGEST: Final = 40


class PracticeCluster:
    """A cluster with two namespaces, empty until somebody starts it.

    `url` is the bot's own web server. `tends_every` are the seconds between two looks at what goes
    on while nobody does anything, `again_after` those from a change to the second inventory that
    tells of it; only tests change them.
    """

    def __init__(
        self, url: str, clock: Clock, tends_every: float = 3.0, again_after: float = 6.0
    ) -> None:
        self._tends_every = tends_every
        self._again_after = again_after
        self._url = url
        self._clock = clock
        self._changed: Callable[[], None] = lambda: None
        self._deps: Deps | None = None
        self._actor = Actor("", "terminal", is_admin=True)
        self._view: ClusterView | None = None
        self._line: Line | None = None
        self._workloads: list[Workload] = []
        self._terminal = Terminal()
        self._inventory: JSON = {}
        self._reported_at: datetime | None = None
        self._again_at = math.inf
        self._tending: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def attach(self, deps: Deps, team_id: str, changed: Callable[[], None]) -> None:
        """From now on it can be added to the bot's clusters, as from a terminal.

        `changed` is called when there is something new to show that nobody did.
        """
        self._deps, self._actor = deps, Actor(team_id, "terminal", is_admin=True)
        self._changed = changed

    async def close(self) -> None:
        """Stop asking and reporting."""
        if self._tending is not None:
            self._tending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._tending
        if self._line is not None:
            await self._line.close()

    # -- what people do

    async def start(self) -> None:
        """Add it to the bot's clusters; one that was deleted there begins anew, empty."""
        async with self._lock:
            if self._deps is None:
                raise Impossible("The bot does not run yet.")
            if self._line is not None and await self._known():
                raise Impossible("The practice cluster runs already.")
            await self.close()
            self._line = await self._added(self._deps)
            self._workloads.clear()
            self._terminal = Terminal()
            await self._report()
            self._tending = asyncio.create_task(self._tend())

    async def deploy(self, namespace: str, image: str) -> None:
        """`kubectl create deployment`, under a name that is made of the image's."""
        image = image.strip()
        if namespace not in NAMESPACES:
            raise Impossible("There is no such namespace.")
        if not image or len(image) > IMAGE_LONGEST:
            raise Impossible("Type an image, such as ghcr.io/team/app:1.2.")
        async with self._lock:
            line = self._running()
            if len(self._workloads) >= WORKLOADS_MOST:
                raise Impossible("The practice cluster is full; delete a deployment.")
            workload = new_workload(namespace, self._free_name(namespace, image), image)
            _, name = workload.place
            verdict = await line.ask(workload.deployment)
            lines, outcome = created(name, verdict)
            command = f"kubectl -n {namespace} create deployment {name} --image={quote(image)}"
            if verdict.allowed:
                self._workloads.append(workload)
                await workload.settle(line.ask)
            await self._done(command, lines, outcome, workload)

    async def scale(self, namespace: str, name: str, replicas: int) -> None:
        """`kubectl scale`; the new pods are asked about, the number is not."""
        if not 0 <= replicas <= REPLICAS_MOST:
            raise Impossible(f"Between none and {REPLICAS_MOST} pods.")
        async with self._lock:
            line = self._running()
            workload = self._find(namespace, name)
            workload.wanted = replicas
            await workload.settle(line.ask)
            command = f"kubectl -n {namespace} scale deployment {name} --replicas={replicas}"
            await self._done(command, [f"deployment.apps/{name} scaled"], Outcome.DONE, workload)

    async def delete(self, namespace: str, name: str) -> None:
        """`kubectl delete`; nobody is asked whether something may go."""
        async with self._lock:
            self._running()
            workload = self._find(namespace, name)
            self._workloads.remove(workload)
            command = f"kubectl -n {namespace} delete deployment {name}"
            lines = [f'deployment.apps "{name}" deleted']
            await self._done(command, lines, Outcome.DONE, Workload(workload.deployment))

    async def use_token(self, token: str) -> None:
        """Sign in with another token, as after `cluster rotate`; it is tried at once."""
        async with self._lock:
            self._running().use_token(Secret(token.strip()))
            await self._report()

    async def shown(self) -> JSON:
        """Everything about it, for the page."""
        known = await self._known()
        view = known or self._view
        there = "running" if known else "gone"
        return {
            "state": there if self._line else "new",
            "name": view.name if view else NAME,
            "mode": view.mode if view else Mode.WARN,
            "modes": list(Mode),
            "namespaces": [_namespace(view, name) for name in NAMESPACES],
            "ready": [{"image": image, "what": what} for image, what in READY],
            "terminal": [
                {
                    "number": one.number,
                    "at": one.at.isoformat(),
                    "command": one.command,
                    "image": one.image,
                    "lines": one.lines,
                    "outcome": one.outcome,
                }
                for one in self._terminal.printed
            ],
            "workloads": [_shown(one) for one in self._workloads],
            "inventory": self._inventory,
        }

    # -- what the cluster does

    async def _added(self, deps: Deps) -> Line:
        taken = {one.name for one in await clusters.list_clusters(deps, self._actor)}
        names = [NAME, *(f"{NAME}-{number}" for number in range(2, len(taken) + 3))]
        name = next(one for one in names if one not in taken)
        try:
            issued = await clusters.add(deps, self._actor, Wanted(name, mode=Mode.WARN))
            for namespace, environment in NAMESPACES.items():
                if environment is not None:
                    await clusters.set_environment(deps, self._actor, name, environment, namespace)
        except RegistrarError as error:
            raise Impossible(str(error)) from None
        self._view = issued.cluster
        line = Line(self._url, issued.cluster.id, issued.token)
        await _heard(line)
        return line

    async def _known(self) -> ClusterView | None:
        """The cluster as the bot has it; None when it has it no more."""
        if self._deps is None or self._view is None:
            return None
        try:
            self._view = await identify(self._deps, self._view.id)
        except NotFound:
            return None
        except StoreError:  # it is as it was
            return self._view
        return self._view

    async def _done(
        self, command: str, lines: list[str], outcome: Outcome, workload: Workload
    ) -> None:
        """Show what a command printed and what came of it, and tell the bot what runs."""
        if workload.trouble:
            lines, outcome = [*lines, workload.trouble], Outcome.REFUSED
        self._terminal.show(self._clock.now(), command, workload.image, lines, outcome)
        self._again_at = asyncio.get_running_loop().time() + self._again_after
        await self._report()

    async def _tend(self) -> None:
        """What goes on while nobody looks: refused pods are tried again, the inventory is sent."""
        while True:
            await asyncio.sleep(self._tends_every)
            async with self._lock:
                waiting = [one for one in self._workloads if not one.settled]
                before = [(len(one.pods), one.trouble) for one in waiting]
                for one in waiting:
                    await one.settle(self._running().ask)
                moved = before != [(len(one.pods), one.trouble) for one in waiting]
                if moved or self._is_late():
                    await self._report()
                    self._changed()

    def _is_late(self) -> bool:
        """Whether the inventory is due: every quarter of an hour, and once more after a change.

        The bot writes down some seconds later what its webhook saw, be it deleted meanwhile; only
        an inventory from after that says so.
        """
        if asyncio.get_running_loop().time() >= self._again_at:
            self._again_at = math.inf
            return True
        last = self._reported_at
        return last is None or self._clock.now() - last >= REPORTS_EVERY

    async def _report(self) -> None:
        now = self._clock.now()
        said: dict[str, Any] = {"at": now.isoformat()}
        try:
            whole = await self._running().report([one.reported() for one in self._workloads])
            said |= {key: whole[key] for key in ("workloads", "images", "uncovered")}
        except NotTaken as error:
            said["trouble"] = str(error)
        self._inventory, self._reported_at = said, now

    def _running(self) -> Line:
        if self._line is None:
            raise Impossible("Start the practice cluster first.")
        return self._line

    def _find(self, namespace: str, name: str) -> Workload:
        for one in self._workloads:
            if one.place == (namespace, name):
                return one
        raise Impossible(f"There is no deployment {name} in {namespace}.")

    def _free_name(self, namespace: str, image: str) -> str:
        taken = {one.place for one in self._workloads}
        name = _name_of(image)
        names = [name, *(f"{name}-{number}" for number in range(2, WORKLOADS_MOST + 2))]
        return next(one for one in names if (namespace, one) not in taken)


async def _heard(line: Line) -> None:
    """Wait until the webhook knows the new cluster: it reads what changed once a second."""
    probe = new_workload("default", "probe", "probe").deployment
    for _ in range(HEARD_TRIES):
        if (await line.ask(probe, dry_run=True)).allowed:
            return
        await asyncio.sleep(HEARD_EVERY)


def _name_of(image: str) -> str:
    """A name that Kubernetes takes, made of the repository: host, tag and digest are left out."""
    host, slash, path = image.partition("@")[0].partition("/")
    named = slash and ("." in host or ":" in host or host == "localhost")
    repository = (path if named else image.partition("@")[0]).partition(":")[0]
    plain = re.sub("[^a-z0-9]+", "-", repository.lower())[:_NAME_LONGEST].strip("-")
    return plain if plain[:1].isalpha() else f"app-{plain}".strip("-")


def _namespace(view: ClusterView | None, name: str) -> JSON:
    if view is None:
        return {"name": name, "environment": NAMESPACES[name] or "", "mode": Mode.WARN}
    return {"name": name, "environment": view.environment_of(name), "mode": view.mode_of(name)}


def _shown(one: Workload) -> JSON:
    namespace, name = one.place
    pullable = _is_reference(one.image)
    return {
        "namespace": namespace,
        "name": name,
        "image": one.image,
        "wanted": one.wanted,
        "running": len(one.pods) if pullable else 0,
        "trouble": one.trouble,
        "note": "New pods are refused" if one.trouble else "" if pullable else UNREADABLE,
    }


def _is_reference(image: str) -> bool:
    try:
        Reference.parse(image)
    except InvalidReference:
        return False
    return True
