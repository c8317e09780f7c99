"""Due registries, claimed in batches under a lease.

A claim is a lease with a fence, so that a worker that died is followed by another, and one that was
only slow cannot write any more. Rows that others are claiming at the moment are passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import TextClause
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.backoff import CONFIRM
from bot.store.cipher import Place
from bot.store.plain import is_postgresql, moment, run, sql

Account = tuple[str, str, str]
"""Workspace, host and login: what a provider locks."""

UNLUCKY: Final = 2
"""The claim of so many in a row is still nobody's fault."""

# The `|| ''` keeps PostgreSQL, while it has no statistics, from looking through a whole workspace.
_COLUMNS: Final = """
    SELECT r.id, r.team_id, r.kind, r.variant, r.url, r.host, r.path_scope, r.test_image, r.login,
    r.values_json, r.version, r.fence, r.attempts, r.next_check_at, r.recheck_minutes,
    w.recheck_minutes, r.health_json, r.broken, r.verdict, r.cause, r.sentence, r.remedy,
    c.id, c.fingerprint, c.source, c.blob, c.proven, c.issued_at, c.expires_at, c.expires_source,
    a.guard_json,
    r.login <> '' AND EXISTS (
        SELECT 1 FROM registry s
        WHERE s.host = r.host AND s.login = r.login AND s.team_id || '' = r.team_id
          AND s.state = 'live' AND s.id <> r.id
    )
    FROM due r
    JOIN workspace w ON w.team_id = r.team_id
    LEFT JOIN credential c ON c.registry_id = r.id AND c.state = 'current'
    LEFT JOIN account a ON a.team_id = r.team_id AND a.host = r.host AND a.login = r.login
"""
_FREE: Final = "r.state = 'live' AND (r.lease_until IS NULL OR r.lease_until <= :now)"
_DUE: Final = f"{_FREE} AND r.next_check_at <= :now"
_SKIP: Final = "FOR UPDATE SKIP LOCKED"


@dataclass(slots=True)  # not frozen, which would double what each costs to make; nobody changes one
class Claimed:
    """A registry to check now, with what is needed for it; the secrets are still sealed.

    `shared` tells that other registries sign in with the same account; `due_at` is None for one
    that came along because it shares the secret of a due one. `fence` is that of this claim, and
    `attempts` counts it. `source` is set when a reference stands for a secret.
    """

    id: str
    team_id: str
    kind: str
    variant: str
    url: str
    host: str
    path_scope: str
    test_image: str
    login: str
    values_json: str
    version: int
    fence: int
    attempts: int
    due_at: datetime | None
    recheck_minutes: int | None
    workspace_minutes: int
    health_json: str
    broken: str
    verdict: str | None
    cause: str | None
    sentence: str
    remedy: str
    credential_id: str
    fingerprint: str
    source: str
    blob: bytes | None
    proven: bool
    issued_at: datetime | None
    expires_at: datetime | None
    expires_source: str
    guard_json: str
    shared: bool

    @property
    def account(self) -> Account:
        return (self.team_id, self.host, self.login)

    @property
    def place(self) -> Place:
        return Place(self.team_id, self.id, self.credential_id)


