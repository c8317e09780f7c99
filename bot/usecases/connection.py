"""Are we the ones offline? One judge for each process, and what it says once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.core import offline
from bot.core.check import CheckResult
from bot.core.offline import Mode, Network, Word
from bot.core.timestamp import written
from bot.store import outbox, workspaces
from bot.store.outbox import Letter
from bot.usecases.deps import Deps

log = structlog.get_logger(__name__)

FRESH: Final = timedelta(seconds=60)
OFFLINE: Final = "network_offline"
BACK: Final = "network_back"

Probe = Callable[[], Awaitable[int]]
"""Asks a few well-known addresses; answers how many were reached."""


class Connection:
    """What this process knows of its own connection to the network."""

    def __init__(self, deps: Deps, probe: Probe | None = None) -> None:
        self._deps = deps
        self._probe = probe
        self._probing: asyncio.Task[None] | None = None
        self._to_say: list[tuple[str, Network]] = []
        self.network = Network()

    def hear(self, host: str, result: CheckResult, now: datetime) -> Mode:
        """A check of this host ended so; answers whether we are online."""
        reached = not offline.silent(result)
        seen = self.network.sights.get(host)
        calm = self.network.mode is Mode.ONLINE and reached and seen is not None
        if calm and seen is not None and seen.reached and now - seen.at < FRESH:
            return Mode.ONLINE  # nothing new; most answers are like this
        self._take(offline.heard(self.network, host, now, reached=reached))
        return self.network.mode

    async def tick(self, now: datetime) -> None:
        """Ask the control addresses again while in doubt, and say what is to be said."""
        self._take(offline.tick(self.network, now))
        while self._to_say:
            what, network = self._to_say[0]
            await _tell_everybody(self._deps, what, network, now)
            del self._to_say[0]

    async def close(self) -> None:
        if self._probing is not None:
            await self._probing

    def _take(self, decided: tuple[Network, Iterable[Word]]) -> None:
        self.network, words = decided
        for word in words:
            if word is Word.ASK:
                self._ask()
            else:
                what = OFFLINE if word is Word.SAY_OFFLINE else BACK
                log.warning("our own connection", state=what)
                self._to_say.append((what, self.network))

    def _ask(self) -> None:
        if self._probe is None:
            # Nothing to ask: a silent registry is then its own fault.
            self._take(offline.probed(self.network, self._deps.clock.now(), reached=1))
        elif self._probing is None:
            self._probing = asyncio.create_task(self._asked(self._probe))

    async def _asked(self, probe: Probe) -> None:
        try:
            reached = await probe()
        except Exception:  # a probe that crashes proves nothing: we count as online
            log.exception("control probe crashed")
            reached = 1
        finally:
            self._probing = None
        self._take(offline.probed(self.network, self._deps.clock.now(), reached=reached))


async def _tell_everybody(deps: Deps, what: str, network: Network, now: datetime) -> None:
    """One message to every alert channel, also when several processes noticed."""
    async with deps.store.transaction() as session:
        for team_id in await workspaces.teams(session):
            settings = await workspaces.settings(session, team_id)
            since = now - offline.SAID_ONCE
            if not settings.alert_channel:
                continue
            if await outbox.was_put_since(session, team_id, what, since):
                continue
            key = f"{what}:{team_id}:{now.timestamp():.0f}"
            values = {"since": written(network.since) or "", "until": written(now) or ""}
            letter = Letter(team_id, key, settings.alert_channel, what, values)
            await outbox.put(session, letter, now)
