"""The history of checks: written with their evidence, read back for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.check import (
    Cause,
    CheckResult,
    Evidence,
    Level,
    Mark,
    Stage,
    StageResult,
    Verdict,
)
from bot.core.registry import CheckView
from bot.store.schema import CheckRecord


@dataclass(frozen=True, slots=True)
class Subject:
    """What was checked, why (`save`, `person` or `schedule`) and by whom."""

    team_id: str
    registry_id: str
    credential_id: str
    trigger: str
    by: str = ""


async def record(session: AsyncSession, subject: Subject, result: CheckResult) -> CheckRecord:
    """Write a check down; the answer has its number."""
    row = CheckRecord(**columns(subject, result))
    session.add(row)
    await session.flush()  # the database gives the number
    return row


def columns(subject: Subject, result: CheckResult) -> dict[str, Any]:
    """The row of a check, without its number."""
    return {
        "team_id": subject.team_id,
        "registry_id": subject.registry_id,
        "credential_id": subject.credential_id,
        "at": result.at,
        "took": result.took,
        "verdict": str(result.verdict),
        "level": int(result.level),
        "stage": str(result.stage),
        "cause": str(result.cause) if result.cause else None,
        "sentence": result.sentence,
        "remedy": result.remedy,
        "explicit": result.explicit,
        "identity": result.identity,
        "trigger": subject.trigger,
        "by": subject.by,
        "stages_json": _stages_out(result.stages),
        "evidence_json": json.dumps([_evidence_out(item) for item in result.evidence]),
    }


async def latest(session: AsyncSession, registry_id: str, limit: int) -> list[CheckView]:
    """The last checks of a registry, the newest first."""
    statement = (
        select(CheckRecord)
        .where(col(CheckRecord.registry_id) == registry_id)
        .order_by(col(CheckRecord.id).desc())
        .limit(limit)
    )
    return [view(row) for row in await session.exec(statement)]


async def of_credential(
    session: AsyncSession, registry_id: str, credential_id: str
) -> CheckView | None:
    """The last check of the credential in force; those of drafts are left out."""
    statement = (
        select(CheckRecord)
        .where(
            col(CheckRecord.registry_id) == registry_id,
            col(CheckRecord.credential_id) == credential_id,
        )
        .order_by(col(CheckRecord.id).desc())
        .limit(1)
    )
    row = (await session.exec(statement)).first()
    return view(row) if row else None


async def find(session: AsyncSession, check_id: int) -> CheckRecord | None:
    return await session.get(CheckRecord, check_id)


def result_of(row: CheckRecord) -> CheckResult:
    """The answer of a check as far as health and lock-outs are judged by it."""
    seen = view(row)
    stages = set(Stage)
    return CheckResult(
        verdict=seen.verdict,
        level=Level(row.level),
        stage=Stage(row.stage) if row.stage in stages else Stage.LOGIN,
        sentence=row.sentence,
        at=row.at,
        took=row.took,
        cause=seen.cause,
        remedy=row.remedy,
        explicit=row.explicit,
    )


def view(row: CheckRecord) -> CheckView:
    """A check as people see it; words that this release does not know are left out."""
    verdicts, causes = set(Verdict), set(Cause)
    return CheckView(
        at=row.at,
        took=row.took,
        verdict=Verdict(row.verdict) if row.verdict in verdicts else Verdict.UNPROVEN,
        sentence=row.sentence,
        remedy=row.remedy,
        cause=Cause(row.cause) if row.cause in causes else None,
        stages=stages_in(row.stages_json),
        trigger=row.trigger,
        by=row.by,
    )


def stages_in(text: str) -> tuple[StageResult, ...]:
    """Stages from their JSON; nothing when it is malformed."""
    try:
        return tuple(
            StageResult(Stage(item["stage"]), Mark(item["mark"]), str(item.get("note", "")))
            for item in json.loads(text)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


@lru_cache(maxsize=1024)  # most checks end like most others
def _stages_out(stages: tuple[StageResult, ...]) -> str:
    return json.dumps(
        [{"stage": str(one.stage), "mark": str(one.mark), "note": one.note} for one in stages]
    )


def _evidence_out(item: Evidence) -> dict[str, Any]:
    return {
        "stage": str(item.stage),
        "method": item.method,
        "host": item.host,
        "path": item.path,
        "status": item.status,
        "code": item.code,
        "anonymous": item.anonymous,
    }
