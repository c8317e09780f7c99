import json
from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.reminders import Kind, Said, Snooze, Step, Subject, due, next_due, plan, snooze
from bot.core.worktime import WorkHours, parse_zone

DAY = timedelta(days=1)
PARIS = WorkHours(parse_zone("Europe/Paris"))
NEW_YORK = WorkHours(parse_zone("America/New_York"))
KNOWN = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
# Sunday 20 December 2026: 30 days before is Friday, 14 and 7 are Sundays, 3 is Thursday.
EXPIRES = datetime(2026, 12, 20, 15, 0, tzinfo=UTC)
TOKEN = Subject(KNOWN, expires_at=EXPIRES, rotate_days=0)
FOREVER = datetime(2030, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(steps: tuple[Step, ...], hours: WorkHours) -> list[str]:
    return [f"{step.at.astimezone(hours.zone):%a %d %b %H:%M} {step.days}" for step in steps]


def test_the_ladder_of_an_expiry() -> None:
    """30, 14, 7, 3, 1 days and the day itself; weekends go back to Friday but for the last two."""
    steps = plan(TOKEN, PARIS, KNOWN, FOREVER)

    assert local(steps, PARIS) == [
        "Fri 20 Nov 09:30 30",
        "Fri 04 Dec 09:30 16",
        "Fri 11 Dec 09:30 9",
        "Thu 17 Dec 09:30 3",
        "Sat 19 Dec 09:30 1",
        "Sun 20 Dec 09:30 0",
    ]
    assert [step.urgent for step in steps] == [False] * 4 + [True] * 2


def test_a_token_that_died_in_the_night_is_told_as_expired() -> None:
    """At half past nine it expired at one o'clock, and the text must not say "today it will"."""
    subject = Subject(KNOWN, expires_at=utc("2026-12-18 00:00"), rotate_days=0)
    last = plan(subject, PARIS, KNOWN, FOREVER)[-1]

    assert (last.kind, last.days) == (Kind.EXPIRED, 0)
    assert last.at == utc("2026-12-18 08:30")


def test_the_ladder_of_an_age() -> None:
    """At 90 days, then weekly; a weekend goes on to Monday."""
    subject = Subject(KNOWN, aged_from=utc("2026-09-06 12:00"), rotate_days=90)
    steps = plan(subject, PARIS, KNOWN, utc("2026-12-31 00:00"))

    assert local(steps, PARIS) == [
        "Mon 07 Dec 09:30 2",
        "Mon 14 Dec 09:30 9",
        "Mon 21 Dec 09:30 16",
        "Mon 28 Dec 09:30 23",
    ]


def test_an_age_that_nobody_asked_about_says_nothing() -> None:
    """Rotate every 0 days, or no known age."""
    assert plan(Subject(KNOWN, aged_from=KNOWN, rotate_days=0), PARIS, KNOWN, FOREVER) == ()
    assert plan(Subject(KNOWN), PARIS, KNOWN, FOREVER) == ()


def test_an_old_key_registered_today_is_told_at_its_next_week() -> None:
    """Issued years ago: no flood of the weeks gone by."""
    subject = Subject(KNOWN, aged_from=utc("2019-01-01 00:00"), rotate_days=90)
    steps = plan(subject, PARIS, datetime(2019, 1, 1, tzinfo=UTC), KNOWN + 30 * DAY)

    assert len(steps) == 4
    assert KNOWN < steps[0].at <= KNOWN + 7 * DAY


def test_near_its_expiry_a_credential_is_not_called_old_as_well() -> None:
    """From the first step of the expiry on, the expiry alone is told."""
    subject = Subject(KNOWN, expires_at=EXPIRES, aged_from=utc("2026-08-10 00:00"), rotate_days=90)
    steps = plan(subject, PARIS, KNOWN, FOREVER)

    assert [step.kind for step in steps] == [Kind.AGED] * 2 + [Kind.EXPIRES] * 6


def test_what_lay_before_the_registration_is_not_said() -> None:
    """Stored ten days before its expiry, the next word is the 7-day step."""
    subject = Subject(EXPIRES - 10 * DAY, expires_at=EXPIRES, rotate_days=0)

    assert local(plan(subject, PARIS, KNOWN, FOREVER), PARIS)[0].startswith("Fri 11 Dec")


def test_the_plan_keeps_local_hours_through_a_clock_change() -> None:
    """09:30 in New York before and after 1 November."""
    subject = Subject(KNOWN, expires_at=utc("2026-11-20 20:00"), rotate_days=0)
    steps = plan(subject, NEW_YORK, KNOWN, FOREVER)

    assert {step.at.astimezone(NEW_YORK.zone).time() for step in steps} == {time(9, 30)}
    assert {step.at.hour for step in steps} == {13, 14}


def test_only_the_nearest_of_the_missed_is_said() -> None:
    """Down for a month: one word, of the step that passed last."""
    now = utc("2026-12-14 10:00")
    step = due(TOKEN, PARIS, Said(), now)

    assert step is not None
    assert step.days == 9
    assert due(TOKEN, PARIS, Said().after(step), now) is None


def test_a_missed_step_waits_for_working_hours() -> None:
    """Back on Saturday night, it is said on Monday morning."""
    night = utc("2026-12-12 23:00")

    assert due(TOKEN, PARIS, Said(), night) is None
    assert next_due(TOKEN, PARIS, Said(), night) == utc("2026-12-14 08:30")


def test_a_missed_last_step_is_said_at_once() -> None:
    """On a Saturday night, too: tomorrow it expires."""
    step = due(TOKEN, PARIS, Said(), utc("2026-12-19 22:00"))

    assert step is not None
    assert step.urgent


def test_a_snooze_holds_back_and_then_says_the_last() -> None:
    """Asleep over two steps: at its end the second of them, not both."""
    asleep = Subject(
        KNOWN,
        EXPIRES,
        rotate_days=0,
        snooze=Snooze(utc("2026-12-01 12:00"), utc("2026-12-16 12:00")),
    )
    steps = plan(asleep, PARIS, utc("2026-12-01 00:00"), FOREVER)

    assert local(steps, PARIS)[0] == "Wed 16 Dec 13:00 9"
    assert len(steps) == 4
    assert due(asleep, PARIS, Said(), utc("2026-12-15 10:00")) is None


def test_a_snooze_never_reaches_the_last_two() -> None:
    """Asked to sleep until after the expiry, it ends the day before."""
    asked = snooze(TOKEN, PARIS, EXPIRES + 30 * DAY, utc("2026-12-01 12:00"))
    asleep = Subject(KNOWN, EXPIRES, rotate_days=0, snooze=Snooze(asked.since, FOREVER))

    assert asked.until == utc("2026-12-19 08:30")
    assert [s.days for s in plan(asleep, PARIS, asked.since, FOREVER)] == [1, 0]


def test_another_zone_does_not_repeat_a_reminder() -> None:
    """Said at 09:30 in Paris, the workspace moves to New York: not said again that afternoon."""
    now = utc("2026-12-11 08:30")
    step = due(TOKEN, PARIS, Said(), now)
    assert step is not None
    said = Said().after(step)

    assert due(TOKEN, NEW_YORK, said, utc("2026-12-11 14:30")) is None
    assert due(TOKEN, NEW_YORK, said, utc("2026-12-14 15:00")) is None


def test_a_clock_that_ran_ahead_spoils_nothing() -> None:
    """It jumped a month ahead and back: the steps still to come are said at their times."""
    early = due(TOKEN, PARIS, Said(), utc("2026-11-20 09:00"))
    assert early is not None
    said = Said().after(early)
    wrong = due(TOKEN, PARIS, said, utc("2026-12-20 12:00"))
    assert wrong is not None
    said = said.after(wrong)

    assert due(TOKEN, PARIS, said, utc("2026-11-20 09:05")) is None
    right = due(TOKEN, PARIS, said, utc("2026-12-04 08:30"))
    assert right is not None
    assert right.days == 16


def test_what_was_said_survives_its_json() -> None:
    """The latest sixteen, as pairs."""
    said = Said()
    for step in plan(TOKEN, PARIS, KNOWN, FOREVER) * 4:
        said = said.after(step)

    assert len(said.steps) == 16
    assert Said.from_json(json.loads(json.dumps(said.to_json()))) == said
    assert Said.from_json({}) == Said()


ZONES = st.sampled_from(
    ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]
)


