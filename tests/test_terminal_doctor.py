"""`registrar doctor references` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.errors import InvalidInput
from bot.settings import Settings
from bot.store.cipher import Keyring
from bot.tools import Surroundings, open_deps
from bot.usecases import drafts
from tests.databases import migrated_sqlite
from tests.factories import ALICE, generic

VALUE = "correct horse battery staple"


@pytest.fixture
async def environment(tmp_path: Path) -> Mapping[str, str]:
    """A database with a registry whose password is in a file, in a directory with the keyring."""
    (tmp_path / "password").write_text(f"{VALUE}\n")
    (tmp_path / "keys").write_text(Keyring.generate_text())
    variables = {
        "DATABASE_URL": migrated_sqlite(tmp_path),
        "ENCRYPTION_KEYS_FILE": str(tmp_path / "keys"),
        "SECRET_REFERENCES": f"file:{tmp_path}/* @ harbor-team.example.com",
    }
    around = Surroundings(variables=variables)
    async with open_deps(Settings.from_environment(variables), around) as deps:
        answers = generic(password=f"file:{tmp_path}/password")
        draft = await drafts.begin(deps, ALICE, answers)
        await drafts.save_anyway(deps, ALICE, draft)
        for name in ("keys", Path(variables["DATABASE_URL"]).name):
            sealed = generic("other", url="https://harbor-team.example.com", path_scope="x",
                             password=f"file:{tmp_path}/{name}")  # fmt: skip
            with pytest.raises(InvalidInput, match="Registrar's own"):
                await drafts.begin(deps, ALICE, sealed)
    return variables


def doctor(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "doctor", "references"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_the_doctor_says_what_leads_where(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    """A line a reference, the exit code says whether one is lost, and no secret is printed."""
    well = doctor(environment)
    (tmp_path / "password").unlink()
    lost = doctor(environment)

    place = f"harbor-team: file:{tmp_path}/password"
    assert (well.returncode, well.stdout) == (0, f"{place}: leads to a secret\n")
    assert lost.returncode == 1
    assert lost.stdout.startswith(f"{place}: There is no such file")
    assert VALUE not in well.stdout + well.stderr
