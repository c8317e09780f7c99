"""What was made in doubt at a provider that lists late, or that takes no label."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.core.auto_rotation import (
    TRIES,
    Run,
    Step,
    begin,
    prepared,
    reconciled,
    refused,
    unclear,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def doubted() -> Run:
    """A run whose first try to make a credential had no answer."""
    run = prepared(Run(Step.PREPARE, "label", settles=60.0), NOON, "old", others=("theirs",))
    return unclear(begin(run, NOON), NOON, "No answer.")


def test_what_was_made_is_looked_for_once_it_can_be_listed() -> None:
    """A look ten seconds later might not see it yet, and a second one would be made."""
    run = doubted()

    assert run.step is Step.RECONCILE
    assert run.next_at == NOON + MINUTE


def test_a_refusal_after_a_doubt_is_looked_into_before_it_ends() -> None:
    """The one made in doubt may be why there is no room; it is not left behind."""
    again = begin(reconciled(doubted(), NOON + MINUTE), NOON + MINUTE)
    run = refused(again, NOON + MINUTE, "There are two keys.")

    assert (run.step, run.issues, run.next_at) == (Step.RECONCILE, TRIES, NOON + 2 * MINUTE)
    ended = reconciled(run, NOON + 2 * MINUTE)
    assert (ended.step, ended.why) == (Step.FAILED, "There are two keys.")


def test_a_first_refusal_ends_at_once() -> None:
    """Nothing can have been made."""
    run = prepared(Run(Step.PREPARE, "label"), NOON, "old")

    assert refused(begin(run, NOON), NOON, "No room.").step is Step.FAILED


def test_what_was_there_before_is_remembered() -> None:
    """So that none of it is taken for what was made in doubt."""
    run = doubted()

    assert Run.from_json(run.to_json()) == run
    assert run.others == ("theirs",)
