"""A checker that waits for its turn, and does not ask a host that wants to be left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.core.check import Cause, CheckResult, Level, Mark, Progress, Stage, StageResult, Verdict
from bot.core.clock import Clock
from bot.core.config import Config
from bot.kinds.form import login_of
from bot.kinds.pacing import Closed, Pacer


class Checks(Protocol):
    """Tries a credential now."""

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult: ...


@dataclass(frozen=True, slots=True)
class PacedChecker:
    """Checks in turn. `by_person`: for people's own tests, which wait for no pace.

    Make both from one Pacer, so that what one learns of a host holds for the other.
    """

    checker: Checks
    pacer: Pacer
    clock: Clock
    by_person: bool = False

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        """Check when it is our turn; a host that is closed is answered for without asking it."""
        host, kind = config.host, config.kind
        turn = self.pacer.turn(host, login_of(config), kind, by_person=self.by_person)
        try:
            async with turn:
                result = await self.checker.check(config, progress)
                self.pacer.heard(host, result, kind)
                return result
        except Closed as closed:
            return self._left_alone(host, closed)

    def _left_alone(self, host: str, closed: Closed) -> CheckResult:
        when = f"{closed.until:%H:%M} UTC"
        return CheckResult(
            verdict=Verdict.LIMITED,
            level=Level.E0,
            stage=Stage.ADDRESS,
            sentence=f"Several sign-ins at {host} failed just now, and it locks out who goes on; "
            f"the credential is tested after {when}."
            if closed.by_failures
            else f"{host} limits requests until {when}; the credential was not judged.",
            at=self.clock.now(),
            took=0.0,
            cause=Cause.RATE_LIMITED,
            remedy="Nothing to do here: it is tried again by itself.",
            retry_at=closed.until,
            stages=tuple(
                StageResult(stage, Mark.UNKNOWN if stage is Stage.ADDRESS else Mark.SKIPPED)
                for stage in Stage
            ),
        )
