"""`registrar check` in a process of its own, as CI runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.store.cipher import Keyring
from bot.tools import open_deps
from bot.usecases import drafts
from tests.factories import ALICE, generic

GOOD, EVIL = "quay.io/acme/app:1", "quay.io/acme-evil/app:1"
POD = "kind: Pod\nmetadata: {{name: one}}\nspec:\n  containers:\n    - image: {}\n"


@pytest.fixture
async def environment(tmp_path: Path) -> Mapping[str, str]:
    """A database in which one registry covers quay.io/acme, for production."""
    variables = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'registrar.sqlite3'}",
        "ENCRYPTION_KEYS": Keyring.generate_text(),
    }
    async with open_deps(Settings.from_environment(variables)) as deps:
        answers = generic(
            "quay", url="https://quay.io", path_scope="acme", environment="production"
        )
        await drafts.save_anyway(deps, ALICE, await drafts.begin(deps, ALICE, answers))
    return variables


def _check(
    environment: Mapping[str, str], *words: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "check", *words],
        env={**os.environ, **environment},
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_is_covered_exits_0(environment: Mapping[str, str]) -> None:
    """Images as words and on standard input."""
    done = _check(environment, GOOD, "--file", "-", given=POD.format(GOOD))

    assert done.returncode == 0, done.stderr
    assert "because quay.io/acme/app belongs to quay." in done.stdout
    assert "in -:5, document 1, Pod one, spec.containers[0].image" in done.stdout
    assert done.stdout.endswith("2 images: 2 allowed, 0 refused.\n")


def test_what_is_not_covered_exits_1(environment: Mapping[str, str], tmp_path: Path) -> None:
    """With the reason and the nearest registration, as JSON too."""
    (tmp_path / "k8s.yaml").write_text(POD.format(EVIL))
    done = _check(environment, "--file", str(tmp_path / "k8s.yaml"), "--json")

    (one,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert (one["verdict"], one["line"]) == ("refused", 5)
    assert one["nearest"]["registry"] == "quay"
    assert "The nearest is quay, which covers quay.io/acme and below." in one["why"]


def test_an_environment_narrows(environment: Mapping[str, str]) -> None:
    """A registry for production serves no staging."""
    assert _check(environment, GOOD, "--environment", "production").returncode == 0
    done = _check(environment, GOOD, "--environment", "staging")

    assert done.returncode == 1
    assert "which is for production only" in done.stdout


def test_a_variable_that_is_not_filled_in_is_refused(environment: Mapping[str, str]) -> None:
    """And named: what it will be nobody can know here."""
    compose = "services: {web: {image: '${REGISTRY}/acme/app'}}"
    done = _check(environment, "--file", "-", given=compose)

    assert done.returncode == 1
    assert "has the variable REGISTRY, which is not filled in." in done.stdout


@pytest.mark.parametrize(
    ("words", "given", "sentence"),
    [
        ((), "", "Name the images to check, or give --file."),
        (("--file", "/nowhere.yaml"), "", "/nowhere.yaml cannot be read: No such file"),
        (("--file", "."), "", ". cannot be read: Is a directory"),
        (("--file", "-"), "a: 1\na: 2\n", "-: Line 2 has the key “a” a second time."),
        (("--file", "-"), "kind: Pod\n", "No image was found in -."),
        ((GOOD, "--workspace", "T9"), "", "There is no workspace T9."),
    ],
)
def test_what_cannot_be_told_exits_2(
    environment: Mapping[str, str], words: tuple[str, ...], given: str, sentence: str
) -> None:
    """With one sentence on standard error, and nothing on standard output."""
    done = _check(environment, *words, given=given)

    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
