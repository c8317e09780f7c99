import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.check import CheckResult
from bot.core.health import Change, Health, Open, Recover, Standing, Trouble, decide, replaced
from bot.core.offline import Mode
from tests.core.answers import (
    BARE,
    BLOCKED,
    FAILING,
    HOUR,
    LIMITED,
    MINUTE,
    PROVEN,
    REVOKED,
    SILENT,
    START,
    UNPROVEN,
    UNRESOLVED,
    answer,
    feed,
)

GOOD = Health(ever_proven=True)
ANSWERS = (BARE, BLOCKED, FAILING, LIMITED, PROVEN, REVOKED, SILENT, UNPROVEN, UNRESOLVED)


def refused() -> Health:
    health, _ = feed(GOOD, (0, REVOKED), (60, REVOKED))
    return health


def test_an_explicit_refusal_needs_one_confirmation() -> None:
    """The word of the provider opens an incident when it is said twice, a minute apart."""
    health, effects = feed(GOOD, (0, REVOKED), (60, REVOKED))

    assert health.standing is Standing.FAILING
    [opened] = effects
    assert isinstance(opened, Open)
    assert (opened.trouble, opened.since, opened.checks) == (Trouble.REFUSED, START, 2)


def test_a_bare_refusal_needs_four_in_a_row() -> None:
    """401 or 403 of a registry opens an incident after 60 s, 2 min and 5 min more of the same."""
    three, none = feed(GOOD, (0, BARE), (60, BARE), (180, BARE))
    four, effects = feed(three, (480, BARE))

    assert none == []
    assert three.standing is Standing.DOUBTFUL
    assert four.trouble is Trouble.REFUSED
    assert [type(effect) for effect in effects] == [Open]


def test_the_confirmations_are_60_s_2_min_and_5_min_apart() -> None:
    """Each doubtful refusal asks for the next check after its own wait."""
    waits, health, at = [], GOOD, START
    for _ in range(4):
        decision = decide(health, BARE, at)
        assert decision.soon is not None
        health, at = decision.health, at + decision.soon
        waits.append(decision.soon)

    assert waits == [MINUTE, 2 * MINUTE, 5 * MINUTE, HOUR]


def test_one_good_answer_ends_the_doubt() -> None:
    """Three refusals and a proof are three refusals less."""
    health, effects = feed(
        GOOD, (0, BARE), (60, BARE), (180, BARE), (480, PROVEN), (3600, BARE), (3660, BARE)
    )

    assert effects == []
    assert health.refusals == 2


def test_refusals_that_come_too_early_do_not_count() -> None:
    """A person who presses the button four times in a second has not confirmed anything."""
    health, effects = feed(GOOD, (0, BARE), (0.3, BARE), (0.6, BARE), (0.9, BARE))

    assert effects == []
    assert health.refusals == 1


def test_an_explicit_word_shortens_a_doubtful_count() -> None:
    """A bare 401 that the provider then explains is confirmed by that."""
    _, effects = feed(GOOD, (0, BARE), (60, REVOKED))

    assert [type(effect) for effect in effects] == [Open]


def test_an_early_explicit_word_brings_the_confirmation_forward() -> None:
    """Said within the five minutes' wait, it is confirmed a minute later."""
    health, _ = feed(GOOD, (0, BARE), (60, BARE), (180, BARE), (200, REVOKED))
    decision = decide(health, REVOKED, START + timedelta(seconds=260))

    assert decision.health.trouble is Trouble.REFUSED


@pytest.mark.parametrize("result", [LIMITED, FAILING])
def test_no_answer_keeps_the_count_of_refusals(result: CheckResult) -> None:
    """A 429, 5xx or time-out between refusals neither confirms nor clears them."""
    health, effects = feed(GOOD, (0, BARE), (60, result), (80, BARE), (200, BARE), (500, BARE))

    assert health.trouble is Trouble.REFUSED
    assert len(effects) == 1


def test_unreachable_needs_fifteen_minutes() -> None:
    """Silence opens an incident when fifteen minutes passed without one answer."""
    before, none = feed(GOOD, *((s, SILENT) for s in range(0, 900, 60)))
    _, effects = feed(before, (900, SILENT))

    assert none == []
    [opened] = effects
    assert isinstance(opened, Open)
    assert (opened.trouble, opened.since) == (Trouble.UNREACHABLE, START)


