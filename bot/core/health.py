"""From checks to incidents: what the results of one registry, one after the other, mean.

Pure: `decide(health, result, now)` answers with the next state, what to say, and how soon to check
again. Definite and doubtful answers are told apart:

* An explicit word of the provider (`explicit`) needs one confirmation, 60 s later.
* A bare 401 or 403 needs four in a row, 60 s, 2 min and 5 min apart.
* `unreachable` needs 15 minutes (and four checks) without one answer.
* `blocked` (our rules, or a realm that changed) needs one confirmation; a registry that was proven
  and now accepts anyone needs two, and is then told as an incident of its own, once.
* A credential that our own keys do not open is told at once: it can neither be tested nor be wrong.
* `limited` judges nothing: it keeps every count as it is. After a day without one answer about the
  credential, that it is not judged is told once, calmly: what was known of it has grown stale.
* Recovery needs 2 good checks, 60 s apart.

Answers that came too early (a person pressing the button, a repeated delivery) are not counted:
four refusals within one second are one refusal.

False alarms: if a share p of all checks is a bare 401/403 by chance and a share q gives no answer,
a count started by one check becomes an incident with (p / (1 - q))³. For p = 2 % and q = 20 % that
is 0.02 · 0.025³ = 3.1e-7 per regular check, or 0.023 false incidents in a month of 100 registries
checked hourly: one in about three and a half years. (With q = 0 it is 0.02⁴ = 1.6e-7.) At least
twelve checks fall into the 15 minutes, so q = 20 % of chance time-outs make 0.2¹² = 4e-9 false
outages per regular check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.core import backoff, steadiness
from bot.core.check import Cause, CheckResult, Verdict
from bot.core.offline import Mode
from bot.core.steadiness import Record, Unsteady
from bot.core.timestamp import Json, read, written

OUTAGE_AFTER: Final = timedelta(minutes=15)
MISSES_NEEDED: Final = 4
GOOD_NEEDED: Final = 2
AFTER_RECOVERY: Final = timedelta(minutes=5)
EARLY: Final = timedelta(seconds=5)
"""A confirmation counts when it comes no more than this before its time."""
HELD_BACK: Final = timedelta(seconds=60)
UNJUDGED_AFTER: Final = timedelta(hours=24)
UNJUDGED: Final = (
    "Every check since then was asked to wait (too many requests), so nobody knows whether the "
    "credential still works."
)
LESS_OFTEN: Final = (
    "Raise “Test every (minutes)” with Edit, sign in with an account that may ask more often, or "
    "ask the registry's operator for a higher limit."
)


class Trouble(StrEnum):
    """What an incident is about; one registry has at most one at a time."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    OPEN = "open"  # was proven, now accepts anyone
    BLOCKED = "blocked"
    SEALED = "sealed"  # our own keys do not open the stored credential
    UNRESOLVED = "unresolved"  # the reference that is stored leads to no secret
    UNJUDGED = "unjudged"  # the registry asks to wait, check after check: nobody knows


CALM: Final = frozenset({Trouble.UNJUDGED})
"""What is no failure: it is told without calling, and any answer about the credential ends it."""


UNTOLD: Final = frozenset({Verdict.LIMITED, Verdict.UNREACHABLE, Verdict.UNRESOLVED})
"""What tells nothing of the credential."""
_ODD: Final = {Trouble.OPEN: 3, Trouble.BLOCKED: 2}


