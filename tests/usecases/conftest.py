"""Use cases run on SQLite; what differs between databases is tested in tests/store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.usecases.deps import Deps
from tests.databases import migrated_sqlite
from tests.factories import deps_on


@pytest.fixture
async def deps(tmp_path: Path) -> AsyncIterator[Deps]:
    made = deps_on(migrated_sqlite(tmp_path))
    yield made
    await made.store.close()
