"""What machines and people ask over HTTP is answered on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.usecases.deps import Deps
from tests.factories import deps_on


@pytest.fixture
async def deps(database_url: str) -> AsyncIterator[Deps]:
    made = deps_on(database_url)
    yield made
    await made.store.close()
