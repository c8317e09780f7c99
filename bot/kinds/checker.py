"""Runs a check of any kind and turns whatever happens into a CheckResult."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Final

import structlog

from bot.core.check import Cause, CheckResult, Level, Mark, Progress, Stage, StageResult, Verdict
from bot.core.clock import Clock
from bot.core.config import Config
from bot.errors import EgressError
from bot.kinds.age import Ages
from bot.kinds.aws import AwsGateway
from bot.kinds.finding import Finding, Stop
from bot.kinds.memory import Memory
from bot.kinds.net import Egress
from bot.kinds.registry_kinds import KINDS
from bot.kinds.visit import Visit

_log = structlog.get_logger(__name__)

_OUTER: Final = frozenset({Stage.ADDRESS, Stage.TLS, Stage.REGISTRY})
_REMEDIES: Final = {
    Cause.HOST_NOT_FOUND: "Check the spelling of the Registry URL.",
    Cause.CONNECT_FAILED: "Check the host and the port; a firewall may be in the way.",
    Cause.TIMEOUT: "Check the host and the port, or wait: it is tried again by itself.",
    Cause.TLS_FAILURE: "Ask who runs this registry to fix its certificate; a private authority "
    "is added by whoever runs Registrar.",
    Cause.MALFORMED: "Paste the credential again.",
    Cause.BLOCKED_HOST: "Whoever runs Registrar can allow addresses that are not public.",
}
# What a wrong address looks like; where the address is fixed, something stands in between.
_ASTRAY: Final = frozenset(
    {
        Cause.HOST_NOT_FOUND,
        Cause.CONNECT_FAILED,
        Cause.TIMEOUT,
        Cause.TLS_FAILURE,
        Cause.NOT_A_REGISTRY,
    }
)


class Checker:
    """Checks credentials. `total` is the time limit of one check, in seconds.

    Keep one for the life of the process: it remembers for a day which hosts accept anyone, and what
    providers told of a credential's age and end.
    """

    def __init__(
        self, *, egress: Egress, aws: AwsGateway, clock: Clock, total: float = 10.0
    ) -> None:
        self._egress = egress
        self._aws = aws
        self._clock = clock
        self._total = total
        self._memory = Memory(clock)
        self._ages = Ages(clock)

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        """Check once. Never raises for anything a registry or a provider does."""
        visit = Visit(
            config=config,
            egress=self._egress,
            aws=self._aws,
            clock=self._clock,
            memory=self._memory,
            progress=progress,
        )
        began = time.monotonic()
        at = self._clock.now()
        finding = _fitting(visit, await self._find(visit))
        took = time.monotonic() - began
        if finding.verdict is Verdict.PROVEN:
            await self._learn_age(visit)
        result = CheckResult(
            verdict=finding.verdict,
            level=finding.level,
            stage=finding.stage,
            sentence=finding.sentence,
            at=at,
            took=took,
            cause=finding.cause,
            remedy=finding.remedy,
            explicit=finding.explicit,
            identity=visit.identity,
            expiry=visit.expiry,
            issued_at=visit.issued_at,
            scopes=visit.scopes,
            warnings=tuple(visit.warnings),
            retry_at=finding.retry_at,
            stages=_settled(visit, finding),
            evidence=tuple(visit.evidence),
        )
        _tell(config, result)
        return result

    async def _learn_age(self, visit: Visit) -> None:
        """Fill in what the provider tells of the credential only when asked for it."""
        if visit.question is None:
            return
        answer = await self._ages.of(visit.config, visit.question, visit.left)
        visit.expiry = answer.expiry or visit.expiry
        visit.issued_at = answer.issued_at or visit.issued_at

    async def _find(self, visit: Visit) -> Finding:
        try:
            async with asyncio.timeout(self._total):
                return await KINDS[visit.config.kind].check(visit)
        except Stop as stop:
            return stop.finding
        except EgressError as error:
            return _no_answer(visit, error)
        except TimeoutError:
            return self._too_slow(visit)

    def _too_slow(self, visit: Visit) -> Finding:
        if visit.stage is Stage.ADDRESS:
            # Connecting has a shorter limit of its own, so what is slow is the answer.
            visit.enter(Stage.REGISTRY)
        host = visit.host or visit.config.host
        return Finding(
            Verdict.UNREACHABLE,
            Level.E0,
            visit.stage,
            f"{host} did not answer within {self._total:g} s; the credential was not judged.",
            _REMEDIES[Cause.TIMEOUT],
            Cause.TIMEOUT,
        )


def _fitting(visit: Visit, finding: Finding) -> Finding:
    """Nobody can correct a Registry URL that is fixed."""
    if finding.cause not in _ASTRAY or not KINDS[visit.config.kind].url.fixed:
        return finding
    return replace(
        finding,
        remedy="It is tried again by itself. If it lasts, ask who runs Registrar whether its "
        "network lets it reach this address.",
    )


def _no_answer(visit: Visit, error: EgressError) -> Finding:
    if visit.stage is Stage.ADDRESS and error.cause is Cause.TLS_FAILURE:
        visit.passed(Stage.ADDRESS)
        visit.enter(Stage.TLS)
    if visit.stage is Stage.ADDRESS and error.cause in {Cause.NOT_A_REGISTRY, Cause.REGISTRY_ERROR}:
        visit.passed(Stage.ADDRESS)
        visit.enter(Stage.REGISTRY)
    blocked = error.cause is Cause.BLOCKED_HOST
    return Finding(
        Verdict.BLOCKED if blocked else Verdict.UNREACHABLE,
        Level.E0,
        visit.stage,
        str(error),
        _REMEDIES.get(error.cause, "Check the Registry URL, its port and path included."),
        error.cause,
    )


def _settled(visit: Visit, finding: Finding) -> tuple[StageResult, ...]:
    """All stages: the deciding one marked by the verdict, those not reached skipped."""
    reached = {result.stage: result for result in visit.stages}
    marks: list[StageResult] = []
    for stage in Stage:
        result = reached.get(stage)
        if result is None:
            result = StageResult(stage, Mark.SKIPPED)
        if stage is finding.stage and result.mark in {Mark.RUNNING, Mark.SKIPPED, Mark.PASSED}:
            result = StageResult(stage, _mark_of(finding, result.mark), result.note)
        elif result.mark is Mark.RUNNING:
            result = StageResult(stage, Mark.UNKNOWN, result.note)
        marks.append(result)
    return tuple(marks)


def _mark_of(finding: Finding, mark: Mark) -> Mark:
    if finding.verdict is Verdict.PROVEN:
        return Mark.PASSED
    if finding.verdict is Verdict.REFUSED or finding.verdict is Verdict.BLOCKED:
        return Mark.FAILED
    if finding.verdict is Verdict.UNREACHABLE:
        return Mark.FAILED if finding.stage in _OUTER else Mark.UNKNOWN
    return Mark.UNKNOWN if mark is Mark.RUNNING else mark


def _tell(config: Config, result: CheckResult) -> None:
    if not logging.getLogger(__name__).isEnabledFor(logging.INFO):
        return  # structlog would prepare the line before it is thrown away
    _log.info(
        "checked",
        kind=config.kind,
        host=config.host,
        verdict=result.verdict.value,
        level=result.level.value,
        stage=result.stage.value,
        cause=result.cause.value if result.cause is not None else None,
        took=round(result.took, 3),
        requests=[seen.line for seen in result.evidence],
    )