def test_two_silences_far_apart_are_no_outage() -> None:
    """After a night in which nothing ran, fifteen minutes have passed but nothing was tried."""
    _, effects = feed(GOOD, (0, SILENT), (36_000, SILENT))

    assert effects == []


def test_any_answer_ends_a_silence() -> None:
    """A registry that refuses is reachable."""
    health, effects = feed(
        GOOD, *((s, SILENT) for s in range(0, 840, 60)), (850, BARE), (910, SILENT)
    )

    assert effects == []
    assert health.misses == 1


def test_the_checks_of_a_silence_fall_on_its_fifteenth_minute() -> None:
    """Followed as asked, an outage is told after exactly fifteen minutes and twelve checks."""
    health, at, opened = GOOD, START, None
    for _ in range(20):
        decision = decide(health, SILENT, at)
        if decision.effects:
            opened = decision.effects[0]
            break
        assert decision.soon is not None
        health, at = decision.health, at + decision.soon

    assert at == START + 15 * MINUTE
    assert isinstance(opened, Open)
    assert opened.checks == 12


def test_limited_never_judges() -> None:
    """A day of 429 leaves a proven credential proven."""
    health, effects = feed(GOOD, *((s * 60, LIMITED) for s in range(1440)))

    assert effects == []
    assert health.standing is Standing.HEALTHY


def test_a_day_without_an_answer_is_told_once() -> None:
    """After 24 hours of 429 nobody knows whether it works: calmly, and no failure."""
    health, effects = feed(GOOD, *((hour * 3600, LIMITED) for hour in range(60)))

    [told] = effects
    assert isinstance(told, Open)
    assert (told.trouble, told.since, told.checks) == (Trouble.UNJUDGED, START, 25)
    assert health.standing is Standing.HEALTHY
    assert Health.from_json(json.loads(json.dumps(health.to_json()))) == health


def test_time_outs_between_the_limits_are_no_answers_either() -> None:
    """Only an answer about the credential starts the day anew."""
    answers = [(hour * 3600, SILENT if hour in {5, 17} else LIMITED) for hour in range(30)]
    _, effects = feed(GOOD, *answers)
    _, none = feed(GOOD, *answers[:20], (20 * 3600, PROVEN), *answers[21:])

    assert [type(effect) for effect in effects] == [Open]
    assert none == []


def test_one_good_check_ends_it() -> None:
    """No second one is needed, and the next comes at its regular time."""
    health, _ = feed(GOOD, *((hour * 3600, LIMITED) for hour in range(26)))
    decision = decide(health, PROVEN, START + 26 * HOUR)

    assert decision.effects == (Recover(Trouble.UNJUDGED, START, START + 26 * HOUR),)
    assert (decision.health, decision.soon) == (GOOD, None)


def test_what_was_not_judged_and_is_refused_is_a_new_alert() -> None:
    """The calm notice ends, and the alert is told as any other, from its own first sign."""
    health, _ = feed(GOOD, *((hour * 3600, LIMITED) for hour in range(26)))
    day = 26 * 3600
    health, effects = feed(health, (day, REVOKED), (day + 60, REVOKED))

    over, opened = effects
    assert isinstance(over, Recover)
    assert isinstance(opened, Open)
    assert (opened.trouble, opened.since) == (Trouble.REFUSED, START + 26 * HOUR)
    assert (health.trouble, health.since) == (Trouble.REFUSED, START + 26 * HOUR)


def test_what_was_not_judged_and_falls_silent_is_an_outage() -> None:
    """A calm notice does not hide it."""
    health, _ = feed(GOOD, *((hour * 3600, LIMITED) for hour in range(26)))
    silent = [(26 * 3600 + minute * 60, SILENT) for minute in range(17)]
    health, effects = feed(health, *silent)

    assert [type(effect) for effect in effects] == [Recover, Open]
    assert health.trouble is Trouble.UNREACHABLE


