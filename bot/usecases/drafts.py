"""Adding and editing: answers wait as a draft, are tried, and are saved when proven.

What a person typed is kept, encrypted, for fifteen minutes, so that a failure can be corrected
without typing the secret again. The credential in force stays in force until the draft is saved.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.check import CheckResult, Progress, Verdict
from bot.core.config import Config
from bot.core.health import Health
from bot.core.reference import Use, packed, unpacked
from bot.core.registry import RegistryView
from bot.core.secret import Secret
from bot.errors import Conflict, InvalidInput, NotFound, StoreError
from bot.kinds.form import host_of
from bot.store import checks, credentials, drafts, registries, workspaces
from bot.store.registries import Stored
from bot.store.schema import DRAFT, OPEN, SAVED, Credential, Draft, Registry
from bot.usecases import guard, page_only
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import (
    TYPED,
    Answers,
    Parsed,
    Reserve,
    fields_of,
    parse,
    references_of,
    stored_values,
)
from bot.usecases.draft_rows import answers_of, dumped, live, mine, opened
from bot.usecases.duplicates import refuse_duplicates
from bot.usecases.guard import Guard
from bot.usecases.judging import SignIn, must_wait, note_sign_in, person_waits, sign_in
from bot.usecases.permission import require_manager
from bot.usecases.resolving import Values, of_draft, refuse_owned, values_of
from bot.usecases.rotation_proof import (
    begun_with,
    failed_elsewhere,
    prove_others,
    refuse_the_same,
    with_seen_image,
)
from bot.usecases.rotation_switch import Plan
from bot.usecases.saving import save
from bot.usecases.what_changed import overtaken

__all__ = (
    "Answers",
    "DraftView",
    "Outcome",
    "begin",
    "discard",
    "load",
    "open_edit",
    "reopen",
    "save_anyway",
    "saved_already",
    "try_draft",
    "weigh",
)

KEPT_FOR: Final = timedelta(minutes=15)
# Longer than any check lasts; a process that was killed leaves its draft busy for this long.
BUSY_FOR: Final = timedelta(seconds=30)

Page = Callable[[AsyncSession, str], Awaitable[None]]
"""Uses up the link of the page that secrets came from, for the draft of that id."""


@dataclass(frozen=True, slots=True)
class DraftView:
    """What a form is filled with again: answers without secrets, and which secrets are held.

    `editing` names the registry being edited, at `version`; empty and 0 for a new one. `plan` is
    set when it is the new credential of a rotation. `sources` are the references that stand for
    secrets, by field.
    """

    answers: Answers
    has_secrets: frozenset[str]
    editing: str
    version: int
    plan: Plan | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


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


async def open_edit(deps: Deps, actor: Actor, name: str) -> DraftView:
    """The stored answers of a registry, to fill its form with. Managers only."""
    await require_manager(deps, actor, "edit a registry", name)
    async with deps.store.reading() as session:
        stored = await live(session, actor, name)
    row, held = stored.registry, stored.credential
    public = {
        "url": row.url,
        **stored_values(row),
        "path_scope": row.path_scope,
        "test_image": row.test_image,
        "name": row.name,
        "description": row.description,
        "environment": row.environment,
        "owner": row.owner,
        "rotate_days": str(row.rotate_days),
        "recheck_minutes": str(row.recheck_minutes or ""),
        "also_at": row.also_at,
    }
    if held and held.expires_typed:
        public["expires_on"] = held.expires_typed.date().isoformat()
    answers = Answers(row.kind, row.variant, public)
    sources = credentials.source_of(held)
    return DraftView(answers, _held(deps, held), row.name, row.version, sources=sources)


async def begin(
    deps: Deps,
    actor: Actor,
    answers: Answers,
    *,
    name_of_edited: str = "",
    version: int = 0,
    draft_id: str = "",
    plan: Plan | None = None,
    page: Page | None = None,
) -> str:
    """Validate answers and keep them as a draft; answers its id. No registry is asked.

    References among the secrets are followed, which must not take long.

    For an edit, `name_of_edited` and the `version` the form was opened at; blank secrets are then
    those that are stored. With `draft_id` (a correction) they are those of that earlier draft,
    which this one replaces. Raises InvalidInput, NotAllowed, NotFound, or Overtaken when somebody
    changed the registry in the meantime; the answers are kept for `reopen` then. With a `plan` it
    is the new credential of a rotation, and must be another one than that in force. `page` is done
    first in the same transaction; without it the secrets came through Slack, which a workspace may
    forbid (OnlyOnPage).
    """
    what = "edit a registry" if name_of_edited else "add a registry"
    await require_manager(deps, actor, what, name_of_edited)
    now = deps.clock.now()
    new_id = uuid4().hex
    values = await _values(deps, actor, answers, name_of_edited, version, draft_id)
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, actor.team_id, now)
        if page is not None:
            await page(session, new_id)
        elif answers.secrets:
            await page_only.refuse_typed(session, actor.team_id)
        earlier = await drafts.find(session, actor.team_id, actor.user_id, draft_id, now)
        base, seen = await _base(session, actor, name_of_edited, version, earlier)
        reserve = await _reserve(deps, session, answers, base, earlier)
        if plan is not None:
            refuse_owned(credentials.source_of(base.credential if base else None))
            reserve = replace(reserve, kept={})  # a new secret, not the stored one
        gone = bool(draft_id) and earlier is None
        parsed = _parse(deps, answers, reserve, values, gone=gone)
        if plan is not None:
            refuse_the_same(deps, base, parsed)
        if earlier is not None:
            await drafts.drop(session, earlier)
        registry_id = base.registry.id if base else uuid4().hex
        wanted = _wanted(actor, parsed, registry_id, now)
        await refuse_duplicates(session, wanted)
        if base is None:
            session.add(wanted)
            await session.flush()  # the credential points to it
        draft = Draft(
            id=new_id,
            team_id=actor.team_id,
            user_id=actor.user_id,
            state=OPEN,
            registry_id=registry_id,
            credential_id=uuid4().hex,
            base_version=seen,
            answers_json=dumped(answers),
            secrets_json=json.dumps(dict(parsed.origins)),
            rotation_json=plan.dump() if plan else "",
            created_at=now,
            expires_at=now + KEPT_FOR,
        )
        await _keep(deps, session, draft, parsed)
        late = base is not None and base.registry.version != seen
        fault = await overtaken(session, base.registry, seen, new_id) if base and late else None
    if fault is not None:
        raise fault  # now that the answers are stored
    return new_id


async def check_public(
    deps: Deps, actor: Actor, answers: Answers, *, name_of_edited: str = ""
) -> None:
    """Refuse answers that are wrong whatever their secrets will be. Managers only; keeps nothing.

    Raises InvalidInput, NotAllowed or NotFound.
    """
    what = "edit a registry" if name_of_edited else "add a registry"
    await require_manager(deps, actor, what, name_of_edited)
    now = deps.clock.now()
    parsed = parse(answers, Reserve(), deps.allow, now, awaiting_secrets=True)
    async with deps.store.reading() as session:
        base = await live(session, actor, name_of_edited) if name_of_edited else None
        wanted = _wanted(actor, parsed, base.registry.id if base else uuid4().hex, now)
        # That of a key file is known once that is.
        known = bool(parsed.login) or not any(
            one.secret for one in fields_of(answers.kind, answers.variant)
        )
        await refuse_duplicates(session, wanted, login_known=known)


async def reopen(deps: Deps, actor: Actor, draft_id: str) -> DraftView:
    """An overtaken draft, put on the registry as it is now. Managers only.

    Raises NotFound when the draft or the registry is gone, Conflict when it is saved.
    """
    await require_manager(deps, actor, "edit a registry")
    async with deps.store.transaction() as session:
        draft = await mine(deps, session, actor, draft_id)
        if draft.state == SAVED:
            raise Conflict("This is saved already.")
        stored = await registries.live_by_id(session, actor.team_id, draft.registry_id)
        if stored is None:
            raise NotFound("Somebody deleted this registry meanwhile.")
        draft.base_version = stored.registry.version
        session.add(draft)
    return await load(deps, actor, draft_id)


async def load(deps: Deps, actor: Actor, draft_id: str) -> DraftView:
    """The actor's draft without its secrets; raises NotFound once it has expired."""
    async with deps.store.reading() as session:
        draft = await mine(deps, session, actor, draft_id)
        name = ""
        if draft.base_version:
            stored = await registries.live_by_id(session, actor.team_id, draft.registry_id)
            name = stored.registry.name if stored else ""
        sources = credentials.source_of(await credentials.find(session, draft.credential_id))
    held = frozenset(json.loads(draft.secrets_json))
    plan = Plan.parse(draft.rotation_json) if draft.rotation_json else None
    return DraftView(answers_of(draft), held, name, draft.base_version, plan, sources)


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


