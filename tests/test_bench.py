"""Benchmarks: a limit that is missed fails the run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.bench.__main__ import BENCHMARKS, main, run
from tests.bench.limits import Limit, judge

FAST = Limit("p99", 100, " ms", at_most=True)
MORE = Limit("ratio", 10, "x")


@pytest.mark.parametrize(
    ("limit", "figure", "printed"),
    [
        (FAST, 100.0, "p99: 100.0 ms, limit at most 100 ms: ok"),
        (FAST, 100.2, "p99: 100.2 ms, limit at most 100 ms: MISSED"),
        (MORE, 10.0, "ratio: 10.0x, limit at least 10x: ok"),
        (MORE, 9.9, "ratio: 9.9x, limit at least 10x: MISSED"),
    ],
)
def test_figure_is_printed_beside_its_limit(
    limit: Limit, figure: float, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads the output need not know the limits by heart."""
    assert judge(limit, figure) is printed.endswith("ok")
    assert capsys.readouterr().out == printed + "\n"


def test_one_missed_limit_fails_the_run_after_all_have_run() -> None:
    """The first one's miss does not hide the second one's figures."""
    ran: list[str] = []

    def load(name: str) -> SimpleNamespace:
        def main() -> bool:
            ran.append(name)
            return name == "ack"

        return SimpleNamespace(main=main)

    assert run(["login", "ack"], load) == 1
    assert run(["ack"], load) == 0
    assert ran == ["login", "ack", "ack"]


@pytest.mark.parametrize(("names", "status"), [(["--help"], 0), (["chaos", "caos"], 2)])
def test_names_that_are_none_are_answered_with_those_there_are(
    names: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing runs for minutes before the slip is found."""
    assert main(names) == status
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [*BENCHMARKS]
