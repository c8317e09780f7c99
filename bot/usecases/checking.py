"""Testing stored credentials now, one or all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from bot.core.access import Actor
from bot.core.check import Cause, CheckResult, Level, Progress, Stage, Verdict
from bot.core.registry import RegistryView
from bot.core.schedule import interval, next_check
from bot.errors import NotFound, Undecryptable, Unresolved
from bot.store import checks, credentials, day_counts, registries, workspaces
from bot.store.claims import Account
from bot.store.registries import Stored
from bot.usecases.consequences import follow
from bot.usecases.deps import Deps
from bot.usecases.judging import (
    judge,
    must_wait,
    note_sign_in,
    person_waits,
    sign_in,
)
from bot.usecases.references import whole
from bot.usecases.registries import broken_sentence, find
from bot.usecases.registry_view import view_of
from bot.usecases.resolving import not_resolved
from bot.usecases.stored_states import stored_health

AT_ONCE: Final = 20

Each = Callable[[str, CheckResult, int, int], None]
"""Called after each check of `check_all`: name, answer, how many are done, how many there are."""


async def check_registry(
    deps: Deps, actor: Actor, name: str, progress: Progress | None = None
) -> tuple[RegistryView, CheckResult]:
    """Check the credential in force and write the answer down; anyone may. Raises NotFound."""
    async with deps.store.reading() as session:
        stored = await find(session, actor, name)
    return await _check(deps, actor, stored, progress)


async def check_all(deps: Deps, actor: Actor, each: Each) -> list[tuple[RegistryView, CheckResult]]:
    """Check every registry of the workspace, a few at a time; answers in order of name.

    One that was deleted in the meantime is left out.
    """
    async with deps.store.reading() as session:
        everything = await registries.all_live(session, actor.team_id)
    limit = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def one(stored: Stored) -> tuple[RegistryView, CheckResult] | None:
        nonlocal done
        async with limit:
            try:
                answer = await _check(deps, actor, stored, None)
            except NotFound:
                answer = None
        done += 1
        if answer is not None:
            each(stored.registry.name, answer[1], done, len(everything))
        return answer

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(stored)) for stored in everything]
    return [answer for task in tasks if (answer := task.result()) is not None]


async def _check(
    deps: Deps, actor: Actor, stored: Stored, progress: Progress | None
) -> tuple[RegistryView, CheckResult]:
    try:
        stored, config = await whole(deps, stored)
    except Undecryptable:
        result = _not_opened(deps)
        return await _write(deps, actor, stored, result, opened=False), result
    except Unresolved as error:
        result = not_resolved(error, deps.clock.now())
        return await _write(deps, actor, stored, result, opened=True), result
    waiting = await _waiting(deps, stored)
    if waiting is not None:
        return view_of(stored), waiting
    result = await deps.checker.check(config, progress)
    return await _write(deps, actor, stored, result, opened=True), result


async def _waiting(deps: Deps, stored: Stored) -> CheckResult | None:
    """The answer when one more failed sign-in could lock the account; None: go on."""
    now = deps.clock.now()
    async with deps.store.reading() as session:
        until = await person_waits(session, _account(stored), _fingerprint(stored), now)
    return None if until is None else must_wait(stored.registry.host, until, now)


async def _write(
    deps: Deps, actor: Actor, stored: Stored, result: CheckResult, *, opened: bool
) -> RegistryView:
    """Record a check; the row takes the answer unless it was edited during the check."""
    row, held = stored.registry, stored.credential
    subject = checks.Subject(
        actor.team_id, row.id, held.id if held else "", "person", actor.user_id
    )
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        now_stored = await registries.locked(session, actor.team_id, row.id)
        record = await checks.record(session, subject, result)
        if now_stored is None:
            raise NotFound(f"{row.name} was deleted while it was being tested.")
        settings = await workspaces.settings(session, actor.team_id)
        every = interval(settings.recheck_minutes, row.recheck_minutes)
        if not opened:
            broken = broken_sentence(deps, stored)
            values = {"next_check_at": next_check(row.id, every, now), "broken": broken}
            await registries.note_check(session, row, record, values)
        else:
            before = stored_health(now_stored.registry.health_json)
            judged = judge(row.id, before, result, now, every=every)
            values = {**judged.columns(), "broken": ""}
            if await registries.note_check(session, row, record, values) and held is not None:
                await credentials.change(session, held.id, credentials.facts(result))
                await follow(session, now_stored, judged.effects, now)
            await day_counts.add(session, [(row.id, result.at, result.verdict)])
            account, secret = _account(stored), _fingerprint(stored)
            seen = sign_in(account, secret, result, judged.health, now, by_person=True)
            if seen is not None:
                await note_sign_in(session, seen)
        shown = await registries.live_by_id(session, actor.team_id, row.id)
        assert shown is not None
        last = await checks.of_credential(session, row.id, held.id) if held else None
        return view_of(shown, last)


def _account(stored: Stored) -> Account:
    row = stored.registry
    return (row.team_id, row.host, row.login)


def _fingerprint(stored: Stored) -> str:
    return stored.credential.fingerprint if stored.credential else ""


def _not_opened(deps: Deps) -> CheckResult:
    """The answer for a credential that our own keys do not open; the registry was not asked."""
    return CheckResult(
        verdict=Verdict.UNPROVEN,
        level=Level.E0,
        stage=Stage.LOGIN,
        cause=Cause.NO_CREDENTIAL,
        sentence="The stored credential cannot be opened, so nothing was tested.",
        remedy="Edit the registry and put the credential in again.",
        at=deps.clock.now(),
        took=0.0,
    )
