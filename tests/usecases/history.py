"""Histories and incidents for tests, written straight into the tables."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.core.check import CheckResult, Verdict
from bot.core.day_counts import last_days, start_of
from bot.core.health import Trouble
from bot.core.incident import Incident
from bot.store import checks, day_counts, incidents, workspaces
from bot.store.schema import CURRENT, LIVE, Credential, Registry
from bot.usecases.deps import Deps
from tests.factories import NOW


async def checked(
    deps: Deps, registry_id: str, results: Iterable[tuple[datetime, CheckResult]]
) -> None:
    """Scheduled checks of a registry, counted by day as well."""
    subject = checks.Subject("T1", registry_id, "", "schedule")
    async with deps.store.transaction() as session:
        done = []
        for at, result in results:
            row = await checks.record(session, subject, result)
            row.at = at
            session.add(row)
            done.append((registry_id, at, result.verdict))
        await day_counts.add(session, done)


async def failed(
    deps: Deps, registry_id: str, since: datetime, until: datetime | None = None
) -> None:
    """An incident of a registry, still open without `until`."""
    incident = Incident(
        trouble=Trouble.REFUSED,
        since=since,
        opened_at=since,
        sentence="The registry refused the password.",
        waiting_since=since,
        announce_at=since,
    )
    async with deps.store.transaction() as session:
        row = await incidents.add(session, "T1", registry_id, incident, None)
        assert row is not None
        await incidents.join(session, row.id, registry_id, since)
        row.closed_at = until
        session.add(row)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


async def many(deps: Deps, count: int) -> list[str]:
    """So many proven registries with a month of days, written straight into the tables; ids."""
    days = last_days(NOW, 30)
    ids = [f"r{number:05}" for number in range(count)]
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, "T1", NOW)
        for number, name in enumerate(ids):
            session.add(_registry(name, number))
        await session.flush()
        for number, name in enumerate(ids):
            expires = NOW + timedelta(days=1 + number % 300)
            session.add(_credential(name, expires))
        for day in days:
            at = start_of(day)
            await day_counts.add(session, [(name, at, Verdict.PROVEN) for name in ids])
    return ids


def _registry(name: str, number: int) -> Registry:
    refused = number % 50 == 0
    return Registry(
        id=name,
        team_id="T1",
        state=LIVE,
        name=f"harbor-{number:05}",
        kind="generic",
        variant="account",
        url=f"https://{name}.example.com",
        host=f"{name}.example.com",
        rotate_days=0,
        login="ci",
        created_at=ago(days=90),
        created_by="UALICE",
        updated_at=ago(days=90),
        updated_by="UALICE",
        verdict="refused" if refused else "proven",
        checked_at=NOW,
        next_check_at=NOW + timedelta(hours=1),
    )


def _credential(registry_id: str, expires: datetime) -> Credential:
    return Credential(
        id=f"c-{registry_id}",
        team_id="T1",
        registry_id=registry_id,
        state=CURRENT,
        login="ci",
        shown_login="ci",
        fingerprint=f"f{registry_id}",
        blob=b"sealed",
        proven=True,
        stored_at=ago(days=20),
        stored_by="UALICE",
        expires_at=expires,
        expires_source="provider",
    )
