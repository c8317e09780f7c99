"""Trying a draft: it is checked by one at a time, and saved when it is proven."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.core.access import Actor
from bot.core.check import CheckResult, Progress, Verdict
from bot.core.config import Config
from bot.core.health import Health
from bot.core.registry import RegistryView
from bot.errors import Conflict, StoreError
from bot.store import checks, credentials, drafts
from bot.store.schema import SAVED, Credential, Draft
from bot.usecases import guard
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Reserve, parse
from bot.usecases.draft_rows import answers_of, mine
from bot.usecases.guard import Guard
from bot.usecases.judging import SignIn, must_wait, note_sign_in, person_waits, sign_in
from bot.usecases.permission import require_manager
from bot.usecases.resolving import of_draft
from bot.usecases.rotation_proof import begun_with, failed_elsewhere, prove_others, with_seen_image
from bot.usecases.saving import save

# Longer than any check lasts; a process that was killed leaves its draft busy for this long.
BUSY_FOR: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check of a draft found; `saved` is the registry when it was proven.

    `rotation` is the id of the rotation that began with it. `guard` is set when an edit would have
    images refused: it is saved when a person says so, proven or not.
    """

    result: CheckResult
    saved: RegistryView | None
    rotation: str = ""
    guard: Guard | None = None


async def try_draft(
    deps: Deps, actor: Actor, draft_id: str, progress: Progress | None = None
) -> Outcome:
    """Check a draft, and save it when it is proven; otherwise it waits to be corrected.

    One that would have images refused waits as well, see `Outcome`.
    Raises NotFound when it has expired, Conflict when it is being checked already, is saved, or
    the registry was changed by somebody else meanwhile.
    """
    await require_manager(deps, actor, "add or edit a registry")
    draft, config, sealed = await _claim(deps, actor, draft_id)
    saved = None
    try:
        account = (actor.team_id, config.host, sealed.login)
        now = deps.clock.now()
        async with deps.store.reading() as session:
            until = await person_waits(session, account, sealed.fingerprint, now)
        if until is not None:
            return Outcome(must_wait(config.host, until, now), None)
        if draft.rotation_json:
            config = await with_seen_image(deps, actor.team_id, config)
        result = await deps.checker.check(config, progress)
        seen = sign_in(account, sealed.fingerprint, result, Health(), now, by_person=True)
        await _record(deps, actor, draft, result, seen)
        others: Mapping[str, CheckResult] = {}
        if draft.rotation_json and result.verdict is Verdict.PROVEN:
            others = await prove_others(deps, draft, config)
            result = failed_elsewhere(others, result)
        weighed = await weigh(deps, actor, draft_id)
        hurts = weighed if weighed is not None and weighed.hurts else None
        if result.verdict is Verdict.PROVEN and hurts is None:
            saved = await save(deps, actor, draft_id, fence=draft.fence, others=others)
        rotation = await begun_with(deps, draft) if saved and draft.rotation_json else ""
        return Outcome(result, saved, rotation, hurts)
    finally:
        if saved is None:
            await _release(deps, draft)


async def weigh(deps: Deps, actor: Actor, draft_id: str) -> Guard | None:
    """Who would be refused by an edit; None when nothing gets narrower. Managers only."""
    await require_manager(deps, actor, "edit a registry")
    async with deps.store.reading() as session:
        draft = await mine(deps, session, actor, draft_id)
    if not draft.base_version or draft.rotation_json:
        return None
    values = await of_draft(deps, draft)
    async with deps.store.reading() as session:
        held = await credentials.find(session, draft.credential_id)
        reserve = Reserve(typed=credentials.opened(held, deps.store.keyring))
        now = await deps.store.now(session)
        answers = answers_of(draft)
        columns = parse(answers, reserve, deps.allow, deps.clock.now(), values).columns()
        return await guard.edit(session, actor.team_id, draft.registry_id, columns, now)


async def _claim(deps: Deps, actor: Actor, draft_id: str) -> tuple[Draft, Config, Credential]:
    """Take the draft for one check; a double click finds it taken."""
    now = deps.clock.now()
    async with deps.store.reading() as session:
        draft = await mine(deps, session, actor, draft_id)
    values = await of_draft(deps, draft)
    async with deps.store.transaction() as session:
        draft = await mine(deps, session, actor, draft_id)
        if draft.state == SAVED:
            raise Conflict("This is saved already.")
        if not await drafts.claim(session, draft, now, now + BUSY_FOR):
            raise Conflict("This is being checked already.")
        held = await credentials.find(session, draft.credential_id)
        reserve = Reserve(typed=credentials.opened(held, deps.store.keyring))
        assert held is not None  # it was opened
        config = parse(answers_of(draft), reserve, deps.allow, now, values).config
        mark = deps.store.keyring.fingerprint(config.secrets, actor.team_id)
        if mark != held.fingerprint:  # what a reference leads to was changed since
            held.fingerprint = mark
            session.add(held)
        return draft, config, held


async def _record(
    deps: Deps, actor: Actor, draft: Draft, result: CheckResult, seen: SignIn | None
) -> None:
    """Write the check down, and on the draft credential what it told of the credential."""
    subject = checks.Subject(
        actor.team_id, draft.registry_id, draft.credential_id, "save", actor.user_id
    )
    async with deps.store.transaction() as session:
        if await drafts.find(session, *_key(actor, draft), deps.clock.now()) is None:
            raise Conflict("This was discarded while it was being checked; nothing was saved.")
        if seen is not None:
            await note_sign_in(session, seen)
        record = await checks.record(session, subject, result)
        assert record.id is not None
        await drafts.note_check(session, draft.id, draft.fence, record.id)
        await credentials.change(session, draft.credential_id, credentials.facts(result))


async def _release(deps: Deps, draft: Draft) -> None:
    # The claim ends by itself as well, so a database that is away now does no harm.
    with contextlib.suppress(StoreError):
        async with deps.store.transaction() as session:
            await drafts.release(session, draft.id, draft.fence)


def _key(actor: Actor, draft: Draft) -> tuple[str, str, str]:
    return actor.team_id, actor.user_id, draft.id
