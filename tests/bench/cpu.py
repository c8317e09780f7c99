"""What a piece of work cost, by the operating system's own accounting."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Cost:
    """Seconds of wall clock and of processor time, ours and our finished children's."""

    wall: float = 0.0
    own: float = 0.0
    children: float = 0.0


@contextmanager
def measured() -> Iterator[Cost]:
    """Fill the cost in when the block ends; children count once they are waited for."""
    cost = Cost()
    before, began = os.times(), time.perf_counter()
    yield cost
    after = os.times()
    cost.wall = time.perf_counter() - began
    cost.own = after.user + after.system - before.user - before.system
    cost.children = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


def row(name: str, count: int, cpu: float, wall: float) -> str:
    """One line of a table: how many, per CPU-second, and per second of wall clock."""
    return f"{name:<44} {count:>6} in {cpu:7.3f} CPU-s = {count / cpu:8.0f}/CPU-s  {wall:7.3f} s"
