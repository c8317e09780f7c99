"""Drafts as they are stored, and what is behind them."""

from __future__ import annotations

import json

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.secret import Secret
from bot.errors import NotFound, Undecryptable
from bot.store import credentials, drafts, registries
from bot.store.registries import Stored
from bot.store.schema import Credential, Draft
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Answers


async def mine(deps: Deps, session: AsyncSession, actor: Actor, draft_id: str) -> Draft:
    """The actor's draft; raises NotFound once it has expired."""
    now = deps.clock.now()
    draft = await drafts.find(session, actor.team_id, actor.user_id, draft_id, now)
    if draft is None:
        raise NotFound("What you typed was kept for 15 minutes and is gone. Please type it again.")
    return draft


async def live(session: AsyncSession, actor: Actor, name: str) -> Stored:
    """The registry that is being edited; raises NotFound."""
    stored = await registries.live(session, actor.team_id, name)
    if stored is None:
        raise NotFound(f"There is no registry called {name}.")
    return stored


def answers_of(draft: Draft) -> Answers:
    kept = json.loads(draft.answers_json)
    return Answers(kept["kind"], kept["variant"], kept["public"])


def dumped(answers: Answers) -> str:
    """The answers as a draft keeps them; no secret is in them."""
    kept = {"kind": answers.kind, "variant": answers.variant, "public": dict(answers.public)}
    return json.dumps(kept, ensure_ascii=False)


def opened(deps: Deps, credential: Credential | None) -> dict[str, Secret]:
    """The secrets of a credential; none when it cannot be opened, so they must be typed again."""
    try:
        return credentials.opened(credential, deps.store.keyring)
    except Undecryptable:
        return {}
