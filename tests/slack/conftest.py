"""The bot in a small Slack; whatever it sends is held to Slack's rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.slack.desk import Desk
from bot.usecases.deps import Deps
from tests.databases import migrated_sqlite
from tests.factories import deps_on
from tests.slack.entering import Client, desk_of, pages
from tests.slack.workspace import Office, Person, opened


@pytest.fixture
async def deps(tmp_path: Path) -> AsyncIterator[Deps]:
    made = deps_on(migrated_sqlite(tmp_path))
    yield made
    await made.store.close()


@pytest.fixture
async def office(deps: Deps) -> AsyncIterator[Office]:
    """A workspace with the bot in it; fails the test if Slack would have refused a payload."""
    async with opened(deps) as made:
        yield made
    assert made.slack.problems == []


@pytest.fixture
def alice(office: Office) -> Person:
    """An admin."""
    return office.person("UALICE")


@pytest.fixture
def bob(office: Office) -> Person:
    """A member who manages nothing."""
    return office.person("UBOB")


@pytest.fixture
def desk(office: Office) -> Desk:
    return desk_of(office)


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[Client]:
    """The page outside Slack."""
    async with pages(desk) as made:
        yield made
