"""What is coming up, and how a thousand registries fit into one picture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.core.day_counts import DayCounts, DayState, last_days
from bot.core.report import NAMED_ROWS, Coming, CredentialTimes, Line, Next, coming_up, grid

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)
DAYS = last_days(NOW, 30)
FINE = dict.fromkeys(DAYS, DayCounts(proven=24))


def in_days(number: float) -> datetime:
    return NOW + timedelta(days=number)


def times(
    name: str, *, expires: float | None = None, aged: float = 0, rotate: int = 90
) -> CredentialTimes:
    at = None if expires is None else in_days(expires)
    return CredentialTimes(
        name, "generic", "UANA", at, "provider" if at else "", in_days(-aged), rotate
    )


def test_the_soonest_comes_first() -> None:
    """Expiries and rotations by their dates; the others are counted."""
    found = coming_up(
        [times("a", expires=60), times("b", aged=80), times("c", expires=3)], NOW, limit=2
    )

    assert found.soon == (
        Coming("c", "generic", in_days(3), Next.EXPIRY, "provider", "UANA"),
        Coming("b", "generic", in_days(10), Next.ROTATION, owner="UANA"),
    )
    assert found.total == 3


def test_a_rotation_after_the_expiry_is_not_told() -> None:
    """The expiry forces it."""
    assert coming_up([times("a", expires=10, aged=0)], NOW, 5).total == 1


def test_overdue_rotations_are_kept_apart() -> None:
    """A hundred of them must not hide the expiry of tomorrow."""
    found = coming_up([times("a", aged=100), times("b", aged=200), times("c", expires=1)], NOW, 5)

    assert [one.name for one in found.overdue] == ["b", "a"]
    assert [one.name for one in found.soon] == ["c"]


def test_what_is_not_rotated_and_never_expires_does_not_come_up() -> None:
    """And what has expired is an incident."""
    assert coming_up([times("a", rotate=0)], NOW, 5).total == 0
    assert coming_up([times("b", expires=-1, rotate=0)], NOW, 5).total == 0


def test_a_small_grid_names_every_registry() -> None:
    """By name, each with its days."""
    made = grid([Line("b", "GitLab", FINE), Line("a", "Docker Hub", {})], DAYS)

    assert [row.label for row in made.rows] == ["a", "b"]
    assert set(made.rows[0].states) == {DayState.NOTHING}
    assert set(made.rows[1].states) == {DayState.WORKED}


def test_a_big_grid_names_the_worst_and_puts_the_rest_together() -> None:
    """A thousand registries are forty rows and one for each kind."""
    lines = [Line(f"r{number:04}", f"kind {number % 9}", FINE) for number in range(1000)]
    bad = DayCounts(refused=24)
    lines[700] = Line("r0700", "kind 7", FINE | {DAYS[-1]: bad, DAYS[-2]: bad})
    lines[800] = Line("r0800", "kind 8", FINE | {DAYS[-1]: bad})
    made = grid(lines, DAYS)

    assert len(made.rows) == NAMED_ROWS + 9
    assert [row.label for row in made.rows[:2]] == ["r0700", "r0800"]
    assert sum(row.many for row in made.rows) == made.registries == 1000


def test_a_failure_outweighs_a_month_of_accepting_anyone() -> None:
    """What is only unproven does not push failures out of the named rows."""
    lines = [Line(f"u{n}", "x", dict.fromkeys(DAYS, DayCounts(unproven=9))) for n in range(5)]
    partly = FINE | {DAYS[0]: DayCounts(proven=23, unreachable=1)}
    made = grid([*lines, Line("z", "x", partly)], DAYS, most=1)

    assert made.rows[0].label == "z"


def test_several_registries_in_a_row_say_how_many_failed() -> None:
    """Partly while some failed, failed when most did."""
    bad = FINE | {DAYS[0]: DayCounts(refused=1)}
    worse = bad | {DAYS[1]: DayCounts(proven=2, refused=1)}
    lines = [Line("a", "x", bad), Line("b", "x", worse), Line("c", "x", FINE)]
    (row,) = grid(lines, DAYS, most=0).rows

    assert (row.many, row.failing[:3]) == (3, (2, 1, 0))
    assert row.states[:3] == (DayState.FAILED, DayState.PARTLY, DayState.WORKED)
