"""What is stored of a credential made whole: its references are followed, at each use anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from bot.core.check import Cause, CheckResult, Level, Stage, Verdict
from bot.core.config import Config
from bot.core.reference import Use, unpacked
from bot.core.secret import Secret
from bot.errors import Conflict, InvalidInput, Unresolved
from bot.kinds.form import host_of, login_of
from bot.store import credentials
from bot.store.schema import Draft
from bot.usecases.deps import Deps

REMEDY: Final = "Ask who runs Registrar, or edit the registry to sign in with something else."
OWNED: Final = (
    "The secret comes from {source}: whoever keeps it changes it there. Registrar notices, tests "
    "the new one and uses it from then on."
)

Values = Mapping[str, Secret | Unresolved]
"""What references lead to, or why they lead nowhere."""


async def follow(deps: Deps, team_id: str, config: Config, login: str | None = None) -> Config:
    """The same with the secrets that its references lead to; raises Unresolved naming one.

    They are followed for the host that the config signs in at, and for no other. With the `login`
    that is stored, a secret of another identity is no answer: a service account key tells its own.
    """
    if not config.references:
        return config
    secrets = dict(config.secrets)
    values = await values_of(deps, Use(team_id, config.host), config.references.values())
    for name, text in config.references.items():
        found = values[text]
        if isinstance(found, Unresolved):
            raise Unresolved(f"The secret comes from {text}, which leads to none: {found}")
        secrets[name] = found
    whole = replace(config, secrets=secrets)
    if login is not None and login_of(whole) != login:
        sources = ", ".join(config.references.values())
        raise Unresolved(
            f"The secret comes from {sources}, which holds one of another identity than {login}. "
            "Edit the registry to say that this is meant."
        )
    return whole


async def values_of(deps: Deps, use: Use, texts: Iterable[str]) -> Values:
    """What each of these references leads to for that use."""
    found: dict[str, Secret | Unresolved] = {}
    for text in dict.fromkeys(texts):
        try:
            found[text] = await deps.references.resolve(text, use)
        except Unresolved as error:
            found[text] = error
    return found


async def of_draft(deps: Deps, draft: Draft) -> Values:
    """What the references of a draft lead to now; raises Conflict when one leads to no secret."""
    kept = json.loads(draft.answers_json)
    host = host_of(kept["kind"], kept["public"].get("url", ""), deps.allow)
    async with deps.store.reading() as session:
        held = await credentials.find(session, draft.credential_id)
    _, references = unpacked(credentials.opened(held, deps.store.keyring))
    values = await values_of(deps, Use(draft.team_id, host), references.values())
    for text, found in values.items():
        if isinstance(found, Unresolved):
            raise Conflict(f"The secret comes from {text}, which leads to none now: {found}")
    return values


def not_resolved(error: Unresolved, at: datetime) -> CheckResult:
    """The answer of a check whose reference leads to no secret; the registry was not asked."""
    return CheckResult(
        verdict=Verdict.UNRESOLVED,
        level=Level.E0,
        stage=Stage.LOGIN,
        cause=Cause.REFERENCE,
        sentence=str(error),
        remedy=REMEDY,
        at=at,
        took=0.0,
    )


def owned_elsewhere(sources: Mapping[str, str]) -> str:
    """Why a secret cannot be rotated here; empty when no reference stands for it."""
    return OWNED.format(source=", ".join(sources.values())) if sources else ""


def refuse_owned(sources: Mapping[str, str]) -> None:
    """InvalidInput when a reference stands for the secret that is to be rotated."""
    if why := owned_elsewhere(sources):
        raise InvalidInput({"": why})