def test_retry_after_is_obeyed() -> None:
    """The next check waits for what the registry asked for."""
    decision = decide(GOOD, answer(LIMITED.verdict, retry_at=START + 3 * HOUR), START)

    assert decision.soon == 3 * HOUR


def test_limited_without_a_time_waits_longer_each_time() -> None:
    """30 s, a minute, two … and never more than an hour."""
    waits, health = [], GOOD
    for _ in range(9):
        decision = decide(health, LIMITED, START)
        health = decision.health
        waits.append(decision.soon)

    assert waits[:3] == [timedelta(seconds=30), MINUTE, 2 * MINUTE]
    assert waits[-1] == HOUR


def test_recovery_needs_two_good_checks() -> None:
    """One proof is not enough; the second, a minute later, closes with the time of the first."""
    one, none = feed(refused(), (600, PROVEN))
    two, effects = feed(one, (660, PROVEN))

    assert none == []
    assert one.standing is Standing.FAILING
    assert effects == [Recover(Trouble.REFUSED, START, START + 10 * MINUTE)]
    assert two.standing is Standing.HEALTHY


def test_a_second_good_check_at_once_does_not_count() -> None:
    """Two clicks within a second do not recover."""
    health, effects = feed(refused(), (600, PROVEN), (601, PROVEN))

    assert effects == []
    assert health.good == 1


def test_a_refusal_between_good_checks_starts_recovery_anew() -> None:
    """Good, refused, good is not two good checks; and the slow ladder starts at its foot."""
    health, effects = feed(refused(), (4000, PROVEN), (4060, BARE), (8000, PROVEN))

    assert effects == []
    assert health.good == 1
    assert health.rung == 0


