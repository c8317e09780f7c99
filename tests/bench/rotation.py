"""A year of 200 registries that rotate by themselves: no pull fails, no key is left behind."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

from tests.databases import migrated_sqlite
from tests.factories import deps_on
from tests.usecases.rotation_year import AMBIGUOUS, FAILS, Year, play


def main() -> bool:
    """One year; `REGISTRIES` and `SEED` in the environment change it. True when all held."""
    registries, seed = int(os.environ.get("REGISTRIES", "200")), int(os.environ.get("SEED", "1"))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="registrar-year-") as folder:
        year = asyncio.run(_year(Path(folder), registries, seed))
    print(f"{registries} registries, {FAILS:.0%} of calls fail, {AMBIGUOUS:.0%} are ambiguous")
    print(f"rotations: {dict(year.phases)}; faults: {dict(year.faults)}")
    print(f"old credentials seen dead: {year.seen_dead}, shown as not: {year.not_seen_dead}")
    for name, found in (("broken", year.broken), ("strays", year.strays)):
        print(f"{name}: {found[:5] or 'none'}")
    print(f"orphans: {year.orphans}; {time.monotonic() - began:.0f} s")
    return not (year.broken or year.strays or year.orphans)


async def _year(folder: Path, registries: int, seed: int) -> Year:
    deps = deps_on(migrated_sqlite(folder))
    try:
        return await play(deps, registries, seed)
    finally:
        await deps.store.close()
