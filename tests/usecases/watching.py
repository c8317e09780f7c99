"""A fleet whose providers answer as told, and a clock that jumps to whatever is due next."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import col, select

from bot.core.check import Cause, CheckResult, Progress, Verdict
from bot.core.clock import FixedClock
from bot.core.config import Config
from bot.core.incident import Incident
from bot.core.preferences import Preferences
from bot.store import incidents as rows
from bot.store import workspaces
from bot.store.plain import moment
from bot.store.schema import CheckRecord, IncidentRow, Outgoing, Registry
from bot.usecases import incident_view
from bot.usecases.consequences import tick as tick_incident
from bot.usecases.deps import Deps
from bot.usecases.incident_view import IncidentView
from bot.usecases.saying import tick_channels
from bot.usecases.watch import Limits, Watch
from tests.factories import NOW, clock_of, proven, refused, unreachable

EXPIRED = refused(cause=Cause.EXPIRED, explicit=True, sentence="The token expired.")
BARE = refused(cause=Cause.BAD_CREDENTIALS, explicit=False)

Rule = Callable[[Config, datetime], CheckResult]


@dataclass
class Fleet:
    """The checker: answers by host, proven unless told otherwise, and remembers every check."""

    clock: FixedClock
    answers: dict[str, CheckResult | Rule] = field(default_factory=dict)
    seen: list[tuple[datetime, Config]] = field(default_factory=list)

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        now = self.clock.now()
        self.seen.append((now, config))
        answer = self.answers.get(config.host, proven())
        result = answer(config, now) if callable(answer) else answer
        return replace(result, at=now)

    def hosts(self) -> list[str]:
        return [config.host for _, config in self.seen]

    def fails(self, name: str, result: CheckResult | Rule = EXPIRED) -> None:
        self.answers[f"{name}.example.com"] = result

    def works(self, name: str) -> None:
        self.answers.pop(f"{name}.example.com", None)


def with_fleet(deps: Deps) -> tuple[Deps, Fleet]:
    fleet = Fleet(clock_of(deps))
    return replace(deps, checker=fleet), fleet


async def channel(deps: Deps, channel_id: str = "CALERTS", team: str = "T1") -> None:
    """Give a workspace its alert channel; nobody is reminded, so that the tests are short."""
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, team, NOW)
        settings = await workspaces.settings(session, team)
        patient = Preferences(remind_hours=None, escalate_hours=None)
        wanted = replace(settings, alert_channel=channel_id, preferences=patient)
        await workspaces.change(session, team, wanted, "UALICE", NOW)


async def run(deps: Deps, watch: Watch, lasts: timedelta, *, step: timedelta | None = None) -> None:
    """Let time pass: tick whatever is due, then jump to the next thing that will be."""
    clock = clock_of(deps)
    end = clock.now() + lasts
    while True:
        await tick(deps, watch)
        due = await _next(deps)
        at = clock.now() + step if step else max(due or end, clock.now() + timedelta(seconds=1))
        if at > end:
            break
        clock.skip(at - clock.now())
    clock.skip(end - clock.now())
    await tick(deps, watch)


async def tick(deps: Deps, watch: Watch) -> None:
    await watch.tick()
    async with deps.store.transaction() as session:
        for row in await rows.ticking(session, deps.clock.now(), 1000):
            await tick_incident(session, row, deps.clock.now())
    await tick_channels(deps)


async def _next(deps: Deps) -> datetime | None:
    async with deps.store.reading() as session:
        connection = await session.connection()
        queries = (
            "SELECT min(next_check_at) FROM registry WHERE state = 'live'",
            "SELECT min(next_tick_at) FROM incident WHERE closed_at IS NULL",
            "SELECT min(next_tick_at) FROM channel_state",
        )
        answers = [await connection.execute(text(query)) for query in queries]
        found = [moment(answer.scalar_one()) for answer in answers]
    return min((at for at in found if at is not None), default=None)


async def registry(deps: Deps, name: str) -> Registry:
    async with deps.store.reading() as session:
        wanted = select(Registry).where(col(Registry.name) == name)
        return (await session.exec(wanted.order_by(col(Registry.state).desc()))).one()


async def records(deps: Deps, trigger: str = "schedule") -> list[CheckRecord]:
    async with deps.store.reading() as session:
        wanted = select(CheckRecord).where(col(CheckRecord.trigger) == trigger)
        return list((await session.exec(wanted.order_by(col(CheckRecord.id)))).all())


async def letters(deps: Deps, *, what: str = "") -> list[Outgoing]:
    """What the outbox holds about incidents, in order."""
    async with deps.store.reading() as session:
        found = (await session.exec(select(Outgoing).order_by(col(Outgoing.id)))).all()
    return [row for row in found if (row.what == what if what else row.subject or what)]


async def said(deps: Deps) -> list[tuple[str, str]]:
    """The operation and entry of every letter about an incident or a storm."""
    found = []
    for row in await letters(deps):
        values = json.loads(row.values_json)
        found.append((row.op, values.get("entry", row.what)))
    return found


async def incidents(deps: Deps) -> list[IncidentView]:
    """Every incident, open or not, in the order they were opened."""
    async with deps.store.reading() as session:
        wanted = select(IncidentRow).order_by(col(IncidentRow.opened_at))
        return await incident_view.views(session, (await session.exec(wanted)).all())


async def the_incident(deps: Deps) -> Incident:
    (one,) = await incidents(deps)
    return one.incident


def watching(deps: Deps, **limits: object) -> Watch:
    return Watch(deps, replace(Limits(), **limits))  # type: ignore[arg-type]


__all__ = ("BARE", "EXPIRED", "Verdict", "unreachable")
