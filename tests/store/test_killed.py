"""A process that dies while it saves."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from bot.store.migrate import ROOT

OLD = ["harbor-team", 1, "", "proven", ""]
NEW = ["harbor-team", 2, "new", "proven", ""]
ADDED = ["harbor-team", 1, "", "proven", ""]


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """One entry for every statement at which the saving process was killed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.killed", str(tmp_path_factory.mktemp("killed"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_dying_anywhere_while_adding_leaves_all_or_nothing(deaths: list[dict[str, Any]]) -> None:
    """Either the registry and its announcement are there, or neither and the draft waits."""
    places = [death for death in deaths if not death["edit"]]

    assert len(places) > 10
    for death in places:
        first = death["first"]
        saved = first["registries"] == [ADDED] and first["messages"] == ["registry_added"]
        untouched = first["registries"] == [] and first["messages"] == []
        assert saved or untouched, death
        assert first["draft"], death


def test_dying_anywhere_while_editing_leaves_the_old_or_the_new(
    deaths: list[dict[str, Any]],
) -> None:
    """Never a new description with the old credential, or the other way round."""
    places = [death for death in deaths if death["edit"]]

    assert len(places) > 10
    for death in places:
        first = death["first"]
        saved = first["registries"] == [NEW] and first["messages"] == ["registry_edited"]
        untouched = first["registries"] == [OLD] and first["messages"] == []
        assert saved or untouched, death


def test_trying_again_after_a_death_saves_exactly_once(deaths: list[dict[str, Any]]) -> None:
    """Whatever was left, one more try ends with one registry."""
    for death in deaths:
        assert death["after"]["registries"] == [NEW if death["edit"] else ADDED], death


def test_the_walk_passes_every_place(deaths: list[dict[str, Any]]) -> None:
    """It begins before the first statement and ends with a run that came through."""
    for edit in (False, True):
        places = [death for death in deaths if death["edit"] is edit]
        assert [death["at"] for death in places] == list(range(1, len(places) + 1))
        assert [death["survived"] for death in places] == [False] * (len(places) - 1) + [True]
