"""What a kind found out: the decided part of a CheckResult, and the ways to stop early."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.check import Cause, Level, Stage, Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with its reason; the fields mean what they mean in CheckResult."""

    verdict: Verdict
    level: Level
    stage: Stage
    sentence: str
    remedy: str = ""
    cause: Cause | None = None
    explicit: bool = False
    retry_at: datetime | None = None


class Stop(Exception):
    """Ends a check early with its finding."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.sentence)


def refused(
    stage: Stage,
    cause: Cause,
    sentence: str,
    remedy: str,
    *,
    explicit: bool = False,
    level: Level = Level.E2,
) -> Stop:
    """The credential is bad, or lacks a right. `explicit`: the provider itself said so."""
    level = Level.E3 if explicit else level
    return Stop(Finding(Verdict.REFUSED, level, stage, sentence, remedy, cause, explicit))


def unreachable(
    stage: Stage, cause: Cause, sentence: str, remedy: str, retry_at: datetime | None = None
) -> Stop:
    """No definitive answer: the credential was not judged."""
    return Stop(
        Finding(Verdict.UNREACHABLE, Level.E0, stage, sentence, remedy, cause, retry_at=retry_at)
    )


def blocked(stage: Stage, cause: Cause, sentence: str, remedy: str) -> Stop:
    """Our own rules forbid going on; nothing secret was sent."""
    return Stop(Finding(Verdict.BLOCKED, Level.E0, stage, sentence, remedy, cause))


def limited(stage: Stage, sentence: str, remedy: str, retry_at: datetime | None) -> Stop:
    """Asked too often: the credential was not judged."""
    return Stop(
        Finding(
            Verdict.LIMITED,
            Level.E0,
            stage,
            sentence,
            remedy,
            Cause.RATE_LIMITED,
            retry_at=retry_at,
        )
    )
