"""Three workers on one database, killed at random points of their work and begun anew.

Run as `python -m tests.chaos.drive DATABASE SLACK FOLDER TICKS SEED`; prints a line of JSON at the
end. It forks, so it must be a process of its own that has no threads.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import structlog

from bot.core.access import WorkspaceSettings
from bot.usecases import workspaces
from tests.chaos.play import JUMP, REGISTRIES, WORKERS, Log, Script, Stage, host_of
from tests.chaos.worker import Cast, Fate, work
from tests.factories import ALICE, add, generic

CHANNEL: Final = "C0ALERTS01"
LIFE: Final = (15, 300)
"""A worker dies after so many statements, commits, checks and requests to Slack."""
QUIET: Final = 400
"""Ticks without deaths, at the end of each act, in which everything comes to rest."""
PATIENCE: Final = 60.0


async def prepare(cast: Cast) -> None:
    """A workspace with all its registries proven."""
    deps = cast.deps(Fate(None))
    await workspaces.change_settings(deps, ALICE, WorkspaceSettings(CHANNEL, recheck_minutes=5))
    for number in range(REGISTRIES):
        answers = generic(f"r{number:02d}", url=f"https://{host_of(number)}")
        await add(deps, ALICE, answers)
    await deps.store.close()


class Director:
    """Begins workers, and begins another when one has died."""

    def __init__(self, cast: Cast, chance: random.Random) -> None:
        self._cast = cast
        self._chance = chance
        self._running: dict[int, int] = {}  # pid -> number
        self.deaths = 0
        self.crashes = 0

    def act(self, ticks: int, *, deadly: bool) -> None:
        """Play so many ticks, then let all workers end."""
        self._cast.stage.stop(yes=False)
        while self._cast.stage.ticks < ticks and not self.crashes:
            for number in set(range(WORKERS)) - set(self._running.values()):
                self._begin(number, self._life() if deadly else None)
            self._reap()
            time.sleep(0.001)
        self._cast.stage.stop(yes=True)
        end = time.monotonic() + PATIENCE
        while self._running and time.monotonic() < end:
            self._reap()
            time.sleep(0.005)
        for pid in self._running:
            os.kill(pid, 9)
        self.crashes += len(self._running)

    def _life(self) -> int:
        return self._chance.randint(*LIFE)

    def _begin(self, number: int, life: int | None) -> None:
        seed = self._chance.random()

        async def live() -> None:
            random.seed(seed)
            await work(self._cast_of(number), number, Fate(life))

        self._running[fork(live)] = number

    def _cast_of(self, number: int) -> Cast:
        cast = self._cast
        log = Log(cast.log.path, cast.stage, number)
        return Cast(cast.database, cast.slack_url, cast.stage, cast.script, log)

    def _reap(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            number = self._running.pop(pid)
            self._cast.stage.at_slack(number, yes=False)
            died = os.WIFSIGNALED(status)
            self.deaths += died
            self.crashes += not died and os.waitstatus_to_exitcode(status) != 0
            self._cast.log.note("gone", gone=pid, of=number, killed=died)


def fork(live: Callable[[], Awaitable[Any]]) -> int:
    """A child that runs this and ends; its exit code tells of a crash."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        asyncio.run(live())  # type: ignore[arg-type]
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def main(database: str, slack_url: str, folder: Path, ticks: int, seed: int) -> None:
    """Two acts with deaths, each with an end in peace, and a jump of the clock between them."""
    stage = Stage(folder / "stage")
    log = Log(folder / "log", stage)
    cast = Cast(database, slack_url, stage, Script(stage), log)
    _, status = os.waitpid(fork(lambda: prepare(cast)), 0)
    if status:
        sys.exit("the registries could not be made")
    director = Director(cast, random.Random(seed))
    began = time.monotonic()
    director.act(ticks // 2, deadly=True)
    director.act(ticks // 2 + QUIET, deadly=False)
    stage.skip(JUMP)
    director.act(ticks + QUIET, deadly=True)
    told = {"ticks": ticks, "seconds": time.monotonic() - began, "deaths": director.deaths}
    director.act(ticks + 2 * QUIET, deadly=False)
    print(json.dumps({**told, "crashes": director.crashes}))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
