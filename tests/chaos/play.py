"""The play that the workers act in: their shared clock, what each registry answers when, the log.

Time is counted in ticks of the workers, half a second each: it stands still while nobody works, and
on a slow machine no lease runs out earlier than on a fast one.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

ORIGIN: Final = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
STEP: Final = 0.5
"""Seconds of the play for each tick of any worker."""
WORKERS: Final = 3
LEASE: Final = 60.0
JUMP: Final = 70 * 60
"""Seconds between the acts, so that the refused of the first act are tried again in the second."""

ONE_BY_ONE: Final = range(10)
TOGETHER: Final = range(10, 18)
LATER: Final = range(18, 22)
AWAY: Final = range(22, 25)
REGISTRIES: Final = 40

_TICKS, _HALVES, _AT_SLACK = (range(first * WORKERS, (first + 1) * WORKERS) for first in range(3))
_SKIPPED: Final = 3 * WORKERS
_STOP: Final = _SKIPPED + 1
_SLOTS: Final = _STOP + 1


class Stage:
    """What the processes share: how often each has ticked, the time skipped, and the curtain.

    Each slot has one writer, so a writer that is killed leaves the others theirs. Time stands still
    while a living worker talks to Slack: in life a courier gives up long before its lease ends, but
    here the others would tick a minute away meanwhile.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 8 * _SLOTS)

    @classmethod
    def build(cls, path: Path) -> Self:
        path.write_bytes(bytes(8 * _SLOTS))
        return cls(path)

    @property
    def ticks(self) -> int:
        return sum(map(self._get, _TICKS))

    @property
    def seconds(self) -> float:
        """The time of the play since its beginning."""
        return sum(map(self._get, _HALVES)) * STEP + self._get(_SKIPPED)

    @property
    def second_act(self) -> bool:
        return self._get(_SKIPPED) > 0

    @property
    def stopped(self) -> bool:
        return bool(self._get(_STOP))

    def tick(self, worker: int) -> None:
        self._set(_TICKS[worker], self._get(_TICKS[worker]) + 1)
        if not any(map(self._get, _AT_SLACK)):
            self._set(_HALVES[worker], self._get(_HALVES[worker]) + 1)

    def at_slack(self, worker: int, *, yes: bool) -> None:
        self._set(_AT_SLACK[worker], int(yes))

    def stop(self, *, yes: bool) -> None:
        self._set(_STOP, int(yes))

    def skip(self, seconds: int) -> None:
        self._set(_SKIPPED, self._get(_SKIPPED) + seconds)

    def _get(self, slot: int) -> int:
        value: int = struct.unpack_from("q", self._memory, 8 * slot)[0]
        return value

    def _set(self, slot: int, value: int) -> None:
        struct.pack_into("q", self._memory, 8 * slot, value)


class StageClock:
    """A clock that shows the time of the play, also for the database's."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def now(self) -> datetime:
        return ORIGIN + timedelta(seconds=self._stage.seconds)

    def shown_at(self, real: datetime) -> datetime:
        del real
        return self.now()


class Script:
    """What registry number `n` answers at a time; the second act begins with the jump."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def fails(self, n: int) -> str:
        """`revoked`, `away`, or nothing when it is well."""
        if self._stage.second_act:
            return "revoked" if n in LATER else ""
        seconds = self._stage.seconds
        if n in ONE_BY_ONE:
            return "revoked" if 12.0 * (n + 1) <= seconds else ""
        if n in TOGETHER:
            return "revoked" if seconds >= 60.0 else ""
        return "away" if n in AWAY and seconds > 0 else ""


def host_of(n: int) -> str:
    return f"registry-{n:02d}.example.com"


def number_of(url: str) -> int:
    return int(url.split("registry-")[1][:2])


class Log:
    """What happened, one line of JSON each, in the order it happened in all processes."""

    def __init__(self, path: Path, stage: Stage, worker: int = -1) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._stage = stage
        self._worker = worker

    def note(self, what: str, **more: Any) -> None:
        line = {"what": what, "worker": self._worker, "pid": os.getpid()}
        line |= {"seconds": self._stage.seconds, **more}
        os.write(self._file, f"{json.dumps(line)}\n".encode())


def read_log(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
