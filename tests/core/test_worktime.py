from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.core.worktime import QuietHours, WorkHours, moment, parse_time, parse_zone
from bot.errors import InvalidInput

PARIS = ZoneInfo("Europe/Paris")
HOURS = WorkHours(PARIS)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_work_starts_at_the_same_local_time_through_both_clock_changes() -> None:
    """09:30 in Paris is 07:30 UTC in summer and 08:30 in winter."""
    assert HOURS.start_of(date(2026, 10, 24)) == utc("2026-10-24 07:30")
    assert HOURS.start_of(date(2026, 10, 26)) == utc("2026-10-26 08:30")
    assert HOURS.start_of(date(2027, 3, 29)) == utc("2027-03-29 07:30")


def test_skipped_and_doubled_times_have_one_moment() -> None:
    """02:30 does not exist on the last Sunday of March, and comes twice in October."""
    assert moment(date(2027, 3, 28), time(2, 30), PARIS) == utc("2027-03-28 01:30")
    assert moment(date(2026, 10, 25), time(2, 30), PARIS) == utc("2026-10-25 00:30")


def test_the_next_start_of_work_passes_the_weekend() -> None:
    """Friday evening waits for Monday; the very moment of the start is not too late."""
    assert HOURS.opening(utc("2026-11-27 20:00")) == utc("2026-11-30 08:30")
    assert HOURS.opening(utc("2026-11-27 08:30")) == utc("2026-11-27 08:30")


def test_working_hours_end() -> None:
    """18:00 local is free time, and so is Saturday."""
    assert HOURS.at_work(utc("2026-11-27 16:59"))
    assert not HOURS.at_work(utc("2026-11-27 17:00"))
    assert not HOURS.at_work(utc("2026-11-28 12:00"))


def test_quiet_hours_may_pass_midnight() -> None:
    """From 20:00 to 08:00, whichever side of midnight it is."""
    quiet = QuietHours(PARIS, time(20), time(8))

    assert quiet.release(utc("2026-11-27 22:00")) == utc("2026-11-28 07:00")
    assert quiet.release(utc("2026-11-28 03:00")) == utc("2026-11-28 07:00")
    assert quiet.release(utc("2026-11-28 07:00")) == utc("2026-11-28 07:00")


def test_quiet_hours_within_a_day() -> None:
    """From 12:00 to 14:00."""
    quiet = QuietHours(PARIS, time(12), time(14))

    assert quiet.release(utc("2026-11-27 12:00")) == utc("2026-11-27 13:00")
    assert not quiet.holds(utc("2026-11-27 10:59"))


def test_zones_and_times_are_read_as_people_write_them() -> None:
    """`Europe/Paris`, `9:30`."""
    assert parse_zone(" Europe/Paris ") == PARIS
    assert parse_time("9:30") == time(9, 30)


@pytest.mark.parametrize("text", ["", "Mars/Base", "../etc/passwd", "/etc/passwd", "a\0b"])
def test_other_zones_are_refused(text: str) -> None:
    """The sentence belongs to the field `zone`."""
    with pytest.raises(InvalidInput) as caught:
        parse_zone(text)
    assert set(caught.value.fields) == {"zone"}


@pytest.mark.parametrize("text", ["", "25:00", "9", "9:60", "9:-1", "²:00"])
def test_other_times_are_refused(text: str) -> None:
    """The sentence belongs to the field `time`."""
    with pytest.raises(InvalidInput):
        parse_time(text)
