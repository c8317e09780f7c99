"""`registrar test` in a process of its own, on a real registry."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.core.access import Actor
from bot.core.secret import Secret
from bot.settings import Settings
from bot.store.cipher import Keyring
from bot.tools import open_deps
from bot.usecases import drafts
from bot.usecases.drafts import Answers
from tests.programs import DockerRegistry, DockerRegistryFactory

ALICE = Actor("T1", "UALICE", is_admin=True)


@pytest.fixture
async def environment(start_registry: DockerRegistryFactory, tmp_path: Path) -> Mapping[str, str]:
    """A database with a registry that works (`good`) and one that does not (`bad`)."""
    registry: DockerRegistry = start_registry(users={"ci": "right-password-1"})
    variables = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'registrar.sqlite3'}",
        "ENCRYPTION_KEYS": Keyring.generate_text(),
        "EGRESS_ALLOW": f"http://{registry.host}",
    }
    async with open_deps(Settings.from_environment(variables)) as deps:
        for name, user, password in (
            ("good", "ci", "right-password-1"),
            ("bad", "old", "wrong-password-1"),
        ):
            public = {"url": registry.url, "username": user, "name": name}
            answers = Answers("generic", "account", public, {"password": Secret(password)})
            await drafts.save_anyway(deps, ALICE, await drafts.begin(deps, ALICE, answers))
    return variables


def _registrar(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_all_proven_exits_0(environment: Mapping[str, str]) -> None:
    """A registry by name, proven: a table and exit code 0."""
    done = _registrar(environment, "test", "good")

    assert done.returncode == 0, done.stderr
    assert "good" in done.stdout
    assert "proven" in done.stdout


def test_one_refused_exits_1_and_says_why(environment: Mapping[str, str]) -> None:
    """All of them as JSON, with the verdict, the evidence level and the sentence of each."""
    done = _registrar(environment, "test", "--all", "--json")

    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 1
    assert (rows["good"]["verdict"], rows["good"]["evidence_level"]) == ("proven", "E2")
    assert rows["bad"]["verdict"] == "refused"
    assert rows["bad"]["sentence"]
    assert "wrong-password-1" not in done.stdout + done.stderr


@pytest.mark.parametrize("words", [("test",), ("test", "good", "--all"), ("test", "unknown")])
def test_what_cannot_be_asked_exits_2(environment: Mapping[str, str], words: list[str]) -> None:
    """No name, both, or an unknown one: a sentence and exit code 2."""
    done = _registrar(environment, *words)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_wrong_key_is_said_and_harms_nothing(environment: Mapping[str, str]) -> None:
    """With another keyring every registry is shown as broken, not lost."""
    other = {**environment, "ENCRYPTION_KEYS": Keyring.generate_text()}
    done = _registrar(other, "test", "--all")
    again = _registrar(environment, "test", "good")

    assert done.returncode == 1
    assert again.returncode == 0


def test_a_pull_secret_for_kubernetes(environment: Mapping[str, str]) -> None:
    """What `kubectl apply` takes, with the stored pair; notes go beside it."""
    words = ("pull-secret", "good", "--namespace", "web")
    done = _registrar(environment, *words)

    secret = json.loads(done.stdout)
    config = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    (auth,) = config["auths"].values()
    assert done.returncode == 0, done.stderr
    assert (secret["type"], secret["metadata"]["namespace"]) == (
        "kubernetes.io/dockerconfigjson",
        "web",
    )
    assert base64.b64decode(auth["auth"]).decode() == "ci:right-password-1"
    assert "right-password-1" not in done.stderr


def test_a_config_for_docker_leaves_out_what_does_not_work(environment: Mapping[str, str]) -> None:
    """Both registries are at one host, which docker keeps one login for."""
    done = _registrar(environment, "pull-secret", "--format", "docker")

    assert done.returncode == 1
    assert len(json.loads(done.stdout)["auths"]) == 1
    assert "left out" in done.stderr


def test_no_login_at_all_exits_2(environment: Mapping[str, str]) -> None:
    """With a sentence, and nothing on standard output that could be applied."""
    done = _registrar(environment, "pull-secret", "--environment", "staging", "unknown")

    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no registry unknown" in done.stderr
