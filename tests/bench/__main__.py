"""`make bench`: every benchmark, or those named on the command line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

BENCHMARKS = {
    "login": "100 truthful checks beside 100 skopeo logins on one real registry",
    "watch_checks": "truthful checks over TLS beside httpx, aiohttp and skopeo login",
    "watch_schedule": "what the schedule costs, and whether 10,000 registries are in time",
    "chaos": "three workers killed at random for 10,000 ticks: nothing doubled, nothing lost",
    "decide": "one decision among 1,000 rules, beside a walk over all of them",
    "admission": "the webhook: verdicts on 100 images, and reviews over TLS beside bare aiohttp",
    "rotation": "a year of 200 registries that rotate by themselves at a faulty provider",
    "ack": "how soon a slash command is acked while 200 checks run",
}


def run(names: Iterable[str], load: Callable[[str], Any]) -> int:
    """Run them one after the other, each printing its own table; 1 when a limit was missed."""
    kept = []
    for name in names:
        print(f"\n{name}: {BENCHMARKS[name]}")
        kept.append(load(name).main())
    return 0 if all(kept) else 1


def main(names: list[str]) -> int:
    """Those of that name, or all; the exit status, which is 2 when a name is none of a benchmark."""
    if not set(names) <= set(BENCHMARKS):
        for name, what in BENCHMARKS.items():
            print(f"{name:<16}{what}")
        return 0 if {"-h", "--help"} & set(names) else 2
    return run(names or BENCHMARKS, lambda name: importlib.import_module(f"tests.bench.{name}"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
