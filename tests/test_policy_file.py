"""`registrar policy` in a process of its own: printed, kept in a file, verified."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from bot import terminal_policy
from bot.errors import Unreadable
from bot.settings import Settings
from bot.store.cipher import Keyring
from bot.tools import open_deps
from bot.usecases import clusters, drafts
from tests.factories import ALICE, generic


@pytest.fixture
async def environment(tmp_path: Path) -> Mapping[str, str]:
    """A database with one registry for production and a cluster that enforces."""
    variables = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'registrar.sqlite3'}",
        "ENCRYPTION_KEYS": Keyring.generate_text(),
    }
    async with open_deps(Settings.from_environment(variables)) as deps:
        public = {"url": "https://quay.io", "path_scope": "acme", "environment": "production"}
        draft = await drafts.begin(deps, ALICE, generic("quay", **public))
        await drafts.save_anyway(deps, ALICE, draft)
        await clusters.add(deps, ALICE, clusters.Wanted("prod-eu", "production", "enforce"))
    return variables


async def _register(environment: Mapping[str, str], name: str) -> None:
    async with open_deps(Settings.from_environment(environment)) as deps:
        answers = generic(name, url=f"https://{name}.example.com")
        await drafts.save_anyway(deps, ALICE, await drafts.begin(deps, ALICE, answers))


def _policy(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "policy", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_file_is_verified_until_the_rules_change(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    """Current, then behind, then damaged; it knows by itself which cluster it is of."""
    file = tmp_path / "policy.yaml"
    made = _policy(environment, "--cluster", "prod-eu", "--output", str(file))
    assert (made.returncode, made.stdout) == (0, ""), made.stderr
    policy, binding = yaml.safe_load_all(file.read_text())
    assert policy["kind"] == "ValidatingAdmissionPolicy"
    assert binding["spec"]["validationActions"] == ["Deny"]

    current = _policy(environment, "--verify", str(file))
    assert (current.returncode, current.stdout) == (
        0,
        f"{file} is current. It says the rules of now.\n",
    )

    await _register(environment, "harbor")
    behind = _policy(environment, "--verify", str(file))
    assert behind.returncode == 1
    assert "is behind. Print it anew and apply it." in behind.stdout

    file.write_bytes(file.read_bytes()[:3000])
    damaged = _policy(environment, "--verify", str(file))
    assert damaged.returncode == 2
    assert "is damaged. It is cut off or was changed; print it anew." in damaged.stdout


def test_kyverno_gets_its_own_form(environment: Mapping[str, str]) -> None:
    """On standard output, for an environment and a mode."""
    words = ("--format", "kyverno", "--mode", "warn", "--environment", "production")
    done = _policy(environment, *words)

    (policy,) = yaml.safe_load_all(done.stdout)
    assert policy["kind"] == "ValidatingPolicy"
    assert '"quay.io/acme": [""]' in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--environment", "staging"), "No registry covers anything there"),
        (("--cluster", "prod-us"), "There is no cluster called “prod-us”. Did you mean prod-eu?"),
        (("--cluster", "prod-eu", "--mode", "warn"), "A cluster has its own mode"),
        (("--output", "/nowhere/policy.yaml"), "/nowhere/policy.yaml cannot be written"),
        (("--verify", "/nowhere.yaml"), "/nowhere.yaml cannot be read"),
    ],
)
def test_what_cannot_be_printed_exits_2(
    environment: Mapping[str, str], words: tuple[str, ...], sentence: str
) -> None:
    """With a sentence, and nothing that could be applied."""
    done = _policy(environment, *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_is_never_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the old one stays, and nothing is left beside it; a link stays one."""
    file, link = tmp_path / "policy.yaml", tmp_path / "link.yaml"
    file.write_text("old")
    link.symlink_to(file)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Unreadable, match="No space left on device"):
            terminal_policy._replace(link, "new" * 10_000)
    assert file.read_text() == "old"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.yaml", "policy.yaml"]

    terminal_policy._replace(link, "new")
    assert (file.read_text(), link.is_symlink()) == ("new", True)
