"""Testing stored registries."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from bot.core.check import CheckResult, Expiry, Verdict
from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotFound
from bot.store.schema import CheckRecord, Credential
from bot.usecases import checking, drafts, registries
from bot.usecases.deps import Deps
from tests.factories import (
    ALICE,
    BOB,
    NOW,
    ScriptedChecker,
    add,
    checker_of,
    clock_of,
    generic,
    proven,
    refused,
    unreachable,
)


async def test_anyone_may_test_a_registry(deps: Deps) -> None:
    """The answer is on the row at once, and the next check is within the interval."""
    await add(deps)
    checker_of(deps).answers = [refused()]
    clock_of(deps).skip(timedelta(hours=3))

    view, result = await checking.check_registry(deps, BOB, "harbor-team")

    assert view.verdict is result.verdict is Verdict.REFUSED
    assert view.sentence == refused().sentence
    assert view.checked_at == NOW + timedelta(hours=3)
    assert view.next_check_at is not None
    assert timedelta() < view.next_check_at - view.checked_at <= timedelta(minutes=66)


async def test_the_stored_credential_is_what_is_tested(deps: Deps) -> None:
    """With all the answers of the form."""
    await add(deps, answers=generic(path_scope="team", test_image="team/app:1"))

    await checking.check_registry(deps, BOB, "harbor-team")

    assert checker_of(deps).seen[-1] == checker_of(deps).seen[0]
    assert checker_of(deps).seen[-1].secrets == {"password": Secret("correct horse")}


async def test_a_check_is_recorded_with_its_evidence(deps: Deps) -> None:
    """Stages and requests, and no secret anywhere in the row."""
    await add(deps)
    await checking.check_registry(deps, BOB, "harbor-team")

    async with deps.store.reading() as session:
        row = (await session.exec(select(CheckRecord))).all()[-1]
    assert json.loads(row.evidence_json)[0]["path"] == "/v2/"
    assert "correct horse" not in repr(row)


async def test_an_outage_does_not_unprove_a_credential(deps: Deps) -> None:
    """The registry is away; nobody judged the credential."""
    await add(deps)
    checker_of(deps).answers = [unreachable()]

    view, _ = await checking.check_registry(deps, BOB, "harbor-team")

    assert view.verdict is Verdict.UNREACHABLE
    assert view.credential is not None
    assert view.credential.proven


async def test_a_check_tells_of_an_expiry(deps: Deps) -> None:
    """What the provider says about the credential is kept with it."""
    await add(deps)
    told = Expiry(NOW + timedelta(days=9), "header")
    checker_of(deps).answers = [proven(expiry=told)]

    view, _ = await checking.check_registry(deps, BOB, "harbor-team")

    assert view.credential is not None
    assert view.credential.expiry == told


async def test_an_edit_during_a_check_is_not_overwritten(deps: Deps) -> None:
    """The answer was about the old credential, so only the history takes it."""
    await add(deps)

    class Slow(ScriptedChecker):
        async def check(self, config: Config, progress: object = None) -> CheckResult:
            edit = generic(password="new one", description="new")
            scripted.answers = [proven()]
            draft_id = await drafts.begin(
                fast, ALICE, edit, name_of_edited="harbor-team", version=1
            )
            await drafts.try_draft(fast, ALICE, draft_id)
            return refused(at=NOW)

    scripted = checker_of(deps)
    fast = deps
    slow = type(deps)(deps.store, Slow(clock_of(deps)), deps.clock, deps.allow)

    view, result = await checking.check_registry(slow, BOB, "harbor-team")

    assert result.verdict is Verdict.REFUSED
    assert view.verdict is Verdict.PROVEN
    assert view.details.description == "new"
    told = await registries.history(deps, BOB, "harbor-team")
    assert told[0].verdict is Verdict.REFUSED


async def test_a_registry_deleted_during_its_check_is_not_found(deps: Deps) -> None:
    """And nothing is written about it."""
    await add(deps)

    class Deleting(ScriptedChecker):
        async def check(self, config: Config, progress: object = None) -> CheckResult:
            await registries.delete(deps, ALICE, "harbor-team", "harbor-team")
            return proven(at=NOW)

    slow = type(deps)(deps.store, Deleting(clock_of(deps)), deps.clock, deps.allow)

    with pytest.raises(NotFound, match="deleted while"):
        await checking.check_registry(slow, BOB, "harbor-team")


async def test_all_are_checked_and_counted(deps: Deps) -> None:
    """Each answer is told as it comes; the list is by name."""
    for name in ("b", "a", "c"):
        await add(deps, answers=generic(name))
    told: list[tuple[int, int]] = []

    answers = await checking.check_all(
        deps, BOB, lambda name, result, done, total: told.append((done, total))
    )

    assert [view.name for view, _ in answers] == ["a", "b", "c"]
    assert sorted(told) == [(1, 3), (2, 3), (3, 3)]


async def test_a_credential_that_does_not_open_harms_no_other(deps: Deps) -> None:
    """It is answered as unproven without asking the registry; the rest is checked."""
    await add(deps, answers=generic("good"))
    await add(deps, answers=generic("lost"))
    asked = len(checker_of(deps).seen)
    async with deps.store.transaction() as session:
        lost = (await registries.find(session, BOB, "lost")).credential
        assert lost is not None
        damaged = update(Credential).where(col(Credential.id) == lost.id).values(blob=b"x")
        await session.exec(damaged)

    answers = await checking.check_all(deps, BOB, lambda *_: None)

    assert [result.verdict for _, result in answers] == [Verdict.PROVEN, Verdict.UNPROVEN]
    assert answers[1][0].broken
    assert len(checker_of(deps).seen) == asked + 1


async def test_an_empty_workspace_has_nothing_to_check(deps: Deps) -> None:
    """No answers, no error."""
    assert await checking.check_all(deps, BOB, lambda *_: None) == []
