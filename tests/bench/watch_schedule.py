"""What the schedule costs, on both databases, and whether ten thousand registries are in time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from bot.core import schedule
from bot.core.check import CheckResult, Progress, Verdict
from bot.core.clock import SystemClock
from bot.core.config import Config
from bot.core.offline import Mode
from bot.event_loop import run
from bot.jobs.metronome import Metronome, Task
from bot.kinds.aws import AwsGateway
from bot.kinds.checker import Checker
from bot.kinds.net import AllowList, Egress
from bot.kinds.paced import PacedChecker
from bot.kinds.pacing import Limits, Pacer
from bot.logs import configure_logs
from bot.store import claims, plain
from bot.store.engine import Store, open_store
from bot.store.plain import sql
from bot.usecases.deps import Checks, Deps
from bot.usecases.retest import Group, Retester
from bot.usecases.settling import settle
from bot.usecases.watch import Limits as WatchLimits
from bot.usecases.watch import Observed, Watch
from tests.bench.cpu import measured
from tests.bench.fleet import RING, fill
from tests.bench.limits import Limit, judge
from tests.bench.watch_checks import registries
from tests.bench.watch_clients import Place, Trusted
from tests.databases import database
from tests.factories import proven

REGISTRIES = 10_000
MANY = 100_000
EVERY = timedelta(minutes=5)
STARTS = timedelta(seconds=15)
WATCHED = 60.0  # seconds in which lateness is looked at
BATCH = WatchLimits().batch

_DONE = "UPDATE registry SET next_check_at = :later, lease_until = NULL WHERE lease_until > :now"

COST = Limit("scheduling, processor time per check", 50, " us", at_most=True)
CLAIM = Limit("claim query among 100,000 rows, median", 5, " ms", at_most=True)
LATE = Limit("lateness, p99", 10, " s", at_most=True)
MEMORY = Limit("memory at most", 250, " MiB", at_most=True)


def main() -> bool:
    """The same for each database; lateness and memory are those of a process of its own.

    Answers whether the limits are kept.
    """
    configure_logs("WARNING")
    kept = [_kept(flavour) for flavour in ("sqlite", "postgresql")]
    return all(kept)


def _kept(flavour: str) -> bool:
    print(f"{flavour}:")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with database(flavour, path) as url:
            kept = [judge(COST, run(_cost(url)))]
        with database(flavour, path) as url:
            kept.append(judge(CLAIM, run(_claims(url))))
        with database(flavour, path) as url, registries(path) as (_, once):
            run(_prepared(url))
            words = (url, str(once.port), str(once.ca_file))
            watched = subprocess.run(
                [sys.executable, "-m", "tests.bench.watch_schedule", *words],
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
        told, late, memory = watched.stdout.splitlines()
        print(told)
        return all([*kept, judge(LATE, float(late)), judge(MEMORY, float(memory))])


class Instant:
    """A checker that costs nothing, so that what is left is the schedule."""

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        return replace(proven(), at=datetime.now(UTC))


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[Store]:
    store = open_store(url, RING, SystemClock())
    yield store
    await store.close()


def _deps(store: Store, checker: Checks) -> Deps:
    return Deps(store, checker, SystemClock(), AllowList())


async def _cost(url: str) -> float:
    """All of them due at once, checked at no cost, in batches: where the processor time goes.

    Answers the microseconds of claiming a check and writing it down, in the median batch.
    """
    batches: list[list[float]] = []
    async with _store(url) as store:
        now, done = datetime.now(UTC), 0
        await fill(store, REGISTRIES, lambda _id: now)
        deps = _deps(store, Instant())
        retester = Retester(deps.checker, RING, deps.clock.now, lambda *_: Mode.ONLINE)
        while done < REGISTRIES:
            times = [time.process_time()]
            async with store.transaction() as session:
                at = await store.now(session)
                batch = await claims.claim(session, at, at + EVERY, BATCH)
            times.append(time.process_time())
            finished = [await retester.run(Group((row,))) for row in batch.rows]
            times.append(time.process_time())
            await settle(deps, finished)
            times.append(time.process_time())
            done += len(batch.rows)
            steps = [(end - begin) / len(batch.rows) for begin, end in pairwise(times)]
            batches.append(steps)
    claimed, judged, written = (float(median(step)) * 1e6 for step in zip(*batches, strict=True))
    print(
        f"{done} registries in batches of {BATCH}, processor time of each: claimed {claimed:.0f} "
        f"us, written down {written:.0f} us; opened and judged {judged:.0f} us"
    )
    return float(claimed + written)


async def _claims(url: str) -> float:
    """A hundred thousand rows, a few of them due, as at any moment; milliseconds of the median.

    What one turn claimed is out of the way by the next, as it is a second later in life.
    """
    async with _store(url) as store:
        now = datetime.now(UTC)
        await fill(store, MANY, lambda one: schedule.regular(one, timedelta(hours=1), now))
        took, found = [], 0
        for turn in range(60):
            at = now + timedelta(seconds=90 + turn)
            async with store.transaction() as session:
                began = time.perf_counter()
                batch = await claims.claim(session, at, at + EVERY, BATCH)
                took.append((time.perf_counter() - began) * 1000)
                found += len(batch.rows)
            async with store.transaction() as session:
                done = sql(session, _DONE)
                await plain.run(session, done, later=at + EVERY * 12, now=at)
    took.sort()
    print(
        f"{found / len(took):.0f} of {MANY} due each time: claimed in {took[len(took) // 2]:.1f} "
        f"ms, the slowest in {took[-1]:.1f} ms"
    )
    return took[len(took) // 2]


async def _prepared(url: str) -> None:
    """Nothing is due before the process that watches is up: its start is not what is measured."""
    async with _store(url) as store:
        up = datetime.now(UTC) + STARTS
        await fill(store, REGISTRIES, lambda one: schedule.regular(one, EVERY, up))


async def _watch(url: str, place: Place) -> None:
    """One process, real checks over TLS, a new connection each, on the metronome's beat.

    Prints a line to read, the lateness's p99 in seconds, and the memory in MiB.
    """
    seen: list[Observed] = []
    async with _store(url) as store:
        egress = Egress(allow=AllowList(), ca_file=place.ca_file, resolver=Trusted(place))
        aws = AwsGateway()
        checker = Checker(egress=egress, aws=aws, clock=SystemClock())
        paced = PacedChecker(checker, Pacer(Limits(), SystemClock()), SystemClock())
        watch = Watch(_deps(store, paced), observer=seen.append)
        metronome = Metronome((Task("retests", 1.0, watch.tick),), SystemClock())
        metronome.start()
        with measured() as cost:
            await asyncio.sleep(WATCHED)
        await metronome.stop()
        await watch.drain()
        await egress.close()
        aws.close()
    late = sorted(one.late for one in seen)
    bad = sum(one.verdict is not Verdict.PROVEN for one in seen)
    print(
        f"{REGISTRIES} registries every 5 min: {len(seen)} checks in {WATCHED:.0f} s, {bad} not "
        f"proven, late by {late[len(late) // 2]:.1f} s (p50), {late[-1]:.1f} s at most, "
        f"{cost.own / cost.wall:.0%} of a core"
    )
    print(late[int(len(late) * 0.99)])
    print(_peak_memory())


def _peak_memory() -> int:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    configure_logs(os.environ.get("LOG_LEVEL", "WARNING"))
    run(_watch(sys.argv[1], Place(int(sys.argv[2]), Path(sys.argv[3]))))