def test_a_condemned_secret_is_retried_after_1_6_and_24_hours() -> None:
    """The waits after the incident opened: 1 h, 6 h, 24 h, and a day each from then on."""
    health, at, waits = refused(), START + MINUTE + HOUR, []
    for _ in range(4):
        decision = decide(health, REVOKED, at)
        assert decision.soon is not None
        health, at = decision.health, at + decision.soon
        waits.append(decision.soon // HOUR)

    assert waits == [6, 24, 24, 24]


def test_a_persons_retest_does_not_climb_the_ladder() -> None:
    """Asked ten minutes into the first hour, the next check stays where it was."""
    decision = decide(refused(), REVOKED, START + 11 * MINUTE)

    assert decision.soon == 50 * MINUTE
    assert decision.health.rung == 0


def test_an_outage_that_hides_a_refusal_changes_the_incident() -> None:
    """Reachable again and refused: the same incident, told anew, since the first sign."""
    away, _ = feed(GOOD, *((s, SILENT) for s in range(0, 960, 60)))
    health, effects = feed(away, (1000, REVOKED), (1060, REVOKED))

    [changed] = effects
    assert isinstance(changed, Change)
    assert changed.was is Trouble.UNREACHABLE
    assert changed.to.trouble is Trouble.REFUSED
    assert (health.trouble, health.since) == (Trouble.REFUSED, START)


def test_silence_does_not_take_a_refusal_back() -> None:
    """A refused credential whose registry goes away stays refused."""
    health, effects = feed(refused(), *((s, SILENT) for s in range(3660, 7200, 300)))

    assert effects == []
    assert health.trouble is Trouble.REFUSED


def test_a_registry_that_became_open_is_told_once() -> None:
    """Proven before and now accepting anyone: one incident after two confirmations."""
    health, effects = feed(GOOD, (0, UNPROVEN), (60, UNPROVEN), (180, UNPROVEN), (3600, UNPROVEN))

    assert [type(effect) for effect in effects] == [Open]
    assert health.trouble is Trouble.OPEN


def test_a_registry_never_proven_may_stay_so() -> None:
    """Saved as it was, accepting anyone is no news."""
    health, effects = feed(Health(), (0, UNPROVEN), (60, UNPROVEN), (180, UNPROVEN))

    assert effects == []
    assert health.standing is Standing.UNKNOWN


def test_blocked_needs_one_confirmation() -> None:
    """A realm that changed, or a host our rules forbid, is told after a minute."""
    health, effects = feed(GOOD, (0, BLOCKED), (60, BLOCKED))

    assert [type(effect) for effect in effects] == [Open]
    assert health.trouble is Trouble.BLOCKED


def test_while_we_are_offline_the_fifteen_minutes_do_not_run() -> None:
    """Silence of our own network counts for nothing."""
    health = GOOD
    for minute in range(60):
        decision = decide(health, SILENT, START + minute * MINUTE, Mode.OFFLINE)
        health = decision.health
        assert decision.effects == ()

    assert health.standing is Standing.HEALTHY


def test_while_our_connection_is_in_doubt_nobody_is_condemned() -> None:
    """The count goes on, and the incident opens as soon as the probes say that we are online."""
    health, _ = feed(GOOD, *((s, SILENT) for s in range(0, 900, 60)))
    held = decide(health, SILENT, START + 16 * MINUTE, Mode.ASKING)
    told = decide(held.health, SILENT, START + 17 * MINUTE, Mode.ONLINE)

    assert held.effects == ()
    assert [type(effect) for effect in told.effects] == [Open]


def test_another_secret_starts_afresh() -> None:
    """Replacing the credential clears every count but the registry's own record."""
    health = replaced(refused(), proven=True)

    assert health.standing is Standing.HEALTHY
    assert health.record == refused().record


@given(st.lists(st.tuples(st.sampled_from(ANSWERS), st.integers(0, 7200)), max_size=40))
def test_the_state_survives_its_json(steps: list[tuple[CheckResult, int]]) -> None:
    """Stored after every answer and read back, it decides the same."""
    at, health, stored = START, Health(), Health()
    for result, seconds in steps:
        at += timedelta(seconds=seconds)
        decision = decide(health, result, at)
        again = decide(stored, result, at)
        assert (again.effects, again.soon) == (decision.effects, decision.soon)
        health = decision.health
        text = json.dumps(again.health.to_json())
        assert len(text) < 700
        stored = Health.from_json(json.loads(text))


@given(st.lists(st.tuples(st.sampled_from(ANSWERS), st.integers(0, 7200)), max_size=60))
def test_incidents_open_and_close_in_turn(steps: list[tuple[CheckResult, int]]) -> None:
    """Whatever the answers: never two opens without a recovery, nor a recovery of nothing."""
    at, health, is_open = START, Health(), False
    for result, seconds in steps:
        at += timedelta(seconds=seconds)
        decision = decide(health, result, at)
        health = decision.health
        assert decision.soon is None or decision.soon >= timedelta()
        for effect in decision.effects:
            assert isinstance(effect, Open) != is_open
            is_open = isinstance(effect, Open | Change)
        assert is_open == (health.trouble is not None)


def test_a_reference_that_leads_nowhere_is_told_after_four_times() -> None:
    """Doubtful at first: whoever replaces a secret may be at it just now."""
    three, none = feed(GOOD, (0, UNRESOLVED), (60, UNRESOLVED), (180, UNRESOLVED))
    four, effects = feed(three, (480, UNRESOLVED))

    assert none == []
    assert three.standing is Standing.DOUBTFUL
    [opened] = effects
    assert isinstance(opened, Open)
    assert (opened.trouble, opened.since) == (Trouble.UNRESOLVED, START)
    assert four.ever_proven


def test_a_reference_that_leads_nowhere_takes_no_refusal_back() -> None:
    """The registry was not asked, so an open refusal stays, and so does a count of them."""
    still, effects = feed(refused(), (120, UNRESOLVED))
    assert effects == []
    assert still.trouble is Trouble.REFUSED

    doubtful, _ = feed(GOOD, (0, REVOKED), (30, UNRESOLVED))
    assert doubtful.refusals == 1


def test_a_reference_that_leads_somewhere_again_ends_its_incident() -> None:
    """Two good answers, as for every other trouble."""
    lost, _ = feed(GOOD, (0, UNRESOLVED), (60, UNRESOLVED), (180, UNRESOLVED), (480, UNRESOLVED))
    health, effects = feed(lost, (900, PROVEN), (960, PROVEN))

    assert [type(effect) for effect in effects] == [Recover]
    assert health.standing is Standing.HEALTHY
