"""What one answer means: for the registry's health and schedule, and for its account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import health, lockout
from bot.core.check import Cause, CheckResult, Level, Stage, Verdict
from bot.core.health import Effect, Health, Trouble
from bot.core.lockout import Guard
from bot.core.offline import Mode
from bot.core.schedule import next_check
from bot.store import accounts, claims
from bot.store.claims import Account


@dataclass(frozen=True, slots=True)
class Judgement:
    """The next state of a registry, what is to be said, and when it is checked next."""

    health: Health
    effects: tuple[Effect, ...]
    next_at: datetime

    def columns(self) -> dict[str, object]:
        return {
            "health_json": json.dumps(self.health.to_json()),
            "next_check_at": self.next_at,
            "attempts": 0,
        }


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in that the provider saw, and how it ended."""

    account: Account
    fingerprint: str
    at: datetime
    failed: bool
    condemned: bool = False
    by_person: bool = False


def judge(
    registry_id: str,
    before: Health,
    result: CheckResult,
    now: datetime,
    *,
    every: timedelta,
    mode: Mode = Mode.ONLINE,
) -> Judgement:
    decision = health.decide(before, result, now, mode)
    next_at = next_check(registry_id, every, now, soon=decision.soon)
    return Judgement(decision.health, decision.effects, next_at)


def sign_in(
    account: Account,
    fingerprint: str,
    result: CheckResult,
    after: Health,
    now: datetime,
    *,
    by_person: bool = False,
) -> SignIn | None:
    """What the account remembers of this check; None when nobody signed in or nothing is known."""
    if not account[2]:
        return None
    if lockout.failed_sign_in(result):
        condemned = after.trouble is Trouble.REFUSED
        return SignIn(account, fingerprint, now, True, condemned, by_person)
    if result.verdict is Verdict.PROVEN:
        return SignIn(account, fingerprint, now, False, by_person=by_person)
    return None


def remembered(guard: Guard, seen: SignIn) -> Guard:
    """The guard after that sign-in."""
    if not seen.failed:
        return lockout.after_success(guard, seen.fingerprint, seen.at)
    return lockout.after_failure(
        guard, seen.fingerprint, seen.at, condemned=seen.condemned, by_person=seen.by_person
    )


async def note_sign_in(session: AsyncSession, seen: SignIn) -> None:
    """Remember a sign-in; an account that was refused and is accepted is checked everywhere now."""
    if not seen.failed and (await accounts.guard(session, seen.account)).empty:
        return
    before = await accounts.locked(session, seen.account)
    await accounts.put(session, seen.account, remembered(before, seen))
    if not seen.failed and seen.fingerprint in before.condemned:
        await claims.hasten(session, seen.account, seen.at)


async def person_waits(
    session: AsyncSession, account: Account, fingerprint: str, now: datetime
) -> datetime | None:
    """Until when a person's test has to wait, so that the account is not locked; None: go on."""
    if not account[2]:
        return None
    guard = await accounts.guard(session, account)
    return lockout.wait(guard, fingerprint, now, by_person=True)


async def forget_secret(session: AsyncSession, account: Account, fingerprint: str) -> None:
    """A secret was replaced or deleted: unless it is stored elsewhere, it is condemned no more."""
    guard = await accounts.guard(session, account)
    if fingerprint not in guard.condemned:
        return
    if not await accounts.still_stored(session, account, fingerprint):
        guard = await accounts.locked(session, account)
        await accounts.put(session, account, lockout.forget(guard, fingerprint))


def must_wait(host: str, until: datetime, now: datetime) -> CheckResult:
    """The answer to a person when one more failed sign-in could lock the account."""
    return CheckResult(
        verdict=Verdict.LIMITED,
        level=Level.E0,
        stage=Stage.LOGIN,
        cause=Cause.RATE_LIMITED,
        sentence=f"Not tried: five sign-ins to {host} failed within ten minutes, and one more "
        "could lock the account.",
        remedy=f"Try again after {until:%H:%M} UTC.",
        at=now,
        took=0.0,
        retry_at=until,
    )
