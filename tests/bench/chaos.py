"""Three workers killed at random points for 10,000 ticks: nothing is doubled, nothing is lost."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from tests.chaos.evidence import summary
from tests.chaos.show import show
from tests.chaos.test_killed_workers import must_hold
from tests.databases import database


def main() -> bool:
    """One play; `TICKS` and `SEED` in the environment change it. Raises when something is wrong."""
    ticks, seed = int(os.environ.get("TICKS", "10000")), int(os.environ.get("SEED", "1"))
    with tempfile.TemporaryDirectory(prefix="registrar-chaos-") as folder:
        path = Path(folder)
        with database("postgresql", path) as url:
            evidence, told = asyncio.run(show(url, path, ticks, seed, seconds=ticks / 5))
    print(summary(evidence, told))
    must_hold(evidence, ticks)
    print("no check doubled within a turn, no alert lost or doubled")
    return True
