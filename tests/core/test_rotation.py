"""The end of a rotation, as a pure function of what was seen and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import rotation
from bot.core.rotation import Act, Entry, Phase, Rotation, Trial

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def ending(at: datetime = START) -> Rotation:
    """A rotation whose grace period is over, with the old secret about to be tried."""
    began = rotation.switched(at - DAY, DAY, "U1").rotation
    return rotation.tick(began, at).rotation


def test_the_old_secret_is_left_alone_until_the_grace_period_is_over() -> None:
    """A minute before its end nothing is tried; at its end it is."""
    step = rotation.switched(START, DAY, "U1")

    assert step.says == (Entry.SWITCHED,)
    assert rotation.tick(step.rotation, START + DAY - MINUTE).act is Act.NOTHING
    assert rotation.tick(step.rotation, START + DAY).act is Act.TRY


def test_one_refusal_destroys_nothing() -> None:
    """The first refusal is confirmed a minute later."""
    step = rotation.tried(ending(), Trial.DEAD, START)

    assert step.act is Act.NOTHING
    assert step.rotation.is_open
    assert step.rotation.next_at == START + MINUTE


def test_two_refusals_a_minute_apart_destroy_it() -> None:
    """Only then is the old secret known to be dead."""
    first = rotation.tried(ending(), Trial.DEAD, START).rotation

    step = rotation.tried(first, Trial.DEAD, START + MINUTE)

    assert (step.rotation.phase, step.act, step.says) == (Phase.DEAD, Act.DESTROY, (Entry.DEAD,))


def test_two_refusals_in_the_same_moment_count_once() -> None:
    """A person who clicks twice proves no more than one who clicks once."""
    first = rotation.tried(ending(), Trial.DEAD, START).rotation

    step = rotation.tried(first, Trial.DEAD, START + timedelta(seconds=5))

    assert step.act is Act.NOTHING
    assert step.rotation.next_at == START + MINUTE


def test_a_secret_that_works_again_needs_two_new_refusals() -> None:
    """A refusal, then a good answer, then a refusal: that is one refusal."""
    state = rotation.tried(ending(), Trial.DEAD, START).rotation
    state = rotation.tried(state, Trial.ALIVE, START + MINUTE).rotation

    step = rotation.tried(state, Trial.DEAD, START + HOUR)

    assert step.act is Act.NOTHING


@pytest.mark.parametrize("apart", [MINUTE, 15 * MINUTE])
def test_what_shows_nothing_does_not_undo_a_refusal(apart: timedelta) -> None:
    """An outage between two refusals leaves them two."""
    state = rotation.tried(ending(), Trial.DEAD, START, apart=apart).rotation
    state = rotation.tried(state, Trial.UNKNOWN, START + apart, apart=apart, why="away").rotation

    step = rotation.tried(state, Trial.DEAD, START + apart + HOUR, apart=apart)

    assert step.act is Act.DESTROY


def test_a_secret_that_lives_on_is_told_of_once_a_week() -> None:
    """Once when the grace period ends, then every seven days, however often it is tried."""
    state, said, now = ending(), [], START
    while now < START + timedelta(days=15):
        step = rotation.tried(state, Trial.ALIVE, now)
        said += [(entry, now - START) for entry in step.says]
        state = step.rotation
        assert state.next_at is not None
        now = state.next_at

    assert [entry for entry, _ in said] == [Entry.REMOVE, Entry.STILL_ALIVE, Entry.STILL_ALIVE]
    assert said[1][1] >= timedelta(days=7)


def test_a_day_without_any_answer_is_told_once() -> None:
    """Nobody believes that it is being watched when it is not."""
    state, said, now = ending(), [], START
    while now < START + timedelta(days=3):
        step = rotation.tried(state, Trial.UNKNOWN, now, why="It did not answer.")
        said += list(step.says)
        state = step.rotation
        assert state.next_at is not None
        now = state.next_at

    assert said == [Entry.UNSEEN]
    assert state.is_open


def test_who_says_that_it_is_removed_has_it_tried_at_once() -> None:
    """Also before the grace period is over."""
    state = rotation.switched(START, DAY, "U1").rotation

    step = rotation.removed(state, START + HOUR)

    assert (step.act, step.rotation.phase) == (Act.TRY, Phase.ENDING)


def test_going_back_destroys_nothing() -> None:
    """The old secret is in force again."""
    step = rotation.went_back(ending(), START, "U2")

    assert (step.rotation.phase, step.act) == (Phase.BACK, Act.NOTHING)


def test_a_planned_switch_waits_for_its_time() -> None:
    """The next credential is stored early and put in force at the time that was set."""
    state = rotation.plan(START, START + DAY, DAY, "U1").rotation

    assert rotation.tick(state, START + HOUR).act is Act.NOTHING
    assert rotation.tick(state, START + DAY).act is Act.SWITCH


def test_a_next_credential_that_is_not_proven_is_told_of_once() -> None:
    """The old one stays in force, and the next one is tried again later."""
    state = rotation.plan(START, START, DAY, "U1").rotation

    first = rotation.not_switched(state, START, "GitHub refused the token.")
    second = rotation.not_switched(first.rotation, START + HOUR, "GitHub refused the token.")

    assert (first.says, second.says) == ((Entry.NOT_SWITCHED,), ())
    assert second.rotation.phase is Phase.WAITING
    assert second.rotation.next_at is not None
    assert second.rotation.next_at > START + HOUR


def test_it_reads_what_it_wrote() -> None:
    """Also through JSON text."""
    state = rotation.tried(ending(), Trial.UNKNOWN, START, why="It did not answer.").rotation

    assert Rotation.from_json(json.loads(json.dumps(state.to_json()))) == state


trials = st.lists(st.tuples(st.sampled_from(Trial), st.integers(0, 2 * 24 * 60)), max_size=30)


@given(trials)
def test_only_two_refusals_apart_with_no_good_answer_between_end_it(
    seen: list[tuple[Trial, int]],
) -> None:
    """Whatever else is seen in whatever order: the secret is destroyed then, and never before."""
    state, now, refused = ending(), START, None
    for trial, wait in seen:
        now += wait * MINUTE
        if trial is Trial.ALIVE:
            refused = None
        dead = trial is Trial.DEAD and refused is not None and now - refused >= MINUTE
        step = rotation.tried(state, trial, now)
        assert (step.act is Act.DESTROY) == dead
        if dead:
            return
        state = step.rotation
        if trial is Trial.DEAD and refused is None:
            refused = now