@given(
    ZONES,
    st.integers(0, 400 * 24 * 60),
    st.integers(0, 200),
    st.none() | st.tuples(st.integers(0, 200), st.integers(0, 200)),
)
def test_following_the_plan_says_each_step_once(
    zone: str, minutes: int, aged: int, asleep: tuple[int, int] | None
) -> None:
    """Woken at `next_due` every time, exactly the plan is said, in its order."""
    hours = WorkHours(parse_zone(zone))
    start, end = KNOWN, KNOWN + 400 * DAY
    subject = Subject(
        KNOWN,
        expires_at=KNOWN + timedelta(minutes=minutes),
        aged_from=KNOWN - aged * DAY,
        snooze=None
        if asleep is None
        else Snooze(KNOWN + asleep[0] * DAY, KNOWN + sum(asleep) * DAY),
    )
    said, told, now = Said(), list[Step](), start
    while (at := next_due(subject, hours, said, now)) is not None and at < end:
        assert at >= now
        now = at
        step = due(subject, hours, said, now)
        assert step is not None
        said = said.after(step)
        told.append(step)

    assert tuple(told) == plan(subject, hours, start, end)


@given(ZONES, st.integers(0, 300 * 24 * 60), st.integers(0, 150))
def test_a_plan_is_the_same_in_pieces(zone: str, minutes: int, cut: int) -> None:
    """Two halves make the whole: no step depends on where the question starts."""
    hours = WorkHours(parse_zone(zone))
    subject = Subject(KNOWN, KNOWN + timedelta(minutes=minutes), aged_from=KNOWN)
    middle, end = KNOWN + cut * DAY, KNOWN + 400 * DAY

    assert plan(subject, hours, KNOWN, middle) + plan(subject, hours, middle, end) == plan(
        subject, hours, KNOWN, end
    )
