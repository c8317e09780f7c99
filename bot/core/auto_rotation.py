"""An automatic rotation until the new credential is in force, and how the old one is ended.

Each step is written down before it is begun and after it is done. A process may die anywhere; who
goes on finds a step that was begun, asks the provider what became of it, and never guesses.

step      | what is done                                     | then
approve   | a second manager is asked, where that is wished  | prepare, or failed
prepare   | look at rights and room; nothing is made         | issue, or failed
issue     | the provider makes a new credential, labelled    | prove; in doubt: reconcile
reconcile | what was made and is not known here is ended     | issue once more, or failed
prove     | the new one is checked three times               | in force; if it never works: clean
clean     | the new one is ended at the provider             | failed
grace     | both work; one button goes back                  | disable, or revoke
disable   | the old one is stopped, which can be undone      | disabled
disabled  | another grace period; the button still works     | revoke
back      | the old one is started again and put in force    | clean
revoke    | the old one is ended at the provider             | it is tried until it is seen dead
failed    | nothing of ours is left at the provider          |
lost      | in place only: the old one is dead and the new one was not learnt; a person is called
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.core.timestamp import Json, read, written

PROOFS: Final = 3
PROOFS_APART: Final = timedelta(seconds=10)
PROVE_AT_LEAST: Final = timedelta(minutes=5)
"""A new credential is given at least so long to be known everywhere."""
TRIES: Final = 3
AGAIN: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
)
LASTS: Final = timedelta(days=90)


class Step(StrEnum):
    """Where an automatic rotation is; see the table above."""

    APPROVE = "approve"
    PREPARE = "prepare"
    ISSUE = "issue"
    RECONCILE = "reconcile"
    PROVE = "prove"
    CLEAN = "clean"
    GRACE = "grace"
    DISABLE = "disable"
    DISABLED = "disabled"
    BACK = "back"
    REVOKE = "revoke"
    OVER = "over"  # the trial of the old one goes on, see bot.core.rotation
    FAILED = "failed"
    LOST = "lost"


ENDED: Final = frozenset({Step.OVER, Step.FAILED, Step.LOST})


@dataclass(frozen=True, slots=True)
class Run:
    """One automatic rotation; stored as JSON.

    `begun_at` is set while a step is under way. `label` is what the new credential bears at the
    provider, `since` when the first try to make one began and `asked_at` when the last one did,
    `proposed` the stored credential whose secret a provider may be given, `others` what was at the
    provider before. `why` is the last sentence of a refusal or a doubt.
    """

    step: Step
    label: str
    in_place: bool = False
    reversible: bool = False
    settles: float = 0.0
    old_handle: str = ""
    new_handle: str = ""
    since: datetime | None = None
    asked_at: datetime | None = None
    begun_at: datetime | None = None
    next_at: datetime | None = None
    made_at: datetime | None = None
    proofs: int = 0
    issues: int = 0
    tries: int = 0
    why: str = ""
    proposed: str = ""
    others: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.step in ENDED

    def to_json(self) -> Json:
        found = {name: getattr(self, name) for name in _PLAIN}
        times = {name: written(getattr(self, name)) for name in _TIMES}
        return {**found, **times, "step": str(self.step)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Run:
        plain: dict[str, Any] = {name: stored[name] for name in _PLAIN if name in stored}
        plain["others"] = tuple(stored.get("others", ()))
        times: dict[str, Any] = {name: read(stored, name) for name in _TIMES}
        return cls(step=Step(stored["step"]), **plain, **times)


_TIMES: Final = ("since", "asked_at", "begun_at", "next_at", "made_at")
_PLAIN: Final = (
    "label", "in_place", "reversible", "settles", "old_handle", "new_handle", "proofs", "issues",
    "tries", "why", "proposed", "others",
)  # fmt: skip


def begin(run: Run, now: datetime) -> Run:
    """A step is about to be done; written down before it is.

    Making a credential that was begun before and not seen to end is not simply done again.
    """
    if run.step is Step.ISSUE and run.begun_at is not None:
        return replace(run, step=Step.RECONCILE, begun_at=now)
    if run.step is Step.ISSUE:
        run = replace(run, since=run.since or now, asked_at=now)
    return replace(run, begun_at=now)


def approved(run: Run, now: datetime) -> Run:
    """A second manager agreed."""
    return _at(run, Step.PREPARE, now)


def declined(run: Run, now: datetime, why: str) -> Run:
    """A second manager said no; nothing was done."""
    return _at(run, Step.FAILED, now, why=why)


def prepared(
    run: Run, now: datetime, handle: str, problem: str = "", others: tuple[str, ...] = ()
) -> Run:
    """The look at rights and room showed this."""
    if problem:
        return _at(run, Step.FAILED, now, why=problem)
    return _at(run, Step.ISSUE, now, old_handle=handle, others=others)


def issued(run: Run, now: datetime, handle: str) -> Run:
    """The provider made one, and its secret is stored."""
    made = replace(run, new_handle=handle, made_at=now, issues=run.issues + 1, proofs=0)
    return _at(made, Step.PROVE, now)


def refused(run: Run, now: datetime, why: str) -> Run:
    """The provider said no; nothing was changed by that.

    Of something that was made in doubt it may stay alive by that, so it is asked again.
    """
    if run.step is Step.ISSUE and run.issues and not run.in_place:
        # One that was made in doubt may have shown up late, and be what it was refused for.
        last = replace(run, issues=TRIES)
        return _settled(_later(_at(last, Step.RECONCILE, now, why=why), now, why), now)
    if run.step in {Step.ISSUE, Step.PREPARE}:
        return _at(run, Step.FAILED, now, why=why)
    return _later(run, now, why)


def unclear(run: Run, now: datetime, why: str) -> Run:
    """Nobody knows whether it was done. What can be repeated is repeated, making one is not."""
    if run.step is Step.ISSUE:
        doubt = replace(run, issues=run.issues + 1)
        return _settled(_later(_at(doubt, Step.RECONCILE, now, why=why), now, why), now)
    return _later(run, now, why)


def reconciled(run: Run, now: datetime) -> Run:
    """Nothing that was made in doubt is left; it may be tried again, but not for ever."""
    if run.issues >= TRIES:
        return _at(run, Step.FAILED, now, why=run.why)
    return _at(run, Step.ISSUE, now)


def lost(run: Run, now: datetime, why: str) -> Run:
    """In place: the old secret is dead, and what took its place was never learnt."""
    return _at(run, Step.LOST, now, why=why)


def proved(run: Run, now: datetime, *, good: bool, definite: bool, why: str = "") -> Run:
    """The new credential was checked; after three good answers `new_works` is true.

    A refusal counts only once the provider had time to make it known.
    """
    if good:
        return replace(
            run, proofs=run.proofs + 1, begun_at=None, tries=0, why="", next_at=now + PROOFS_APART
        )
    assert run.made_at is not None
    patience = max(PROVE_AT_LEAST, 2 * timedelta(seconds=run.settles))
    if definite and now - run.made_at >= patience and not run.in_place:
        return _at(run, Step.CLEAN, now, why=why)
    return replace(_later(run, now, why), proofs=0)


def new_works(run: Run) -> bool:
    return run.step is Step.PROVE and run.proofs >= PROOFS


def in_force(run: Run, now: datetime, grace_until: datetime) -> Run:
    """The new credential took the place of the old one."""
    if run.in_place:
        return _at(run, Step.OVER, now)
    return replace(_at(run, Step.GRACE, now), next_at=grace_until)


def grace_over(run: Run, now: datetime) -> Run:
    """What the provider cannot name is not stopped either; a person removes it."""
    stops = run.reversible and run.old_handle
    return _at(run, Step.DISABLE if stops else Step.REVOKE, now)


def disabled(run: Run, now: datetime, grace: timedelta) -> Run:
    """Stopped, and not yet ended: who still used it shows by now."""
    return replace(_at(run, Step.DISABLED, now), next_at=now + grace)


def go_back(run: Run, now: datetime) -> Run:
    """A person wants the old one in force again; it is started first, where it was stopped."""
    return _at(run, Step.BACK, now)


def went_back(run: Run, now: datetime) -> Run:
    """The old one is in force again: the new one, which was made here, is ended."""
    return _at(run, Step.CLEAN, now)


def stopped_long_enough(run: Run, now: datetime) -> Run:
    return _at(run, Step.REVOKE, now)


def revoked(run: Run, now: datetime) -> Run:
    """Ended at the provider; whether it is dead is seen by trying it."""
    return _at(run, Step.OVER, now)


def cleaned(run: Run, now: datetime) -> Run:
    """The new credential that never worked is ended at the provider."""
    return _at(run, Step.FAILED, now, why=run.why)


def _at(run: Run, step: Step, now: datetime, **changes: Any) -> Run:
    due = None if step in ENDED else now
    return replace(run, step=step, begun_at=None, tries=0, next_at=due, **changes)


def _settled(run: Run, now: datetime) -> Run:
    """Not before the provider had time to list what it made."""
    known = now + timedelta(seconds=run.settles)
    return replace(run, next_at=max(run.next_at or now, known))


def _later(run: Run, now: datetime, why: str) -> Run:
    wait = AGAIN[min(run.tries, len(AGAIN) - 1)]
    return replace(run, begun_at=None, tries=run.tries + 1, next_at=now + wait, why=why)
