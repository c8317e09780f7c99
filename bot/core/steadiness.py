"""Does a registry fail now and then? The record of its turns, and when to say so (once).

A turn is one regular check with its confirmations. The counts fade: a turn weighs 1 % less with
every later one, so the rate tells of about the last hundred turns, at any interval, in two numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from bot.core.timestamp import Json, read, written

FADE: Final = 0.99
TURNS_NEEDED: Final = 20
FAILURES_NEEDED: Final = 4.0
UNSTEADY: Final = 0.05
STEADY: Final = 0.01
QUIET_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Unsteady:
    """The registry failed now and then since `since`: `rate` (0 to 1) of its recent turns."""

    rate: float
    since: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """The faded counts; `since` is the first failure of this stretch, `told_at` the last notice.

    `held` says that a notice fell into planned work: it is judged anew at every turn until it can
    be said, or holds no more.
    """

    turns: float = 0.0
    failures: float = 0.0
    since: datetime | None = None
    told_at: datetime | None = None
    held: bool = False

    @property
    def rate(self) -> float:
        return self.failures / self.turns if self.turns else 0.0

    def to_json(self) -> Json:
        held = {"held": True} if self.held else {}
        return {
            **held,
            "turns": round(self.turns, 4),
            "failures": round(self.failures, 4),
            "since": written(self.since),
            "told_at": written(self.told_at),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Record:
        return cls(
            turns=float(stored.get("turns", 0.0)),
            failures=float(stored.get("failures", 0.0)),
            since=read(stored, "since"),
            told_at=read(stored, "told_at"),
            held=bool(stored.get("held", False)),
        )


def count(record: Record, now: datetime, *, failed: bool) -> Record:
    """The record after one more turn; a stretch ends when its failures have faded away."""
    failures = record.failures * FADE
    calm = failures < 0.5  # half a failure: the last one is some 70 turns ago
    since = record.since if not calm else (now if failed else None)
    return Record(
        turns=record.turns * FADE + 1,
        failures=failures + (1 if failed else 0),
        since=since,
        told_at=record.told_at,
        held=record.held,
    )


def judge(record: Record, now: datetime) -> tuple[Record, Unsteady | None]:
    """Say that it is unsteady, and not again before it was steady and 30 days have passed."""
    record = replace(record, held=False) if record.held else record
    told = record.told_at
    if told is not None and now - told >= QUIET_FOR and record.rate <= STEADY:
        record, told = replace(record, told_at=None), None
    enough = record.turns >= _faded(TURNS_NEEDED) and record.failures >= FAILURES_NEEDED
    if told is not None or not enough or record.rate < UNSTEADY or record.since is None:
        return record, None
    return replace(record, told_at=now), Unsteady(rate=record.rate, since=record.since)


def hold(record: Record) -> Record:
    """The record after a notice that could not be said now."""
    return replace(record, told_at=None, held=True)


def _faded(turns: int) -> float:
    """What so many turns weigh together."""
    return (1 - FADE**turns) / (1 - FADE)
