"""Answers of checks, as short as the tests need them, and a registry that is checked in a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.core.check import Cause, CheckResult, Level, Stage, Verdict
from bot.core.health import Effect, Health, decide
from bot.core.schedule import next_check

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def answer(
    verdict: Verdict,
    *,
    cause: Cause | None = None,
    explicit: bool = False,
    retry_at: datetime | None = None,
    stage: Stage = Stage.LOGIN,
) -> CheckResult:
    return CheckResult(
        verdict=verdict,
        level=Level.E0,
        stage=stage,
        sentence=f"It is {verdict}.",
        at=START,
        took=0.1,
        cause=cause,
        explicit=explicit,
        retry_at=retry_at,
    )


PROVEN = answer(Verdict.PROVEN)
UNPROVEN = answer(Verdict.UNPROVEN, cause=Cause.ACCEPTS_ANYONE)
BARE = answer(Verdict.REFUSED, cause=Cause.BAD_CREDENTIALS)
REVOKED = answer(Verdict.REFUSED, cause=Cause.REVOKED, explicit=True)
SILENT = answer(Verdict.UNREACHABLE, cause=Cause.TIMEOUT)
FAILING = answer(Verdict.UNREACHABLE, cause=Cause.REGISTRY_ERROR)
LIMITED = answer(Verdict.LIMITED, cause=Cause.RATE_LIMITED)
UNRESOLVED = answer(Verdict.UNRESOLVED, cause=Cause.REFERENCE)
BLOCKED = answer(Verdict.BLOCKED, cause=Cause.REALM_NOT_TRUSTED)


@dataclass
class Watched:
    """One registry, checked at the times its health and its schedule ask for."""

    name: str
    every: timedelta = HOUR
    at: datetime = START
    health: Health = field(default_factory=lambda: Health(ever_proven=True))

    def run(
        self, ask: Callable[[datetime], CheckResult], until: datetime
    ) -> Iterator[tuple[datetime, Effect]]:
        """Check until then; yields what is said, with the time it is said."""
        while self.at < until:
            now = self.at
            decision = decide(self.health, ask(now), now)
            self.health = decision.health
            self.at = next_check(self.name, self.every, now, soon=decision.soon)
            for effect in decision.effects:
                yield now, effect


def feed(health: Health, *answers: tuple[float, CheckResult]) -> tuple[Health, list[Effect]]:
    """Give answers at so many seconds after START; the effects of all of them."""
    effects: list[Effect] = []
    for seconds, result in answers:
        decision = decide(health, result, START + timedelta(seconds=seconds))
        health = decision.health
        effects += decision.effects
    return health, effects