@dataclass(frozen=True, slots=True)
class Held:
    """An account that this worker alone signs in with until it is released or the lease ends."""

    account: Account
    fence: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one claim took. `full`: there may be more."""

    rows: tuple[Claimed, ...]
    accounts: tuple[Held, ...]
    full: bool


async def claim(
    session: AsyncSession,
    now: datetime,
    until: datetime,
    limit: int,
    *,
    passed_over: Collection[str] = (),
    busy_hosts: Collection[str] = (),
    per_host: int | None = None,
) -> Batch:
    """Take due registries under a lease until `until`: the longest due ones, fair to workspaces.

    While fewer are due than `limit` all of them are taken. Otherwise every workspace has its share
    before the rest goes by age. `passed_over` are ids this process still works on, `busy_hosts`
    hosts with enough waiting, `per_host` the most of one host in this batch. While a suspect is
    due (see `_suspects`), nothing else is taken, and it only by a process that works on nothing.
    """
    rows = await _oldest(session, now, limit, busy_hosts)
    full = len(rows) == limit
    if full:
        fair = await _fair(session, now, limit, busy_hosts, rows)
        known = {row.id for row in fair}
        rows = [*fair, *(row for row in rows if row.id not in known)]
    rows = [row for row in rows if row.id not in passed_over]
    suspects = await _suspects(session, rows, now, limit)
    if suspects:
        full, rows = True, [] if passed_over else suspects
    rows = _spread(rows, per_host)[:limit]
    held = await _hold_accounts(session, rows, now, until)
    free = {account.account for account in held}
    rows = [row for row in rows if not row.shared or row.account in free]
    rows += await _companions(session, rows, now)
    await _lease(session, [row.id for row in rows], until)
    return Batch(tuple(rows), tuple(held), full)


async def release_accounts(session: AsyncSession, held: Iterable[Held]) -> None:
    """Let others sign in with these accounts; one that was taken over meanwhile is left alone."""
    statement = sql(
        session,
        "UPDATE account SET busy_until = NULL WHERE team_id = :team AND host = :host",
        "AND login = :login AND fence = :fence",
    )
    for one in held:
        team, host, login = one.account
        await run(session, statement, team=team, host=host, login=login, fence=one.fence)


async def hasten(session: AsyncSession, account: Account, now: datetime) -> None:
    """Check every registry of an account now: it was refused, and has just been accepted.

    What is to be checked within a minute anyway, such as the one that was accepted, is left alone.
    """
    team, host, login = account
    statement = sql(
        session,
        "UPDATE registry SET next_check_at = :now WHERE team_id = :team AND host = :host",
        "AND login = :login AND state = 'live' AND next_check_at > :soon",
    )
    values = {"team": team, "host": host, "login": login}
    await run(session, statement, now=now, soon=now + CONFIRM, **values)


async def hasten_one(session: AsyncSession, registry_id: str, now: datetime) -> bool:
    """Check one registry now; False when it is to be checked within a minute anyway."""
    statement = sql(
        session,
        "UPDATE registry SET next_check_at = :now WHERE id = :id AND state = 'live'",
        "AND next_check_at > :soon",
    )
    changed = await run(session, statement, now=now, soon=now + CONFIRM, id=registry_id)
    return bool(changed.rowcount)


async def oldest_due(session: AsyncSession, now: datetime) -> datetime | None:
    """Since when the longest due registry waits that nobody works on; None when none is due."""
    statement = sql(session, "SELECT min(r.next_check_at) FROM registry r WHERE", _DUE)
    return moment((await run(session, statement, now=now)).scalar_one())


async def _oldest(
    session: AsyncSession, now: datetime, limit: int, busy_hosts: Collection[str]
) -> list[Claimed]:
    elsewhere = "AND r.host NOT IN {ids}" if busy_hosts else ""
    statement = _found(session, _DUE, elsewhere, "ORDER BY r.next_check_at LIMIT :limit")
    values = {"ids": busy_hosts} if busy_hosts else {}
    found = map(_claimed, await run(session, statement, now=now, limit=limit, **values))
    return sorted(found, key=lambda row: row.due_at or now)


def _found(session: AsyncSession, *conditions: str) -> TextClause:
    """Registries with all that a check needs, locked; those of other claims are passed over.

    They are found before anything is joined, so that the plan does not depend on statistics.
    """
    lock = _SKIP if is_postgresql(session) else ""
    chosen = ("WITH due AS (SELECT r.* FROM registry r WHERE", *conditions, lock, ")")
    return sql(session, *chosen, _COLUMNS)


async def _fair(
    session: AsyncSession,
    now: datetime,
    limit: int,
    busy_hosts: Collection[str],
    known: Sequence[Claimed],
) -> list[Claimed]:
    """The share of every workspace that has something due, the longest due first in each.

    Those of `known` are not read a second time.
    """
    found = await run(session, _shares(session), now=now, limit=limit, ids=busy_hosts)
    turns: dict[str, int] = {}
    ranked = []
    for registry_id, team_id, due in found:
        turns[team_id] = turn = turns.get(team_id, 0) + 1
        ranked.append((turn, due, registry_id))
    ids = [registry_id for _, _, registry_id in sorted(ranked)[:limit]]
    rows = {row.id: row for row in known}
    unknown = [one for one in ids if one not in rows]
    if unknown:
        statement = _found(session, _DUE, "AND r.id IN {ids}")
        found = map(_claimed, await run(session, statement, now=now, ids=unknown))
        rows |= {row.id: row for row in found}
    return [rows[one] for one in ids if one in rows]


def _shares(session: AsyncSession) -> TextClause:
    inner = (
        "FROM registry r WHERE",
        _DUE,
        "AND r.team_id = w.team_id AND r.host NOT IN {ids} ORDER BY r.next_check_at",
        "LIMIT",
        "greatest" if is_postgresql(session) else "max",
        "(:limit / (SELECT count(*) FROM workspace), 4))",
    )
    if is_postgresql(session):
        outer = "SELECT d.* FROM workspace w CROSS JOIN LATERAL ("
        columns = "SELECT r.id, r.team_id, r.next_check_at"
        return sql(session, outer, columns, *inner, "d ORDER BY d.next_check_at")
    outer = "SELECT m.id, m.team_id, m.next_check_at FROM workspace w CROSS JOIN registry m"
    return sql(session, outer, "ON m.id IN (SELECT r.id", *inner, "ORDER BY m.next_check_at")


async def _suspects(
    session: AsyncSession, rows: Sequence[Claimed], now: datetime, limit: int
) -> list[Claimed]:
    """Those whose last claims were all lost, the worst first, a few to try together.

    One claim is lost whenever a process is killed. Two in a row may be one registry's doing, whose
    check kills the process; so its companions in misfortune become fewer with each claim, until it
    dies alone and only it is parked. One whose account is busy cannot be tried and stops nobody.
    """
    unlucky = [row for row in rows if row.attempts > UNLUCKY]
    if not unlucky:
        return []
    statement = sql(
        session,
        "SELECT team_id, host, login FROM account WHERE busy_until > :now AND host IN {ids}",
    )
    found = await run(session, statement, now=now, ids=sorted({row.host for row in unlucky}))
    busy = {tuple(key) for key in found}
    unlucky = [row for row in unlucky if not (row.shared and row.account in busy)]
    worst = max((row.attempts for row in unlucky), default=UNLUCKY)
    together = max(limit >> 3 * (worst - UNLUCKY), 1)
    return [row for row in unlucky if row.attempts == worst][:together]


def _spread(rows: Sequence[Claimed], per_host: int | None) -> list[Claimed]:
    """At most so many of one host."""
    if per_host is None:
        return list(rows)
    counts: dict[str, int] = {}
    kept = []
    for row in rows:
        counts[row.host] = count = counts.get(row.host, 0) + 1
        if count <= per_host:
            kept.append(row)
    return kept


async def _hold_accounts(
    session: AsyncSession, rows: Sequence[Claimed], now: datetime, until: datetime
) -> list[Held]:
    """Claim the accounts that several registries share; those of others' claims are left out."""
    held = []
    statement = sql(
        session,
        "INSERT INTO account (team_id, host, login, guard_json, busy_until, fence)",
        "VALUES (:team, :host, :login, '{}', :until, 1)",
        "ON CONFLICT (team_id, host, login) DO UPDATE",
        "SET busy_until = excluded.busy_until, fence = account.fence + 1",
        "WHERE account.busy_until IS NULL OR account.busy_until <= :now RETURNING fence",
    )
    for account in sorted({row.account for row in rows if row.shared}):
        team, host, login = account
        values = {"team": team, "host": host, "login": login}
        answer = await run(session, statement, now=now, until=until, **values)
        fence = answer.scalar_one_or_none()
        if fence is not None:
            held.append(Held(account, fence))
    return held


