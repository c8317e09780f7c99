"""When a registry is checked next: regular times every replica agrees on, or sooner.

The regular times of a registry are a grid fixed by its id: they do not drift with the length of a
check, restarts change nothing, and registries added together do not stay together. Two of them are
never farther apart than the interval, nor closer than nine tenths of it, so that "interval" is a
promise: a change is looked for at least that often.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from bot.core.access import MINUTES_MAX, MINUTES_MIN

PERIOD: Final = 0.94
JITTER: Final = 0.02
"""Each time is moved by up to this share of the interval, so a gap is 0.90 to 0.98 of it."""
SPARE: Final = 0.02
"""A regular time closer than this share of the interval counts as the present one."""

_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_SPAN: Final = float(1 << 64)


def interval(workspace_minutes: int, registry_minutes: int | None = None) -> timedelta:
    """The interval that holds for a registry: its own or the workspace's, 5 minutes to 7 days."""
    minutes = workspace_minutes if registry_minutes is None else registry_minutes
    return timedelta(minutes=min(max(minutes, MINUTES_MIN), MINUTES_MAX))


def regular(registry_id: str, every: timedelta, now: datetime) -> datetime:
    """The next regular time after `now`."""
    length = every.total_seconds()
    phase = _share(registry_id)
    after = (now - _EPOCH).total_seconds() + length * SPARE
    turn = math.floor((after / length - JITTER) / PERIOD - phase)
    while (at := _time(registry_id, turn, phase, length)) <= after:
        turn += 1
    return _EPOCH + timedelta(seconds=at)


def next_check(
    registry_id: str,
    every: timedelta,
    now: datetime,
    *,
    soon: timedelta | None = None,
    not_before: datetime | None = None,
) -> datetime:
    """When to check next: after `soon` if the health asks for it, else at the regular time.

    `not_before` is the lock-out guard's or the host's word, and stands above both.
    """
    at = regular(registry_id, every, now) if soon is None else now + soon
    return at if not_before is None else max(at, not_before)


def _time(registry_id: str, turn: int, phase: float, length: float) -> float:
    """The regular time of a turn, in seconds since the epoch of the grid."""
    moved = (2 * _share(f"{registry_id}/{turn}") - 1) * JITTER
    return length * (PERIOD * (turn + phase) + moved)


def _share(text: str) -> float:
    """A number from 0 to 1 that looks random and is the same everywhere."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / _SPAN