class Standing(StrEnum):
    """What the checks so far say; `doubtful` is not told to anybody yet."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DOUBTFUL = "doubtful"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Open:
    """Open an incident; `since` is the first sign of it, `checks` how many found it so."""

    trouble: Trouble
    since: datetime
    sentence: str
    remedy: str
    cause: Cause | None
    checks: int


@dataclass(frozen=True, slots=True)
class Change:
    """The open incident turned out to be, or became, another trouble."""

    was: Trouble
    to: Open


@dataclass(frozen=True, slots=True)
class Recover:
    """The open incident is over; the trouble lasted from `since` to `until`."""

    trouble: Trouble
    since: datetime
    until: datetime


Effect = Open | Change | Recover | Unsteady


@dataclass(frozen=True, slots=True)
class Health:
    """Everything remembered of a registry's checks; stored as JSON in its row.

    `trouble` is that of the open incident and `since` its first sign. `refusals`, `misses`, `odd`,
    `limited` and `good` count answers in a row; `due_at` is when the next one counts as
    confirmation. `unjudged_since` is the first "too often" after the last answer about the
    credential. `rung` is the place on the slow ladder of a condemned secret.
    """

    trouble: Trouble | None = None
    since: datetime | None = None
    ever_proven: bool = False
    refusals: int = 0
    refused_since: datetime | None = None
    explicit: bool = False
    misses: int = 0
    missing_since: datetime | None = None
    odd: int = 0
    odd_trouble: Trouble | None = None
    odd_since: datetime | None = None
    limited: int = 0
    unjudged_since: datetime | None = None
    good: int = 0
    good_since: datetime | None = None
    due_at: datetime | None = None
    rung: int = 0
    record: Record = field(default_factory=Record)

    @property
    def standing(self) -> Standing:
        if self.trouble is not None and self.trouble not in CALM:
            return Standing.FAILING
        if self.refusals or self.misses or self.odd:
            return Standing.DOUBTFUL
        return Standing.HEALTHY if self.ever_proven else Standing.UNKNOWN

    @property
    def calm(self) -> bool:
        """True when there is nothing to remember but what it is like in general."""
        if self.trouble is not None or self.unjudged_since is not None or self.limited:
            return False
        return self.standing in {Standing.HEALTHY, Standing.UNKNOWN}

    def to_json(self) -> Json:
        if self.calm:  # nearly all rows, nearly always
            return {"ever_proven": self.ever_proven, "record": self.record.to_json()}
        counts = {name: getattr(self, name) for name in _COUNTS}
        moments = {name: written(getattr(self, name)) for name in _MOMENTS}
        stored: Json = {
            "trouble": self.trouble,
            "odd_trouble": self.odd_trouble,
            "ever_proven": self.ever_proven,
            "explicit": self.explicit,
            **counts,
            **moments,
        }
        stored = {name: value for name, value in stored.items() if value}
        return {**stored, "record": self.record.to_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Health:
        """The state written by `to_json`; what an older version did not write has its default."""
        record = Record.from_json(stored.get("record", {}))
        if stored.keys() <= {"ever_proven", "record"}:
            return cls(ever_proven=bool(stored.get("ever_proven", False)), record=record)
        counts: Mapping[str, Any] = {name: int(stored.get(name, 0)) for name in _COUNTS}
        moments: Mapping[str, Any] = {name: read(stored, name) for name in _MOMENTS}
        trouble, odd_trouble = stored.get("trouble"), stored.get("odd_trouble")
        return cls(
            trouble=Trouble(trouble) if trouble else None,
            odd_trouble=Trouble(odd_trouble) if odd_trouble else None,
            ever_proven=bool(stored.get("ever_proven", False)),
            explicit=bool(stored.get("explicit", False)),
            record=record,
            **counts,
            **moments,
        )


_COUNTS: Final = ("refusals", "misses", "odd", "limited", "good", "rung")
_MOMENTS: Final = (
    "since", "refused_since", "missing_since", "odd_since", "good_since", "due_at",
    "unjudged_since",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """The next state, what to say, and the wait to the next check; None: at its regular time."""

    health: Health
    effects: tuple[Effect, ...] = ()
    soon: timedelta | None = None


def decide(
    health: Health, result: CheckResult, now: datetime, mode: Mode = Mode.ONLINE
) -> Decision:
    """What this result means after those before it.

    `mode` is that of our own connection: while it is in doubt no outage is announced, and while we
    are offline the 15 minutes of an unreachable registry do not begin.
    """
    if not health.calm:
        health = _seen_from(health, now)
    if health.limited and result.verdict is not Verdict.LIMITED:
        health = replace(health, limited=0)
    if health.unjudged_since and result.verdict not in UNTOLD:
        health = replace(health, unjudged_since=None)
    match result.verdict:
        case Verdict.PROVEN:
            known = health if health.ever_proven else replace(health, ever_proven=True)
            return _good(known, now)
        case Verdict.UNPROVEN if not health.ever_proven:
            return _good(health, now)
        case Verdict.UNPROVEN:
            return _odd(health, result, Trouble.OPEN, now)
        case Verdict.BLOCKED:
            return _odd(health, result, Trouble.BLOCKED, now)
        case Verdict.REFUSED:
            return _refused(health, result, now)
        case Verdict.UNREACHABLE if mode is Mode.OFFLINE:
            return Decision(replace(health, misses=0, missing_since=None), soon=HELD_BACK)
        case Verdict.UNREACHABLE:
            return _unreachable(health, result, now, mode)
        case Verdict.LIMITED:
            return _limited(health, result, now)
        case Verdict.UNRESOLVED:
            return _unresolved(health, result, now)


def sealed(health: Health, sentence: str, remedy: str, now: datetime) -> Decision:
    """What it means that the credential cannot be opened, so that nobody was asked about it."""
    if health.trouble is not None and health.trouble not in CALM:
        return Decision(replace(health, good=0, good_since=None))
    told = Open(Trouble.SEALED, now, sentence, remedy, Cause.NO_CREDENTIAL, checks=0)
    opened = Health(
        trouble=Trouble.SEALED, since=now, ever_proven=health.ever_proven, record=health.record
    )
    return Decision(opened, (*_over(health, now), told))


def replaced(health: Health, *, proven: bool) -> Health:
    """The state after another secret was stored; the record of the registry itself stays."""
    return Health(ever_proven=proven, record=health.record)


def renewed(health: Health) -> Health:
    """The state after a secret that no check has proven yet took the place of another.

    An open incident goes on until the registry is proven; its ladder begins anew.
    """
    fresh = replaced(health, proven=False)
    if health.trouble is None:
        return fresh
    return replace(fresh, trouble=health.trouble, since=health.since, rung=-1)


def _good(health: Health, now: datetime) -> Decision:
    if health.trouble is None:
        return _fine(health, now)
    if health.trouble in CALM:
        calm = Health(ever_proven=health.ever_proven, record=health.record)
        return Decision(calm, _over(health, now))
    if health.good and _early(health, now):
        return Decision(health, soon=_left(health, now))
    health = replace(_undoubted(health), good=health.good + 1, good_since=health.good_since or now)
    if health.good < GOOD_NEEDED:
        return Decision(replace(health, due_at=now + backoff.CONFIRM), soon=backoff.CONFIRM)
    assert health.trouble is not None
    over = Recover(health.trouble, since=health.since or now, until=health.good_since or now)
    calm = Health(ever_proven=health.ever_proven, record=health.record)
    return Decision(calm, (over,), soon=AFTER_RECOVERY)


def _fine(health: Health, now: datetime) -> Decision:
    """No incident is open: close the turn, which failed if it took confirmations to get here."""
    failed = health.standing is Standing.DOUBTFUL
    record = steadiness.count(health.record, now, failed=failed)
    record, unsteady = steadiness.judge(record, now) if failed or record.held else (record, None)
    effects = () if unsteady is None else (unsteady,)
    return Decision(Health(ever_proven=health.ever_proven, record=record), effects)


def _refused(health: Health, result: CheckResult, now: datetime) -> Decision:
    wavered = health.good > 0
    health = replace(health, misses=0, missing_since=None, good=0, good_since=None)
    if health.trouble is Trouble.REFUSED:
        return _still_refused(health, now, wavered=wavered)
    explicit = health.explicit or result.explicit
    if health.refusals and _early(health, now):
        sooner = now + backoff.CONFIRM if explicit and not health.explicit else health.due_at
        due_at = min(sooner or now, health.due_at or now)
        health = replace(health, explicit=explicit, due_at=due_at)
        return Decision(health, soon=_left(health, now))
    refusals, since = health.refusals + 1, health.refused_since or now
    health = replace(health, refusals=refusals, refused_since=since, explicit=explicit)
    if refusals >= (2 if explicit else len(backoff.DOUBTFUL) + 1):
        return _open(health, result, Trouble.REFUSED, since, refusals, now)
    wait = backoff.CONFIRM if explicit else backoff.DOUBTFUL[refusals - 1]
    return Decision(replace(health, due_at=now + wait), soon=wait)


def _still_refused(health: Health, now: datetime, *, wavered: bool) -> Decision:
    """On the slow ladder: only its own checks climb it, and one good answer leads back down."""
    if not wavered and _early(health, now):
        return Decision(health, soon=_left(health, now))
    rung = 0 if wavered else health.rung + 1
    wait = backoff.slow_retry(rung)
    return Decision(replace(health, rung=rung, due_at=now + wait), soon=wait)


def _unreachable(health: Health, result: CheckResult, now: datetime, mode: Mode) -> Decision:
    misses, since = health.misses + 1, health.missing_since or now
    health = replace(health, misses=misses, missing_since=since)
    if health.trouble is Trouble.UNREACHABLE:
        lasted = now - (health.since or since)
        wait = backoff.CONFIRM if health.good else backoff.during_outage(lasted)
        return Decision(replace(health, good=0, good_since=None), soon=wait)
    if health.trouble is not None and health.trouble not in CALM:
        # The worse news stands: who cannot be reached cannot take a refusal back.
        return Decision(health, soon=max(_left(health, now), backoff.OUTAGE))
    if misses >= MISSES_NEEDED and now - since >= OUTAGE_AFTER and mode is Mode.ONLINE:
        return _open(health, result, Trouble.UNREACHABLE, since, misses, now)
    return Decision(health, soon=backoff.after_miss(misses))


def _odd(health: Health, result: CheckResult, trouble: Trouble, now: datetime) -> Decision:
    if health.trouble is trouble:
        return Decision(replace(_undoubted(health), good=0, good_since=None))
    if health.odd_trouble is not trouble:
        health = replace(health, odd=0, odd_trouble=trouble, odd_since=now)
    elif health.odd and _early(health, now):
        return Decision(health, soon=_left(health, now))
    odd, since = health.odd + 1, health.odd_since or now
    health = replace(
        _undoubted(health), odd=odd, odd_trouble=trouble, odd_since=since, good=0, good_since=None
    )
    if odd >= _ODD[trouble]:
        return _open(health, result, trouble, since, odd, now)
    wait = backoff.DOUBTFUL[odd - 1]
    return Decision(replace(health, due_at=now + wait), soon=wait)


def _unresolved(health: Health, result: CheckResult, now: datetime) -> Decision:
    """The registry was not asked: what was known of it and its credential stays as it is."""
    health = replace(health, good=0, good_since=None)
    if health.trouble is not None and health.trouble not in CALM:
        return Decision(health)
    if health.odd_trouble is not Trouble.UNRESOLVED:
        trouble = Trouble.UNRESOLVED
        health = replace(health, odd=0, odd_trouble=trouble, odd_since=now, due_at=None)
    elif health.odd and _early(health, now):
        return Decision(health, soon=_left(health, now))
    odd, since = health.odd + 1, health.odd_since or now
    health = replace(health, odd=odd, odd_since=since)
    if odd > len(backoff.DOUBTFUL):
        return _open(health, result, Trouble.UNRESOLVED, since, odd, now)
    wait = backoff.DOUBTFUL[odd - 1]
    return Decision(replace(health, due_at=now + wait), soon=wait)


def _limited(health: Health, result: CheckResult, now: datetime) -> Decision:
    since = health.unjudged_since or now
    health = replace(health, limited=health.limited + 1, unjudged_since=since)
    wait = backoff.after_limit(health.limited, result.retry_at, now)
    if health.trouble is None and now - since >= UNJUDGED_AFTER:
        told = Open(Trouble.UNJUDGED, since, UNJUDGED, LESS_OFTEN, result.cause, health.limited)
        return Decision(replace(health, trouble=Trouble.UNJUDGED, since=since), (told,), soon=wait)
    if health.trouble is Trouble.REFUSED:
        wait = max(wait, _left(health, now))
    return Decision(health, soon=wait)


def _open(
    health: Health,
    result: CheckResult,
    trouble: Trouble,
    since: datetime,
    checks: int,
    now: datetime,
) -> Decision:
    told = Open(trouble, since, result.sentence, result.remedy, result.cause, checks)
    before = None if health.trouble in CALM else health.trouble
    effects = (*_over(health, now), told if before is None else Change(before, told))
    wait = backoff.slow_retry(0) if trouble is Trouble.REFUSED else backoff.OUTAGE
    record = health.record
    if before is None:
        record = steadiness.count(record, now, failed=True)
    opened = Health(
        trouble=trouble,
        since=since if before is None or health.since is None else min(since, health.since),
        ever_proven=health.ever_proven,
        due_at=now + wait if trouble is Trouble.REFUSED else None,
        record=record,
    )
    return Decision(opened, effects, soon=wait)


def _over(health: Health, now: datetime) -> tuple[Recover, ...]:
    """The end of what was told calmly; nothing when nothing was."""
    if health.trouble is None or health.trouble not in CALM:
        return ()
    return (Recover(health.trouble, since=health.since or now, until=now),)


def _undoubted(health: Health) -> Health:
    """The registry answered, and not with a refusal: every count of doubts starts anew."""
    return replace(
        health,
        refusals=0, refused_since=None, explicit=False,
        misses=0, missing_since=None,
        odd=0, odd_trouble=None, odd_since=None,
    )  # fmt: skip


def _seen_from(health: Health, now: datetime) -> Health:
    """The same without times that only a clock which ran ahead can have written."""
    moments = {name: at for name in _MOMENTS if (at := getattr(health, name)) is not None}
    ahead: dict[str, Any] = {name: now for name, at in moments.items() if at > now}
    ahead.pop("due_at", None)  # that may be ahead, but no more than the longest wait
    if health.due_at is not None and health.due_at > now + backoff.FARTHEST + EARLY:
        ahead["due_at"] = None
    return replace(health, **ahead) if ahead else health


def _early(health: Health, now: datetime) -> bool:
    return health.due_at is not None and now < health.due_at - EARLY


def _left(health: Health, now: datetime) -> timedelta:
    """The time until the next answer counts; zero when that is past."""
    return timedelta() if health.due_at is None else max(health.due_at - now, timedelta())
