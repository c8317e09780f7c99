import json
from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.check import Cause
from bot.core.health import Open, Trouble
from bot.core.incident import (
    Act,
    Button,
    Changed,
    Click,
    Closed,
    Entry,
    Incident,
    Lost,
    Phase,
    Reopened,
    Rules,
    Step,
    Tick,
    decide,
    next_tick,
    open_incident,
    reopens,
)
from bot.core.incident import Event as AnyEvent
from bot.core.worktime import QuietHours, parse_zone
from tests.core.answers import HOUR, MINUTE, START

ALICE, BOB = "UALICE", "UBOB"
FOUND = Open(
    Trouble.REFUSED, START, "GitHub refused the token.", "Create one.", Cause.EXPIRED, checks=2
)
AWAY = Open(Trouble.UNREACHABLE, START, "It does not answer.", "", Cause.TIMEOUT, checks=12)
RULES = Rules()
NIGHT = Rules(quiet=QuietHours(parse_zone("UTC"), time(20), time(8)))
MIDNIGHT = datetime(2026, 11, 25, 0, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def opened() -> Incident:
    return open_incident(FOUND, START, RULES, production=True).incident


def after(incident: Incident, event: AnyEvent, now: datetime = START, rules: Rules = RULES) -> Step:
    step = decide(incident, event, now, rules)
    assert isinstance(step, Step)
    return step


def press(incident: Incident, button: Button, by: str = ALICE, **more: datetime) -> Step:
    return after(incident, Click(button, incident.version, by, **more))


def said(step: Step) -> list[tuple[Act, Entry]]:
    return [(say.act, say.entry) for say in step.say]


def test_an_incident_is_posted_at_once() -> None:
    """One message, which mentions the owner, with the buttons of a failing incident."""
    step = open_incident(FOUND, START, RULES, production=False)

    assert said(step) == [(Act.POST, Entry.OPENED)]
    assert step.incident.buttons == (
        Button.RETEST, Button.FIX, Button.ACKNOWLEDGE, Button.SNOOZE, Button.MUTE,
    )  # fmt: skip


def test_acknowledging_edits_the_message_and_tells_the_thread() -> None:
    """One edit, one entry, and other buttons."""
    step = press(opened(), Button.ACKNOWLEDGE)

    assert said(step) == [(Act.EDIT, Entry.ACKNOWLEDGED), (Act.THREAD, Entry.ACKNOWLEDGED)]
    assert step.say[0].by == ALICE
    assert Button.UNACKNOWLEDGE in step.incident.buttons
    assert Button.ACKNOWLEDGE not in step.incident.buttons


def test_the_slower_of_two_clicks_changes_nothing() -> None:
    """Bob pressed what alice had already changed: he hears who and what."""
    seen = opened()
    taken = press(seen, Button.ACKNOWLEDGE).incident

    assert decide(taken, Click(Button.SNOOZE, seen.version, BOB), START, RULES) == Lost(
        ALICE, Entry.ACKNOWLEDGED
    )


def test_a_retest_never_loses() -> None:
    """What changes nothing may be pressed on an older state, but not once it is over."""
    seen = opened()
    taken = press(seen, Button.ACKNOWLEDGE).incident
    over = after(taken, Closed(Phase.RECOVERED)).incident

    assert isinstance(decide(taken, Click(Button.RETEST, seen.version, BOB), START, RULES), Step)
    assert isinstance(decide(over, Click(Button.RETEST, seen.version, BOB), START, RULES), Lost)


def test_a_snooze_ends_by_itself() -> None:
    """After its hour the incident fails again, and the wait for somebody starts anew."""
    asleep = press(opened(), Button.SNOOZE, until=START + HOUR).incident
    awake = after(asleep, Tick(), START + HOUR)

    assert next_tick(asleep, RULES) == START + HOUR
    assert said(awake) == [(Act.EDIT, Entry.WOKEN), (Act.THREAD, Entry.WOKEN)]
    assert next_tick(awake.incident, RULES) == START + 5 * HOUR


def test_a_snooze_has_bounds() -> None:
    """A date in the past is a minute, one in ten years three months; none given is an hour."""
    ends = [
        press(opened(), Button.SNOOZE, until=START - HOUR).incident.until,
        press(opened(), Button.SNOOZE, until=START + timedelta(days=3650)).incident.until,
        press(opened(), Button.SNOOZE).incident.until,
    ]

    assert ends == [START + MINUTE, START + timedelta(days=90), START + HOUR]


def test_unacknowledged_is_reminded_after_4_h_and_escalated_after_24_h() -> None:
    """Each once."""
    incident, log = opened(), list[tuple[timedelta, Act, Entry]]()
    for quarter in range(48 * 4):
        now = START + quarter * 15 * MINUTE
        step = after(incident, Tick(), now)
        incident = step.incident
        log += [(now - START, say.act, say.entry) for say in step.say]

    assert log == [
        (4 * HOUR, Act.THREAD, Entry.REMINDED),
        (24 * HOUR, Act.ESCALATE, Entry.ESCALATED),
        (24 * HOUR, Act.THREAD, Entry.ESCALATED),
    ]
    assert next_tick(incident, RULES) is None


def test_acknowledged_is_not_reminded() -> None:
    """Somebody has it; given back, the four hours start anew."""
    taken = press(opened(), Button.ACKNOWLEDGE).incident
    back = press(taken, Button.UNACKNOWLEDGE).incident

    assert next_tick(taken, RULES) is None
    assert after(taken, Tick(), START + 30 * HOUR).say == ()
    assert next_tick(back, RULES) == START + 4 * HOUR


def test_reminders_can_be_switched_off() -> None:
    """Both settings are off-able."""
    rules = Rules(remind_after=None, escalate_after=None)

    assert next_tick(open_incident(FOUND, START, rules, production=True).incident, rules) is None


def test_quiet_hours_hold_back_reminders() -> None:
    """Opened in the evening, reminded in the morning."""
    evening = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
    incident = open_incident(FOUND, evening, NIGHT, production=True).incident

    assert next_tick(incident, NIGHT) == MORNING
    assert after(incident, Tick(), MIDNIGHT, NIGHT).say == ()


def test_quiet_hours_never_hold_back_a_first_failure_of_production() -> None:
    """At midnight: production is told, development waits for the morning."""
    production = open_incident(FOUND, MIDNIGHT, NIGHT, production=True)
    other = open_incident(FOUND, MIDNIGHT, NIGHT, production=False)

    assert said(production) == [(Act.POST, Entry.OPENED)]
    assert other.say == ()
    assert next_tick(other.incident, NIGHT) == MORNING
    assert said(after(other.incident, Tick(), MORNING, NIGHT)) == [(Act.POST, Entry.OPENED)]


def test_what_recovers_before_it_was_announced_is_never_heard_of() -> None:
    """Held back by the night and gone before the morning."""
    held = open_incident(FOUND, MIDNIGHT, NIGHT, production=False).incident
    over = after(held, Closed(Phase.RECOVERED), MIDNIGHT + HOUR)

    assert over.say == ()
    assert next_tick(over.incident, NIGHT) is None


def test_planned_work_holds_an_incident_back_until_it_ends() -> None:
    """Paused for two hours: told when they are over and it still fails; sooner if the pause is."""
    end = START + 2 * HOUR
    held = open_incident(FOUND, START, RULES, production=True, paused_until=end)

    assert held.say == ()
    assert next_tick(held.incident, RULES, paused_until=end) == end
    assert said(after(held.incident, Tick(), end)) == [(Act.POST, Entry.OPENED)]


def test_planned_work_holds_back_reminders_of_what_was_open() -> None:
    """The reminder after four hours waits for the end of the window."""
    end = START + 6 * HOUR

    assert after(opened(), Tick(paused_until=end), START + 5 * HOUR).say == ()
    assert next_tick(opened(), RULES, paused_until=end) == end


def test_muted_is_edited_and_says_nothing_more() -> None:
    """The thread hears that it was muted, and by whom; its end is an edit alone."""
    muted = press(opened(), Button.MUTE)
    over = after(muted.incident, Closed(Phase.RECOVERED))

    assert said(muted) == [(Act.EDIT, Entry.MUTED), (Act.THREAD, Entry.MUTED)]
    assert Button.UNMUTE in muted.incident.buttons
    assert next_tick(muted.incident, RULES) is None
    assert said(over) == [(Act.EDIT, Entry.RECOVERED)]


def test_recovery_closes_the_same_message() -> None:
    """Green, one thread entry, and nothing left to press but a look."""
    over = after(opened(), Closed(Phase.REPLACED, BOB))

    assert said(over) == [(Act.EDIT, Entry.REPLACED), (Act.THREAD, Entry.REPLACED)]
    assert over.incident.buttons == (Button.VIEW,)
    assert over.incident.closed_at == START


def test_closed_is_closed() -> None:
    """A second recovery, a change or a tick changes nothing and says nothing."""
    over = after(opened(), Closed(Phase.RECOVERED)).incident

    for event in (Closed(Phase.DELETED), Changed(AWAY), Tick()):
        assert after(over, event, START + HOUR) == Step(over)


def test_another_trouble_wakes_whoever_took_the_first() -> None:
    """Acknowledged as an outage, then refused: failing again, with the new sentence."""
    taken = press(
        open_incident(AWAY, START, RULES, production=True).incident, Button.ACKNOWLEDGE
    ).incident
    turned = after(taken, Changed(FOUND))

    assert turned.incident.phase is Phase.FAILING
    assert turned.incident.sentence == FOUND.sentence
    assert said(turned) == [(Act.EDIT, Entry.CHANGED), (Act.THREAD, Entry.CHANGED)]


def test_the_same_trouble_within_the_hour_is_the_same_message() -> None:
    """Red again, with an entry in its thread; an hour later it is another incident."""
    over = after(opened(), Closed(Phase.RECOVERED)).incident
    again = after(over, Reopened(FOUND), START + 59 * MINUTE)

    assert said(again) == [(Act.EDIT, Entry.REOPENED), (Act.THREAD, Entry.REOPENED)]
    assert again.incident.is_open
    assert not reopens(over, FOUND, START + HOUR)
    assert not reopens(over, AWAY, START + MINUTE)


events = st.one_of(
    st.builds(
        Click,
        st.sampled_from(Button),
        st.integers(1, 8),
        st.sampled_from([ALICE, BOB]),
        st.none() | st.just(START + 3 * HOUR),
    ),
    st.builds(Closed, st.sampled_from([Phase.RECOVERED, Phase.REPLACED, Phase.DELETED])),
    st.sampled_from([Tick(), Tick(START + 6 * HOUR), Changed(AWAY), Reopened(FOUND)]),
)


@given(st.booleans(), st.lists(st.tuples(events, st.integers(0, 400)), max_size=40))
def test_any_life_keeps_its_promises(production: bool, steps: list[tuple[AnyEvent, int]]) -> None:
    """One post at most and before all else, versions only grow, the JSON holds everything."""
    step = open_incident(FOUND, START, NIGHT, production=production)
    incident, now, log = step.incident, START, [say.act for say in step.say]
    for event, minutes in steps:
        now += minutes * MINUTE
        outcome = decide(incident, event, now, NIGHT)
        if isinstance(outcome, Lost):
            assert isinstance(event, Click)
            continue
        assert outcome.incident.version >= incident.version
        incident = Incident.from_json(json.loads(json.dumps(outcome.incident.to_json())))
        assert incident == outcome.incident
        log += [say.act for say in outcome.say]
    assert log.count(Act.POST) <= 1
    assert log.count(Act.ESCALATE) <= 1
    assert not log or log[0] is Act.POST
