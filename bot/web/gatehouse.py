"""The webhook and what it lives on: rules that are kept fresh, sightings that are written down.

It has a metronome of its own, as it is needed wherever clusters are listened to, also in a process
that does none of the clock's other work.
"""

from __future__ import annotations

import contextlib

from aiohttp import web

from bot.errors import StoreError
from bot.jobs.metrics import Metrics
from bot.jobs.metronome import Metronome, Task
from bot.usecases import gate_rules, sightings
from bot.usecases.deps import Deps
from bot.usecases.gate_rules import GateRules
from bot.usecases.sightings import Sightings
from bot.web.admission import BURST, PER_SECOND, Admission
from bot.web.pace import Pace


class Gatehouse:
    """Everything that admission needs in one process."""

    def __init__(self, deps: Deps, command: str, metrics: Metrics) -> None:
        self._rules, self._sightings = GateRules(deps), Sightings(deps)
        self._metronome = Metronome(
            (
                Task("rules", gate_rules.EVERY, self._rules.refresh),
                Task("sightings", sightings.EVERY, self._sightings.flush),
            ),
            deps.clock,
            observer=metrics.beat,
        )
        self._admission = Admission(
            self._rules,
            self._sightings,
            Pace(deps.clock, PER_SECOND, BURST),
            command,
            metrics.reviewed,
        )
        metrics.admission(self._rules.age, self._sightings)

    async def start(self) -> None:
        """Read the rules, then keep them fresh; StoreError when they cannot be read at all."""
        await self._rules.refresh()
        self._metronome.start()

    async def stop(self) -> None:
        """What was seen is written down while the database can be reached."""
        await self._metronome.stop()
        with contextlib.suppress(StoreError):
            await self._sightings.flush()

    def routes(self) -> list[web.RouteDef]:
        return self._admission.routes()

    def in_order(self) -> bool:
        """Whether the rules are fresh and the sightings are written."""
        return not self._metronome.stuck()
