"""What the process itself runs with, which no reference leads to, whatever is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.clock import FixedClock
from bot.core.reference import Use
from bot.core.secret import Secret
from bot.errors import Unresolved
from bot.references.wiring import wired
from tests.factories import NOW

HOST = "registry.example.com"
SETTINGS = {"ENCRYPTION_KEYS", "SLACK_BOT_TOKEN"}


async def resolved(home: Path, allowed: str, text: str, **variables: str) -> Secret:
    url = f"sqlite:///{home}/registrar.sqlite3"
    known = {"HOME": str(home), "ENCRYPTION_KEYS_FILE": f"{home}/keys", **variables}
    with wired(
        f"{allowed} @ {HOST}", known, SETTINGS, url, FixedClock(NOW), lambda *_: None
    ) as made:
        return await made.resolve(text, Use("T1", HOST))


@pytest.mark.parametrize(
    "name",
    [
        "keys",
        "registrar.sqlite3",
        "registrar.sqlite3-wal",
        ".aws/credentials",
        ".aws/config",
        ".kube/config",
        ".pgpass",
        ".config/gcloud/application_default_credentials.json",
    ],
)
@pytest.mark.parametrize("linked", [False, True])
async def test_its_own_files_are_never_given(tmp_path: Path, name: str, *, linked: bool) -> None:
    """By their names or by others: the files of settings, the database, what libraries look for."""
    own = tmp_path / name
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("what Registrar itself runs with")
    asked = own
    if linked:
        asked = own.parent / "another-name"
        asked.hardlink_to(own)

    with pytest.raises(Unresolved, match="own"):
        await resolved(tmp_path, f"file:{asked.parent}/*", f"file:{asked}")


async def test_what_lies_beside_them_is_given(tmp_path: Path) -> None:
    """Only they are held back."""
    (tmp_path / "registry").write_text("correct horse\n")

    found = await resolved(tmp_path, f"file:{tmp_path}/*", f"file:{tmp_path}/registry")
    assert found == Secret("correct horse")


@pytest.mark.parametrize(
    "name", ["ENCRYPTION_KEYS", "SLACK_BOT_TOKEN", "AWS_SECRET_ACCESS_KEY", "HOME"]
)
async def test_its_own_variables_are_never_given(tmp_path: Path, name: str) -> None:
    """Nor those that libraries read."""
    with pytest.raises(Unresolved, match="own"):
        await resolved(tmp_path, f"env:{name}", f"env:{name}", **{name: str(tmp_path)})