async def _companions(
    session: AsyncSession, rows: Sequence[Claimed], now: datetime
) -> list[Claimed]:
    """Registries that are not due but have the secret of one that is; they share its answer."""
    known = {row.id for row in rows}
    found: list[Claimed] = []
    statement = _found(
        session, _FREE, "AND r.team_id = :team AND r.host = :host AND r.login = :login"
    )
    secrets = {(row.account, row.fingerprint) for row in rows if row.shared and row.fingerprint}
    for team, host, login in sorted({account for account, _ in secrets}):
        values = {"team": team, "host": host, "login": login}
        more = map(_claimed, await run(session, statement, now=now, **values))
        alike = (row for row in more if (row.account, row.fingerprint) in secrets)
        found += [row for row in alike if row.id not in known]
    return [
        row if row.due_at is None or row.due_at <= now else replace(row, due_at=None)
        for row in found
    ]


async def _lease(session: AsyncSession, ids: Sequence[str], until: datetime) -> None:
    if not ids:
        return
    statement = sql(
        session,
        "UPDATE registry SET lease_until = :until, fence = fence + 1, attempts = attempts + 1",
        "WHERE id IN {ids}",
    )
    await run(session, statement, until=until, ids=ids)


def _claimed(row: Any) -> Claimed:
    (
        registry_id, team_id, kind, variant, url, host, path_scope, test_image, login, values_json,
        version, fence, attempts, due_at, recheck_minutes, workspace_minutes, health_json, broken,
        verdict, cause, sentence, remedy, credential_id, fingerprint, source, blob, proven,
        issued_at, expires_at, expires_source, guard_json, shared,
    ) = row  # fmt: skip
    return Claimed(
        registry_id, team_id, kind, variant, url, host, path_scope, test_image, login, values_json,
        version, fence + 1, attempts + 1, moment(due_at), recheck_minutes, workspace_minutes,
        health_json, broken, verdict, cause, sentence, remedy, credential_id or "",
        fingerprint or "", source or "", blob, bool(proven), moment(issued_at), moment(expires_at),
        expires_source or "", guard_json or "{}", bool(shared),
    )  # fmt: skip
