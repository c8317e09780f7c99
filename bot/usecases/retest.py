"""Retesting the registries of one account, one sign-in after the other."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from bot.core import health, lockout
from bot.core.check import CheckResult
from bot.core.config import Config
from bot.core.health import Effect, Health
from bot.core.lockout import Guard
from bot.core.offline import Mode
from bot.core.reference import OFF, unpacked
from bot.core.schedule import interval, next_check
from bot.errors import Undecryptable, Unresolved
from bot.store import accounts, checks, credentials
from bot.store.answers import Answer
from bot.store.cipher import Keyring
from bot.store.claims import Claimed, Held
from bot.usecases.deps import Checks
from bot.usecases.judging import SignIn, judge, remembered, sign_in
from bot.usecases.resolving import not_resolved
from bot.usecases.stored_states import stored_health

log = structlog.get_logger(__name__)

POISON: Final = 5
"""So many claims in a row without an answer, and the registry is parked for a day."""
PARKED_FOR: Final = timedelta(days=1)
CRASHED: Final = timedelta(minutes=1)
PUT_IN_AGAIN: Final = "Edit the registry and put the credential in again."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one claimed registry is left with; `facts` are changed columns of its credential."""

    row: Claimed
    answer: Answer
    effects: tuple[Effect, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    result: CheckResult | None = None
    health: Health | None = None
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """A group that is done: its outcomes, the sign-ins that were seen, and its claimed account."""

    outcomes: tuple[Outcome, ...]
    sign_ins: tuple[SignIn, ...] = ()
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Claimed registries that sign in to one account, or one registry on its own.

    No check of them begins after `begin_by`, so that the last one ends before the claim does.
    """

    rows: tuple[Claimed, ...]
    held: Held | None = None
    begin_by: datetime | None = None

    @property
    def host(self) -> str:
        return self.rows[0].host


Hear = Callable[[str, CheckResult, datetime], Mode]
"""Told of every answer of a host before it is judged; says whether we are online ourselves."""


Follow = Callable[[Claimed, Config], Awaitable[tuple[Claimed, Config]]]
"""Follows the references of a claimed registry; raises Unresolved."""


async def _no_reference(_row: Claimed, _kept: Config) -> tuple[Claimed, Config]:
    raise Unresolved(OFF)


@dataclass(frozen=True, slots=True)
class Retester:
    """Checks groups. `now` is the time shared with the database."""

    checker: Checks
    keyring: Keyring
    now: Callable[[], datetime]
    hear: Hear
    follow: Follow = _no_reference

    async def run(self, group: Group) -> Finished:
        """Check a group; an error of ours ends in an outcome as well, never in an exception.

        What cannot begin in time is let go: written after its claim it would be for nothing, and
        whoever claims it meanwhile would ask the same.
        """
        guard = accounts.parsed(group.rows[0].guard_json)
        everybody, whole, nowhere = await self._followed(group.rows)
        outcomes = {outcome.row.id: outcome for outcome in nowhere}
        seen: list[SignIn] = []
        for rows in _alike(everybody):
            left = [row for row in rows if row.id not in outcomes]
            if not left:
                continue
            if group.begin_by is not None and self.now() > group.begin_by:
                break
            try:
                more, one = await self._together(left, everybody, guard, whole)
            except Exception:  # poison must not harm its neighbours; it is logged and counted
                log.exception("check crashed", registry=left[0].id, attempts=left[0].attempts)
                more, one = [self._crashed(row) for row in left], None
            outcomes = {outcome.row.id: outcome for outcome in more} | outcomes
            if one is not None and (one.failed or not guard.empty):
                seen.append(one)
                guard = remembered(guard, one)
        for row in group.rows:
            outcomes.setdefault(row.id, let_go(row))
        return Finished(tuple(outcomes.values()), tuple(seen), group.held)

    async def _followed(
        self, rows: Sequence[Claimed]
    ) -> tuple[list[Claimed], dict[str, Config], list[Outcome]]:
        """The rows with the secrets they have now, what some hold, and those that have none."""
        left: list[Claimed] = []
        whole: dict[str, Config] = {}
        nowhere: list[Outcome] = []
        for row in rows:
            if not row.source:
                left.append(row)
                continue
            try:
                followed, whole[row.id] = await self.follow(row, self._config(row, {}))
            except Unresolved as error:
                now = self.now()
                unasked = self._answered(row, not_resolved(error, now), now, Mode.ONLINE)
                nowhere.append(unasked if row.due_at is not None else let_go(row))
            except (Undecryptable, ValueError):
                left.append(row)  # is told of where it is opened
            except Exception:  # like one of a check
                log.exception("reference crashed", registry=row.id, attempts=row.attempts)
                nowhere.append(self._crashed(row))
            else:
                left.append(followed)
        return left, whole, nowhere

    async def _together(
        self,
        rows: Sequence[Claimed],
        everybody: Sequence[Claimed],
        guard: Guard,
        whole: Mapping[str, Config],
    ) -> tuple[list[Outcome], SignIn | None]:
        """One check for registries that it is the same for."""
        row = rows[0]
        if row.attempts > POISON:
            return [self._park(one) for one in rows], None
        if row.login:
            until = lockout.wait(guard, row.fingerprint, self.now(), by_person=False)
            if until is not None:
                return [self._put_off(one, until) for one in rows], None
        config, broken = self._first_opened(rows, whole)
        if config is None:
            return broken, None
        rows = rows[len(broken) :]
        row = rows[0]
        result = await self.checker.check(config)
        now = self.now()
        mode = self.hear(row.host, result, now)
        if lockout.failed_sign_in(result):
            # The secret itself was refused: that is the answer of all who have it.
            left = {one.row.id for one in broken}
            rows = [one for one in everybody if _same_secret(one, row) and one.id not in left]
        outcomes = [self._answered(one, result, now, mode) for one in rows]
        after = outcomes[0].health
        assert after is not None
        seen = sign_in(row.account, row.fingerprint, result, after, now)
        return [*outcomes, *broken], seen

    def _first_opened(
        self, rows: Sequence[Claimed], whole: Mapping[str, Config]
    ) -> tuple[Config | None, list[Outcome]]:
        """What the first of the rows that can be opened holds; outcomes of those before it.

        The same secret lies in an envelope of its own in each row, and only one may be damaged.
        """
        broken: list[Outcome] = []
        for row in rows:
            try:
                return self._config(row, whole), broken
            except (Undecryptable, ValueError) as error:
                broken.append(self._broken(row, error))
        return None, broken

    def _config(self, row: Claimed, whole: Mapping[str, Config]) -> Config:
        if row.id in whole:
            return whole[row.id]
        if row.blob is None:
            raise Undecryptable("The stored credential is missing.")
        values = {str(name): str(text) for name, text in json.loads(row.values_json).items()}
        secrets, references = unpacked(self.keyring.open(row.blob, row.place))
        return Config(
            kind=row.kind,
            variant=row.variant,
            url=row.url,
            values=values,
            secrets=secrets,
            path_scope=row.path_scope,
            test_image=row.test_image,
            references=references,
        )

    def _answered(self, row: Claimed, result: CheckResult, now: datetime, mode: Mode) -> Outcome:
        before = stored_health(row.health_json)
        told = judge(row.id, before, result, now, every=_every(row), mode=mode)
        columns = {"checked_at": result.at, **told.columns()}
        if not _known(row, result):
            columns |= {
                "verdict": str(result.verdict),
                "cause": str(result.cause) if result.cause else None,
                "sentence": result.sentence,
                "remedy": result.remedy,
                "broken": "",
            }
        subject = checks.Subject(row.team_id, row.id, row.credential_id, "schedule")
        record = checks.columns(subject, result)
        answer = Answer(row.id, row.fence, columns, record)
        return Outcome(row, answer, told.effects, _news(row, result), result, told.health)

    def _put_off(self, row: Claimed, until: datetime) -> Outcome:
        columns = {"next_check_at": until, "attempts": 0}
        return Outcome(row, Answer(row.id, row.fence, columns))

    def _broken(self, row: Claimed, error: Exception) -> Outcome:
        sentence = str(error) if isinstance(error, Undecryptable) else "Its values cannot be read."
        now = self.now()
        told = health.sealed(stored_health(row.health_json), sentence, PUT_IN_AGAIN, now)
        columns = {
            "next_check_at": next_check(row.id, _every(row), now),
            "attempts": 0,
            "broken": f"{sentence} {PUT_IN_AGAIN}",
            "health_json": json.dumps(told.health.to_json()),
        }
        return Outcome(row, Answer(row.id, row.fence, columns), told.effects)

    def _crashed(self, row: Claimed) -> Outcome:
        columns = {"next_check_at": self.now() + CRASHED * row.attempts, "attempts": row.attempts}
        return Outcome(row, Answer(row.id, row.fence, columns))

    def _park(self, row: Claimed) -> Outcome:
        # One attempt is left, so that it is tried again after the pause, and parked at once.
        columns = {"next_check_at": self.now() + PARKED_FOR, "attempts": POISON - 1}
        return Outcome(row, Answer(row.id, row.fence, columns), parked=True)


def _alike(rows: Sequence[Claimed]) -> list[list[Claimed]]:
    """Due registries, those that one check answers for together, with others it answers for."""
    groups: dict[tuple[str, ...], list[Claimed]] = {}
    if len(rows) == 1:
        return [list(rows)]
    for row in rows:
        groups.setdefault(_sameness(row), []).append(row)
    return [some for some in groups.values() if any(row.due_at is not None for row in some)]


def let_go(row: Claimed) -> Outcome:
    """The outcome of a claim that ends without a check."""
    return Outcome(row, Answer(row.id, row.fence, {"attempts": row.attempts - 1}))


def _sameness(row: Claimed) -> tuple[str, ...]:
    alone = "" if row.fingerprint and row.login else row.id
    scope = row.path_scope if row.kind == "gcp_artifact_registry" else ""
    return (
        row.fingerprint, row.kind, row.variant, row.url, row.values_json, row.test_image, scope,
        alone,
    )  # fmt: skip


def _same_secret(one: Claimed, other: Claimed) -> bool:
    return one is other or (
        bool(one.fingerprint) and one.fingerprint == other.fingerprint and one.kind == other.kind
    )


def _every(row: Claimed) -> timedelta:
    return interval(row.workspace_minutes, row.recheck_minutes)


def _known(row: Claimed, result: CheckResult) -> bool:
    """Whether the row says already what the check found, as nearly always."""
    same = row.verdict == result.verdict and row.cause == result.cause and not row.broken
    return same and row.sentence == result.sentence and row.remedy == result.remedy


def _news(row: Claimed, result: CheckResult) -> dict[str, Any]:
    """What the check told of the credential that its row does not say yet."""
    known = {
        "proven": row.proven,
        "issued_at": row.issued_at,
        "expires_at": row.expires_at,
        "expires_source": row.expires_source,
    }
    return {
        name: value for name, value in credentials.facts(result).items() if known[name] != value
    }
