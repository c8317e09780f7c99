from datetime import datetime, timedelta

from bot.core.steadiness import Record, Unsteady, count, hold, judge
from tests.core.answers import HOUR, START


def turns(
    record: Record, pattern: str, start: datetime = START
) -> tuple[Record, list[tuple[datetime, Unsteady]]]:
    """Hourly turns, `x` failed and `.` good; the notices with their times."""
    notices, at = [], start
    for sign in pattern:
        at += HOUR
        record, notice = judge(count(record, at, failed=sign == "x"), at)
        if notice is not None:
            notices.append((at, notice))
    return record, notices


def test_a_registry_that_fails_now_and_then_is_unsteady_once() -> None:
    """Every tenth turn fails for a month: one notice, with its rate and since when."""
    _, notices = turns(Record(), "........x." * 72)

    [(_, notice)] = notices
    assert 0.08 < notice.rate < 0.15
    assert notice.since == START + 9 * HOUR


def test_a_notice_that_could_not_be_said_is_judged_anew() -> None:
    """While it holds it comes again at every turn; when it holds no more, not at all."""
    record, notices = turns(Record(), "........x." * 7)
    assert len(notices) == 1
    held = hold(record)

    later, again = judge(count(held, START, failed=False), START)
    assert (again is not None, later.held, later.told_at) == (True, False, START)
    faded = held
    for _ in range(300):
        faded = count(faded, START, failed=False)
    over, none = judge(faded, START)
    assert (none, over.held, Record.from_json(held.to_json()).held) == (None, False, True)


def test_a_single_failure_is_not_worth_a_word() -> None:
    """One failed turn, even among the very first, says nothing."""
    assert turns(Record(), "x" + "." * 50)[1] == []
    assert turns(Record(), "xxxx")[1] == []


def test_after_a_long_steady_time_it_may_be_said_again() -> None:
    """Forty good days in between make it news."""
    record, first = turns(Record(), "....x" * 20)
    record, none = turns(record, "." * 24 * 40, START + timedelta(days=5))
    record, second = turns(record, "....x" * 20, START + timedelta(days=50))

    assert (len(first), len(none), len(second)) == (1, 0, 1)
    assert second[0][1].since > START + timedelta(days=50)


def test_a_few_steady_days_do_not_make_it_news() -> None:
    """Ten good days are not long."""
    record, _ = turns(Record(), "....x" * 20)
    record, _ = turns(record, "." * 240, START + timedelta(days=5))

    assert turns(record, "....x" * 20, START + timedelta(days=16))[1] == []


def test_the_record_survives_its_json() -> None:
    """Two counts and two moments."""
    record, _ = turns(Record(), "....x" * 20)

    assert abs(Record.from_json(record.to_json()).rate - record.rate) < 1e-4
    assert Record.from_json({}) == Record()