async def save_anyway(deps: Deps, actor: Actor, draft_id: str) -> RegistryView:
    """Save a draft that could not be proven, which is marked so, or that has images refused.

    Repeating it changes nothing.
    """
    await require_manager(deps, actor, "add or edit a registry")
    return await save(deps, actor, draft_id)


async def saved_already(deps: Deps, actor: Actor, draft_id: str) -> RegistryView | None:
    """What a draft was saved as; None while it waits. Managers only; NotFound once it expired."""
    async with deps.store.reading() as session:
        draft = await mine(deps, session, actor, draft_id)
    return await save_anyway(deps, actor, draft_id) if draft.state == SAVED else None


async def discard(deps: Deps, actor: Actor, draft_id: str) -> None:
    """Forget a draft and its secret now; nothing happens when there is none.

    Raises Conflict when it is saved: that is undone by deleting the registry.
    """
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        draft = await drafts.find(session, actor.team_id, actor.user_id, draft_id, now)
        if draft is None:
            return
        if draft.state == SAVED:
            raise Conflict("This is saved already. To be rid of it, delete the registry.")
        await drafts.drop(session, draft)


async def _values(
    deps: Deps, actor: Actor, answers: Answers, edited: str, version: int, draft_id: str
) -> Values:
    """What the references of a form lead to; before the transaction, which waits for nobody."""
    host = host_of(answers.kind, answers.public.get("url", ""), deps.allow)
    async with deps.store.reading() as session:
        now = deps.clock.now()
        earlier = await drafts.find(session, actor.team_id, actor.user_id, draft_id, now)
        base, _ = await _base(session, actor, edited, version, earlier)
        reserve = await _reserve(deps, session, answers, base, earlier)
    found = references_of(answers, reserve) if host else ()
    return await values_of(deps, Use(actor.team_id, host), found)


