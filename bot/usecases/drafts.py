"""Adding and editing: answers wait as a draft, are tried, and are saved when proven.

What a person typed is kept, encrypted, for fifteen minutes, so that a failure can be corrected
without typing the secret again. The credential in force stays in force until the draft is saved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.access import Actor
from bot.core.reference import unpacked
from bot.core.registry import RegistryView
from bot.errors import Conflict, NotFound
from bot.store import credentials, drafts, registries
from bot.store.schema import SAVED, Credential
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Answers, stored_values
from bot.usecases.draft_begin import Page, begin, check_public
from bot.usecases.draft_rows import answers_of, live, mine, opened
from bot.usecases.draft_trial import Outcome, try_draft, weigh
from bot.usecases.permission import require_manager
from bot.usecases.rotation_switch import Plan
from bot.usecases.saving import save

__all__ = (
    "Answers",
    "DraftView",
    "Outcome",
    "Page",
    "begin",
    "check_public",
    "discard",
    "load",
    "open_edit",
    "reopen",
    "save_anyway",
    "saved_already",
    "try_draft",
    "weigh",
)


@dataclass(frozen=True, slots=True)
class DraftView:
    """What a form is filled with again: answers without secrets, and which secrets are held.

    `editing` names the registry being edited, at `version` and with the id `registry_id`; empty
    and 0 for a new one. `plan` is
    set when it is the new credential of a rotation. `sources` are the references that stand for
    secrets, by field.
    """

    answers: Answers
    has_secrets: frozenset[str]
    editing: str
    version: int
    plan: Plan | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    registry_id: str = ""


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
    return DraftView(
        answers, _held(deps, held), row.name, row.version, sources=sources, registry_id=row.id
    )


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
    base_id = draft.registry_id if draft.base_version else ""
    return DraftView(answers_of(draft), held, name, draft.base_version, plan, sources, base_id)


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


def _held(deps: Deps, credential: Credential | None) -> frozenset[str]:
    secrets, references = unpacked(opened(deps, credential))
    return frozenset({*secrets, *references})
