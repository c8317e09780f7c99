"""`make bench`: every benchmark, or those named on the command line."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = {
    "login": "100 truthful checks beside 100 skopeo logins on one real registry",
    "watch_checks": "truthful checks over TLS beside httpx, aiohttp and skopeo login",
    "chaos": "three workers killed at random for 10,000 ticks: nothing doubled, nothing lost",
    "ack": "how soon a slash command is acked while 200 checks run",
}


def main(names: list[str]) -> None:
    """Run them one after the other; each prints its own table."""
    for name in names or BENCHMARKS:
        print(f"\n{name}: {BENCHMARKS[name]}")
        importlib.import_module(f"tests.bench.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
