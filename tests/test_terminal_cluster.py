"""`registrar cluster` in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.core.secret import Secret
from bot.errors import BadToken
from bot.settings import Settings
from bot.store import workspaces
from bot.store.cipher import Keyring
from bot.tools import open_deps
from bot.usecases.cluster_tokens import authenticate
from tests.databases import migrated_sqlite
from tests.factories import NOW


@pytest.fixture
async def environment(tmp_path: Path) -> Mapping[str, str]:
    """A database that knows one workspace."""
    variables = {
        "DATABASE_URL": migrated_sqlite(tmp_path),
        "ENCRYPTION_KEYS": Keyring.generate_text(),
    }
    async with (
        open_deps(Settings.from_environment(variables)) as deps,
        deps.store.transaction() as session,
    ):
        await workspaces.ensure(session, "T1", NOW)
    return variables


def _cluster(
    environment: Mapping[str, str], *words: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "cluster", *words],
        env={**os.environ, **environment},
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_cluster_from_a_terminal(environment: Mapping[str, str]) -> None:
    """Added, made strict, rotated and shut out; the token alone is on standard output."""
    added = _cluster(environment, "add", "prod-eu", "--environment", "production")
    strict = _cluster(environment, "mode", "prod-eu", "enforce")
    lax = _cluster(environment, "mode", "prod-eu", "lab", "warn")
    (row,) = json.loads(_cluster(environment, "list", "--json").stdout)
    rotated = _cluster(environment, "rotate", "prod-eu")
    first, second = Secret(added.stdout.strip()), Secret(rotated.stdout.strip())

    assert [done.returncode for done in (added, strict, lax, rotated)] == [0] * 4
    assert (row["environment"], row["mode"]) == ("production", "enforce")
    assert row["namespaces"] == {"lab": {"mode": "warn"}}
    assert row["id"] in added.stderr
    assert first.reveal() not in added.stderr
    async with open_deps(Settings.from_environment(environment)) as deps:
        for token in (first, second):
            assert (await authenticate(deps, row["id"], token)).name == "prod-eu"
        assert _cluster(environment, "revoke", "prod-eu").returncode == 0
        with pytest.raises(BadToken):
            await authenticate(deps, row["id"], first)
        await authenticate(deps, row["id"], second)


def test_deleting_asks_for_the_name(environment: Mapping[str, str]) -> None:
    """Another answer deletes nothing."""
    _cluster(environment, "add", "prod-eu")
    wrong = _cluster(environment, "delete", "prod-eu", typed="prod\n")
    right = _cluster(environment, "delete", "prod-eu", typed="prod-eu\n")

    assert (wrong.returncode, right.returncode) == (2, 0)
    assert "Type prod-eu to delete it" in wrong.stderr
    assert json.loads(_cluster(environment, "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "Prod EU"), "A name has lower-case letters"),
        (("mode", "nobody", "warn"), "no cluster called"),
        (("mode", "prod-eu", "a", "b", "warn"), "Name one namespace"),
        (("mode", "prod-eu", "strict"), "one of audit, warn, enforce"),
        (("revoke", "nobody"), "no cluster called"),
        (("rotate", "a\u00a0b"), "no cluster called"),
    ],
)
def test_what_cannot_be_done_is_said(
    environment: Mapping[str, str], words: tuple[str, ...], sentence: str
) -> None:
    """In a sentence, with exit code 2 and nothing on standard output."""
    done = _cluster(environment, *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
