"""What the alert channel and the audit hear of."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from bot.core.access import WorkspaceSettings
from bot.errors import Conflict
from bot.store.schema import AuditEvent
from bot.usecases import drafts, outbox, registries, workspaces
from bot.usecases.deps import Deps
from tests.factories import ALICE, add, checker_of, generic, proven, refused, stored


@pytest.fixture
async def told(deps: Deps) -> Deps:
    """A workspace with an alert channel."""
    await workspaces.change_settings(deps, ALICE, WorkspaceSettings(alert_channel="C1"))
    return deps


async def test_an_addition_is_announced(told: Deps) -> None:
    """Who added what, to the alert channel."""
    await add(told, answers=generic(environment="production", path_scope="team"))

    (message,) = await outbox.claim(told, 10)

    assert (message.what, message.channel) == ("registry_added", "C1")
    assert message.values == {
        "registry": "harbor-team",
        "kind": "generic",
        "kind_label": "Generic registry",
        "host": "harbor-team.example.com",
        "path_scope": "team",
        "environment": "production",
        "by": "UALICE",
        "verdict": "proven",
    }


async def test_what_was_saved_unproven_is_announced_as_such(told: Deps) -> None:
    """The verdict is one of the values."""
    checker_of(told).answers = [refused()]
    await stored(told)

    (message,) = await outbox.claim(told, 10)

    assert message.values["verdict"] == "refused"
    assert message.values["sentence"] == refused().sentence


async def test_every_change_is_announced_and_audited_in_order(told: Deps) -> None:
    """Added, edited, deleted, restored, each once."""
    await add(told)
    edit = generic(password="new secret words", description="For the team")
    draft_id = await drafts.begin(told, ALICE, edit, name_of_edited="harbor-team", version=1)
    await drafts.try_draft(told, ALICE, draft_id)
    await registries.delete(told, ALICE, "harbor-team", "harbor-team", "moved away")
    await registries.restore(told, ALICE, "harbor-team")

    messages = await outbox.claim(told, 10)

    expected = ["registry_added", "registry_edited", "registry_deleted", "registry_restored"]
    assert [message.what for message in messages] == expected
    assert messages[1].values["changed"] == "description, credential"
    assert messages[2].values["reason"] == "moved away"
    async with told.store.reading() as session:
        events = (await session.exec(select(AuditEvent).order_by(col(AuditEvent.id)))).all()
    assert [event.action for event in events][1:] == expected
    assert [event.version for event in events][1:] == [1, 2, 3, 4]


async def test_without_an_alert_channel_nothing_is_announced(deps: Deps) -> None:
    """The audit still has it."""
    await add(deps)

    assert await outbox.claim(deps, 10) == []
    async with deps.store.reading() as session:
        events = (await session.exec(select(AuditEvent))).all()
    assert [event.action for event in events] == ["registry_added"]


async def test_a_change_that_fails_is_not_announced(told: Deps) -> None:
    """Message and change are one transaction."""
    first = await drafts.begin(told, ALICE, generic())
    second = await drafts.begin(told, ALICE, generic(url="https://b.example.com"))
    await drafts.try_draft(told, ALICE, first)
    with pytest.raises(Conflict):
        await drafts.try_draft(told, ALICE, second)

    messages = await outbox.claim(told, 10)

    assert [message.values["host"] for message in messages] == ["harbor-team.example.com"]


async def test_no_news_holds_a_secret(told: Deps) -> None:
    """Neither the outbox nor the audit has ever seen it."""
    checker_of(told).answers = [proven()]
    await add(told, answers=generic(password="canary-91d0f2b7c4"))

    async with told.store.reading() as session:
        audited = (await session.exec(select(AuditEvent))).all()
    assert "canary-91d0f2b7c4" not in repr(audited)
    assert "canary-91d0f2b7c4" not in repr(await outbox.claim(told, 10))
