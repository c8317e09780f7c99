"""What every test gets: databases on request, and a watch over every secret ever made."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bot.core.secret import Secret

pytest_plugins = ["tests.databases", "tests.chromium"]

_SHORTEST = 12  # shorter ones ("pw") are words that occur by chance
_made: list[str] = []


@pytest.fixture(autouse=True, scope="session")
def every_secret_is_a_canary() -> Iterator[None]:
    """Remember each secret's text, so that the report of the test can be searched for it."""
    for chatty in (
        "aiosqlite",
        "celpy",
        "httpcore",
    ):  # thousands of lines that show no secret of ours
        logging.getLogger(chatty).setLevel(logging.INFO)
    make = Secret.__init__

    def remember(self: Secret, value: str) -> None:
        make(self, value)
        if len(value) >= _SHORTEST:
            _made.append(value)

    Secret.__init__ = remember  # type: ignore[method-assign]
    yield
    Secret.__init__ = make  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Fail a test whose logs or output (at DEBUG) hold a secret that was made while it ran."""
    report: pytest.TestReport = yield
    written = "".join(text for _, text in report.sections)
    leaked = sum(1 for value in set(_made) if value in written)
    if call.when == "teardown":
        _made.clear()
    if leaked and report.outcome != "failed" and not item.get_closest_marker("shows_secrets"):
        report.outcome = "failed"
        report.longrepr = f"{leaked} secret(s) of this test are in its logs or output"
        report.sections.clear()  # or the report itself would show them
    return report