async def _base(
    session: AsyncSession, actor: Actor, name: str, version: int, earlier: Draft | None
) -> tuple[Stored | None, int]:
    """The registry that is being edited, and the version at which the form was opened."""
    if not name and not (earlier and earlier.base_version):
        return None, 0
    if earlier and earlier.base_version:
        stored = await registries.live_by_id(session, actor.team_id, earlier.registry_id)
        version = earlier.base_version
    else:
        stored = await registries.live(session, actor.team_id, name)
    if stored is None:
        raise NotFound(f"There is no registry called {name} any more.")
    return stored, version or -1  # a draft at 0 would be of a new registry


async def _reserve(
    deps: Deps, session: AsyncSession, answers: Answers, base: Stored | None, earlier: Draft | None
) -> Reserve:
    """Secrets that may stand in for blank ones, of the same kind only."""
    typed: dict[str, Secret] = {}
    kept: dict[str, Secret] = {}
    if earlier is not None and answers_of(earlier).kind == answers.kind:
        origins = json.loads(earlier.secrets_json)
        held = opened(deps, await credentials.find(session, earlier.credential_id))
        secrets, references = unpacked(held)
        mine = {name for name, origin in origins.items() if origin == TYPED}
        typed = packed(
            {name: one for name, one in secrets.items() if name in mine},
            {name: one for name, one in references.items() if name in mine},
        )
    if base is not None and base.registry.kind == answers.kind:
        kept = opened(deps, base.credential)
    return Reserve(typed, kept, base.registry.url if base else "")


def _parse(deps: Deps, answers: Answers, reserve: Reserve, values: Values, *, gone: bool) -> Parsed:
    """Complete and valid answers; when the earlier draft is `gone`, its secrets are asked for."""
    try:
        return parse(answers, reserve, deps.allow, deps.clock.now(), values)
    except InvalidInput as error:
        secret = {one.name for one in fields_of(answers.kind, answers.variant) if one.secret}
        blank = {name for name in secret if not answers.secrets.get(name)} & set(error.fields)
        if not gone or not blank:
            raise
        sentence = "Type it again: what you typed before was kept for 15 minutes."
        raise InvalidInput(error.fields | dict.fromkeys(blank, sentence)) from error


def _held(deps: Deps, credential: Credential | None) -> frozenset[str]:
    secrets, references = unpacked(opened(deps, credential))
    return frozenset({*secrets, *references})


def _wanted(actor: Actor, parsed: Parsed, registry_id: str, now: datetime) -> Registry:
    """The row that a draft would become."""
    return Registry(
        id=registry_id,
        team_id=actor.team_id,
        state=DRAFT,
        created_at=now,
        created_by=actor.user_id,
        updated_at=now,
        updated_by=actor.user_id,
        **parsed.columns(),
    )


async def _keep(deps: Deps, session: AsyncSession, draft: Draft, parsed: Parsed) -> None:
    """Write the draft and its sealed credential."""
    credential = Credential(
        id=draft.credential_id,
        team_id=draft.team_id,
        registry_id=draft.registry_id,
        state=DRAFT,
        login=parsed.login,
        shown_login=parsed.shown_login,
        stored_at=draft.created_at,
        stored_by=draft.user_id,
        expires_at=parsed.expires_on,
        expires_source="person" if parsed.expires_on else "",
        expires_typed=parsed.expires_on,
    )
    config = parsed.config
    session.add(
        credentials.sealed(credential, config.secrets, deps.store.keyring, config.references)
    )
    await session.flush()  # the draft points to it
    session.add(draft)


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
