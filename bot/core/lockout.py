"""Never lock an account: how often a sign-in may fail, for each (host, account).

Docker Hub blocks a user or an address for about 15 minutes after wrong credentials, GitHub refuses
a user for a while after several bad sign-ins even with good ones, GitLab bans an address after 300
failures a minute (GitLab.com) or 30 in 3 minutes (self-managed).
Sources: docs.docker.com (usage limits), docs.github.com (authentication), docs.gitlab.com (limits).
So at most five sign-ins fail in ten minutes, confirmations included, whatever the number of
registrations; the schedule takes four of the five, and one is always left for a person who brings
another secret. A secret that is surely refused is retried on a slow ladder that all refused secrets
of the account share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from bot.core import backoff
from bot.core.check import Cause, CheckResult, Stage, Verdict
from bot.core.timestamp import Json, read, written

WINDOW: Final = timedelta(minutes=10)
MOST: Final = 5
MOST_SCHEDULED: Final = 4
REMEMBERED: Final = 64
AWRY: Final = timedelta(minutes=1)
"""The clocks of two workers may differ by this much."""

_NOT_FAILED: Final = {
    Cause.MALFORMED, Cause.WRONG_KIND, Cause.NO_CREDENTIAL,  # never sent
    Cause.MISSING_SCOPE, Cause.NO_ACCESS, Cause.SSO_REQUIRED, Cause.IDENTITY_MISMATCH,  # signed in
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guard:
    """The failed sign-ins of one account at one host; stored as JSON under that pair.

    `failures` are the times of the latest ones, `condemned` the fingerprints that are surely
    refused (latest last), `retry_at` when one of these may be tried again.
    """

    failures: tuple[datetime, ...] = ()
    condemned: tuple[str, ...] = ()
    rung: int = 0
    retry_at: datetime | None = None

    @property
    def empty(self) -> bool:
        """True when there is nothing to remember and the row may go."""
        return not self.failures and not self.condemned

    def to_json(self) -> Json:
        return {
            "failures": [written(at) for at in self.failures],
            "condemned": list(self.condemned),
            "rung": self.rung,
            "retry_at": written(self.retry_at),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Guard:
        times = (read({"at": text}, "at") for text in stored.get("failures", ()))
        return cls(
            failures=tuple(at for at in times if at is not None),
            condemned=tuple(stored.get("condemned", ())),
            rung=int(stored.get("rung", 0)),
            retry_at=read(stored, "retry_at"),
        )


def wait(guard: Guard, fingerprint: str, now: datetime, *, by_person: bool) -> datetime | None:
    """Until when to wait with a sign-in; None: go ahead.

    A person may retry a condemned secret, and another secret needs to wait for no ladder: both only
    keep to the five in ten minutes.
    """
    guard = _seen_from(guard, now)
    most = MOST if by_person else MOST_SCHEDULED
    recent = sorted(at for at in guard.failures if at > now - WINDOW)
    until = recent[-most] + WINDOW if len(recent) >= most else None
    if by_person or fingerprint not in guard.condemned:
        return until
    if guard.retry_at is not None and guard.retry_at > now:
        return guard.retry_at if until is None else max(until, guard.retry_at)
    return until


def failed_sign_in(result: CheckResult) -> bool:
    """Whether the registry saw this check as a failed sign-in."""
    return (
        result.verdict is Verdict.REFUSED
        and result.stage in {Stage.REGISTRY, Stage.LOGIN}
        and result.cause not in _NOT_FAILED
    )


def after_failure(
    guard: Guard, fingerprint: str, now: datetime, *, condemned: bool, by_person: bool = False
) -> Guard:
    """Remember a failed sign-in; `condemned` when it is now certain that the secret is refused."""
    guard = _seen_from(guard, now)
    failures = tuple(at for at in guard.failures if at > now - WINDOW)
    guard = replace(guard, failures=(*failures, now))
    if fingerprint in guard.condemned:
        return guard if by_person else _climb(guard, now)
    if not condemned:
        return guard
    first = now + backoff.slow_retry(0)
    return replace(
        guard,
        condemned=(*guard.condemned, fingerprint)[-REMEMBERED:],
        retry_at=first if guard.retry_at is None else max(guard.retry_at, first),
    )


def after_success(guard: Guard, fingerprint: str, now: datetime) -> Guard:
    """Remember that a secret was accepted.

    If it had been refused, the account is back, and its other refused secrets may be tried now.
    """
    recent = tuple(at for at in guard.failures if at > now - WINDOW)
    guard = replace(guard, failures=recent)
    if fingerprint not in guard.condemned:
        return guard
    left = tuple(other for other in guard.condemned if other != fingerprint)
    return replace(guard, condemned=left, rung=0, retry_at=now if left else None)


def forget(guard: Guard, fingerprint: str) -> Guard:
    """A secret is no longer stored anywhere; its failures stay, the registry remembers them too."""
    left = tuple(other for other in guard.condemned if other != fingerprint)
    if left:
        return replace(guard, condemned=left)
    return replace(guard, condemned=(), rung=0, retry_at=None)


def _seen_from(guard: Guard, now: datetime) -> Guard:
    """The same without times that only a clock which ran ahead can have written."""
    past = tuple(at for at in guard.failures if at <= now + AWRY)
    far = guard.retry_at is not None and guard.retry_at > now + backoff.FARTHEST + AWRY
    if not far and len(past) == len(guard.failures):
        return guard
    return replace(guard, failures=past, retry_at=None if far else guard.retry_at)


def _climb(guard: Guard, now: datetime) -> Guard:
    if guard.retry_at is not None and now < guard.retry_at - timedelta(seconds=5):
        return guard
    rung = guard.rung + 1
    return replace(guard, rung=rung, retry_at=now + backoff.slow_retry(rung))
