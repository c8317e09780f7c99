"""The moment a draft becomes the registry: one transaction, or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.check import CheckResult, Verdict
from bot.core.health import Health, renewed, replaced
from bot.core.incident import Phase
from bot.core.registry import RegistryView
from bot.core.schedule import interval
from bot.core.secret import Secret
from bot.errors import Conflict, InvalidInput, NotFound, Undecryptable
from bot.store import (
    checks,
    credentials,
    drafts,
    minted,
    registries,
    rotation_runs,
    workspaces,
)
from bot.store.registries import Stored
from bot.store.schema import CURRENT, DRAFT, LIVE, SAVED, CheckRecord, Credential, Draft, Registry
from bot.usecases import guard
from bot.usecases.consequences import close
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Answers, Parsed, Reserve, parse
from bot.usecases.duplicates import refuse_duplicates
from bot.usecases.image_requests import settle_registered
from bot.usecases.judging import forget_secret, judge
from bot.usecases.minting import carry
from bot.usecases.news import tell
from bot.usecases.registry_view import view_of
from bot.usecases.resolving import Values, of_draft
from bot.usecases.rotation_proof import rotate
from bot.usecases.stored_states import stored_health
from bot.usecases.what_changed import overtaken

# Columns whose change is told, and the word for each.
WORDS: Final = {
    "name": "name",
    "kind": "type",
    "variant": "way to sign in",
    "url": "Registry URL",
    "path_scope": "path scope",
    "test_image": "test image",
    "also_at": "other places of its images",
    "values_json": "sign-in details",
    "description": "description",
    "environment": "environment",
    "owner": "owner",
    "rotate_days": "rotation",
    "recheck_minutes": "retest interval",
}


# What a minted login depends on besides the secret.
_SIGN_IN: Final = {WORDS[name] for name in ("kind", "variant", "url", "values_json")}


async def save(
    deps: Deps,
    actor: Actor,
    draft_id: str,
    *,
    fence: int | None = None,
    others: Mapping[str, CheckResult] | None = None,
) -> RegistryView:
    """Put a draft in force, with what its last check found.

    `fence` is that of the claim under which it was checked; without one the draft must not be busy.
    A draft that is saved already answers with its registry. `others` are what the new credential of
    a rotation showed at the registries that share it, by id. Raises NotFound or Conflict.
    """
    async with deps.store.reading() as session:
        now = deps.clock.now()
        found = await drafts.find(session, actor.team_id, actor.user_id, draft_id, now)
    values = await of_draft(deps, found) if found is not None and found.state != SAVED else {}
    try:
        async with deps.store.transaction() as session:
            registry_id = await _save(deps, session, actor, draft_id, fence, others or {}, values)
            return await _shown(session, actor, registry_id)
    except IntegrityError as error:
        raise Conflict(
            "Another registry with this name, or with this address and login, was saved at the "
            "same moment. Open the list to see it."
        ) from error
    except InvalidInput as error:
        raise Conflict(f"This was not saved. {error}") from error


async def _save(
    deps: Deps,
    session: AsyncSession,
    actor: Actor,
    draft_id: str,
    fence: int | None,
    others: Mapping[str, CheckResult],
    values_of_references: Values,
) -> str:
    now = deps.clock.now()
    draft = await drafts.find(session, actor.team_id, actor.user_id, draft_id, now)
    if draft is None:
        raise NotFound("What you typed was kept for 15 minutes and is gone. Please type it again.")
    if draft.state == SAVED:
        return draft.registry_id
    busy = draft.busy_until is not None and draft.busy_until > now
    claimed = draft.fence if fence is None else fence
    if (fence is None and busy) or not await drafts.mark_saved(session, draft.id, claimed):
        raise Conflict("This is being checked; wait for the answer.")
    credential = await credentials.find(session, draft.credential_id)
    secrets = credentials.opened(credential, deps.store.keyring)
    assert credential is not None
    parsed = _parsed(deps, draft, secrets, values_of_references, now)
    if draft.rotation_json:
        await rotate(deps, session, actor, draft, credential, parsed.config, others)
        return draft.registry_id
    record = await checks.find(session, draft.check_id) if draft.check_id else None
    values = parsed.columns() | _answer(record, now)
    values |= {"updated_at": now, "updated_by": actor.user_id, "broken": "", "attempts": 0}
    if draft.base_version:
        await _replace(deps, session, actor, draft, credential, secrets, values, record)
    else:
        values |= await _judged(session, draft, Health(), record, now, values["recheck_minutes"])
        await _add(deps, session, actor, draft, values)
    await credentials.change(session, credential.id, {"state": CURRENT})
    await settle_registered(session, actor, now)
    return draft.registry_id


async def _add(
    deps: Deps, session: AsyncSession, actor: Actor, draft: Draft, values: dict[str, Any]
) -> None:
    now = deps.clock.now()
    values |= {"state": LIVE, "version": 1, "created_at": now, "created_by": actor.user_id}
    await refuse_duplicates(session, _wanted(actor, draft, values))
    await registries.change(session, draft.registry_id, 0, values, state=DRAFT)
    row = await _row(session, actor, draft.registry_id)
    await tell(session, actor, "registry_added", row, now, _outcome(values))


async def _replace(
    deps: Deps,
    session: AsyncSession,
    actor: Actor,
    draft: Draft,
    credential: Credential,
    secrets: dict[str, Secret],
    values: dict[str, Any],
    record: CheckRecord | None,
) -> None:
    now = deps.clock.now()
    before = await registries.locked(session, actor.team_id, draft.registry_id)
    if before is None:
        raise Conflict("Somebody deleted this registry while you were editing it.")
    await refuse_duplicates(session, _wanted(actor, draft, values))
    changed = [
        word for name, word in WORDS.items() if getattr(before.registry, name) != values[name]
    ]
    same = _same_secret(deps, before, credential, secrets)
    if same:
        await credentials.change(session, credential.id, _inherited(before.credential, credential))
    else:
        changed.append("credential")
    health = _anew(before, record, same=same)
    use = await guard.edit(session, actor.team_id, draft.registry_id, values, now)
    fence = before.registry.fence + 1
    values |= {"version": draft.base_version + 1, "lease_until": None, "fence": fence}
    values |= await _judged(session, draft, health, record, now, values["recheck_minutes"])
    left = (before.registry.team_id, before.registry.host, before.registry.login)
    await rotation_runs.moved(session, before.registry, values["url"], actor.user_id, now)
    if not await registries.change(session, draft.registry_id, draft.base_version, values):
        raise await overtaken(session, before.registry, draft.base_version, draft.id)
    held = await minted.of_registry(session, draft.registry_id)
    await credentials.retire_current(session, draft.registry_id, now)
    if same and not _SIGN_IN & set(changed):
        await carry(deps, session, held, credential)
    if before.credential is not None:
        await forget_secret(session, left, before.credential.fingerprint)
    row = await _row(session, actor, draft.registry_id)
    if _proven(record):
        how = Phase.RECOVERED if same else Phase.REPLACED
        await close(session, row, how, now, actor.user_id)
    told = _outcome(values) | {"changed": ", ".join(changed) or "nothing"}
    told |= use.told() if use is not None else {}
    await tell(session, actor, "registry_edited", row, now, told)


def _answer(record: CheckRecord | None, now: datetime) -> dict[str, Any]:
    """The columns that tell the last check; without one they are empty and a check is due now."""
    if record is None:
        empty = dict.fromkeys(("verdict", "cause", "checked_at"))
        return {**empty, "sentence": "", "remedy": "", "next_check_at": now}
    return registries.answer(record)


async def _judged(
    session: AsyncSession,
    draft: Draft,
    before: Health,
    record: CheckRecord | None,
    now: datetime,
    own: int | None,
) -> dict[str, Any]:
    """Health and schedule after the check of the draft; nothing is alerted by a save."""
    if record is None:
        return {"health_json": json.dumps(before.to_json())}
    settings = await workspaces.settings(session, draft.team_id)
    every = interval(settings.recheck_minutes, own)
    return judge(draft.registry_id, before, checks.result_of(record), now, every=every).columns()


def _anew(before: Stored, record: CheckRecord | None, *, same: bool) -> Health:
    """The health that the draft's check is judged by.

    An open incident goes on until the registry is proven, whatever secret was saved anyway.
    """
    health = stored_health(before.registry.health_json)
    if _proven(record):
        return replaced(health, proven=True)
    if same:
        return health
    return renewed(health)  # the check of the draft is the first refusal


def _proven(record: CheckRecord | None) -> bool:
    return record is not None and record.verdict == Verdict.PROVEN


def _parsed(
    deps: Deps, draft: Draft, secrets: dict[str, Secret], values: Values, now: datetime
) -> Parsed:
    kept = json.loads(draft.answers_json)
    answers = Answers(kept["kind"], kept["variant"], kept["public"])
    return parse(answers, Reserve(typed=secrets), deps.allow, now, values)


def _same_secret(
    deps: Deps, before: Stored, credential: Credential, secrets: dict[str, Secret]
) -> bool:
    """Whether the credential in force is the same one, so that its age goes on."""
    held = before.credential
    if held is None or held.login != credential.login:
        return False
    if held.source or credential.source:  # what is stored tells nothing of what it leads to
        return held.fingerprint == credential.fingerprint
    try:
        return credentials.opened(held, deps.store.keyring) == secrets
    except Undecryptable:
        return False


def _inherited(held: Credential | None, credential: Credential) -> dict[str, Any]:
    """What stays true of a secret that did not change."""
    assert held is not None
    values: dict[str, Any] = {"stored_at": held.stored_at, "stored_by": held.stored_by}
    if credential.issued_at is None:
        values["issued_at"] = held.issued_at
    if not credential.expires_source and held.expires_source != "person":
        values |= {"expires_at": held.expires_at, "expires_source": held.expires_source}
    return values


def _wanted(actor: Actor, draft: Draft, values: dict[str, Any]) -> Registry:
    return Registry(id=draft.registry_id, team_id=actor.team_id, **values)


def _outcome(values: dict[str, Any]) -> dict[str, str]:
    """What the check found, for the announcement; why, unless all is well."""
    if values["verdict"] in {None, str(Verdict.PROVEN)}:
        return {"verdict": values["verdict"] or ""}
    return {"verdict": values["verdict"], "sentence": values["sentence"]}


async def _row(session: AsyncSession, actor: Actor, registry_id: str) -> Registry:
    stored = await registries.live_by_id(session, actor.team_id, registry_id)
    if stored is None:
        raise Conflict("Somebody deleted this registry at the same moment.")
    return stored.registry


async def _shown(session: AsyncSession, actor: Actor, registry_id: str) -> RegistryView:
    await session.flush()  # the view reads what was just written
    stored = await registries.live_by_id(session, actor.team_id, registry_id)
    if stored is None:
        raise Conflict("Somebody deleted this registry at the same moment.")
    held = stored.credential
    last = await checks.of_credential(session, registry_id, held.id) if held else None
    return view_of(stored, last)
