"""Beginning a draft: answers are completed, validated and kept; no registry is asked."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.reference import Use, packed, unpacked
from bot.core.secret import Secret
from bot.errors import InvalidInput, NotFound
from bot.kinds.form import host_of
from bot.store import credentials, drafts, registries, workspaces
from bot.store.registries import Stored
from bot.store.schema import DRAFT, OPEN, Credential, Draft, Registry
from bot.usecases import page_only
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import (
    TYPED,
    Answers,
    Parsed,
    Reserve,
    fields_of,
    parse,
    references_of,
)
from bot.usecases.draft_rows import answers_of, dumped, live, opened
from bot.usecases.duplicates import refuse_duplicates
from bot.usecases.permission import require_manager
from bot.usecases.resolving import Values, refuse_owned, values_of
from bot.usecases.rotation_proof import refuse_the_same
from bot.usecases.rotation_switch import Plan
from bot.usecases.what_changed import overtaken

KEPT_FOR: Final = timedelta(minutes=15)
Page = Callable[[AsyncSession, str], Awaitable[None]]
"""Uses up the link of the page that secrets came from, for the draft of that id."""


async def begin(
    deps: Deps,
    actor: Actor,
    answers: Answers,
    *,
    name_of_edited: str = "",
    registry_id: str = "",
    version: int = 0,
    draft_id: str = "",
    plan: Plan | None = None,
    page: Page | None = None,
) -> str:
    """Validate answers and keep them as a draft; answers its id. No registry is asked.

    References among the secrets are followed, which must not take long.

    For an edit, `name_of_edited`, and the `registry_id` and `version` the form was opened at (an
    empty id is that of nobody's form); blank secrets are then those that are stored. With
    `draft_id` (a correction) they are those of that earlier draft, which this one replaces. Raises
    InvalidInput, NotAllowed, NotFound, or Overtaken when somebody changed the registry in the
    meantime; the answers are kept for `reopen` then. With a `plan` it is the new credential of a
    rotation, and must be another one than that in force. `page` is done first in the same
    transaction; without it the secrets came through Slack, which a workspace may forbid
    (OnlyOnPage).
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
        if base is not None:
            refuse_another(registry_id, base.registry.id, name_of_edited)
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
        registry_id = await _registry(session, actor, parsed, base, now)
        draft = _draft(actor, new_id, registry_id, seen, answers, parsed, plan, now)
        await _keep(deps, session, draft, parsed)
        late = base is not None and base.registry.version != seen
        fault = await overtaken(session, base.registry, seen, new_id) if base and late else None
    if fault is not None:
        raise fault  # now that the answers are stored
    return new_id


def refuse_another(opened_for: str, found: str, name: str) -> None:
    """Refuse what was typed for a registry whose name is another's by now.

    Whoever deletes or renames one, and gives its name to one at a host of their own, would be sent
    what a colleague types into the form that is still open.
    """
    if opened_for and opened_for != found:
        raise NotFound(
            f"{name} is another registry now than when this form was opened. Open it again."
        )


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


async def _registry(
    session: AsyncSession, actor: Actor, parsed: Parsed, base: Stored | None, now: datetime
) -> str:
    """The id of the registry that a draft is of; a new one is given its row."""
    wanted = _wanted(actor, parsed, base.registry.id if base else uuid4().hex, now)
    await refuse_duplicates(session, wanted)
    if base is None:
        session.add(wanted)
        await session.flush()  # the credential points to it
    return wanted.id


def _draft(
    actor: Actor,
    draft_id: str,
    registry_id: str,
    version: int,
    answers: Answers,
    parsed: Parsed,
    plan: Plan | None,
    now: datetime,
) -> Draft:
    return Draft(
        id=draft_id,
        team_id=actor.team_id,
        user_id=actor.user_id,
        state=OPEN,
        registry_id=registry_id,
        credential_id=uuid4().hex,
        base_version=version,
        answers_json=dumped(answers),
        secrets_json=json.dumps(dict(parsed.origins)),
        rotation_json=plan.dump() if plan else "",
        created_at=now,
        expires_at=now + KEPT_FOR,
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
