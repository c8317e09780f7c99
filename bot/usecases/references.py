"""Stored credentials whose secret is elsewhere: followed at each use, and watched for changes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.check import Verdict
from bot.core.config import Config
from bot.core.health import Health
from bot.core.health import renewed as after_change
from bot.core.reference import Use
from bot.errors import StoreError, Undecryptable, Unresolved
from bot.store import audit, claims, credentials, minted, registries
from bot.store.claims import Claimed
from bot.store.registries import Stored
from bot.store.schema import CURRENT, LIVE, Credential, Registry
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import stored_config
from bot.usecases.judging import forget_secret
from bot.usecases.resolving import follow
from bot.usecases.stored_states import stored_health

log = structlog.get_logger(__name__)

AT_ONCE: Final = 20
CLOCK: Final = "registrar"


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a credential whose reference leads to another secret than before."""

    health: Health
    facts: dict[str, Any]


async def whole(deps: Deps, stored: Stored) -> tuple[Stored, Config]:
    """A stored registry with its secrets; a changed one is written down, and is as new as now.

    Raises Undecryptable or Unresolved.
    """
    row, held = stored.registry, stored.credential
    kept = stored_config(row, credentials.opened(held, deps.store.keyring))
    config = await follow(deps, row.team_id, kept, row.login)
    assert held is not None  # it was opened
    mark = deps.store.keyring.fingerprint(config.secrets, row.team_id)
    if not config.references or mark == held.fingerprint:
        return stored, config
    changed = await note_change(deps, row.team_id, row.id, held.id, mark)
    if changed is None:
        return stored, config
    async with deps.store.reading() as session:
        now_stored = await registries.live_by_id(session, row.team_id, row.id)
    return now_stored or stored, config


async def follow_claimed(deps: Deps, row: Claimed, kept: Config) -> tuple[Claimed, Config]:
    """The same for a registry that is to be checked on schedule; raises Unresolved."""
    config = await follow(deps, row.team_id, kept, row.login)
    mark = deps.store.keyring.fingerprint(config.secrets, row.team_id)
    if mark == row.fingerprint:
        return row, config
    changed = await note_change(deps, row.team_id, row.id, row.credential_id, mark)
    if changed is None:
        return row, config
    return (
        replace(
            row,
            fingerprint=mark,
            health_json=json.dumps(changed.health.to_json()),
            proven=False,
            issued_at=None,
            expires_at=changed.facts.get("expires_at", row.expires_at),
            expires_source=changed.facts.get("expires_source", row.expires_source),
        ),
        config,
    )


async def note_change(
    deps: Deps, team_id: str, registry_id: str, credential_id: str, mark: str
) -> Changed | None:
    """The secret with the fingerprint `mark` took the place of another; it is checked at once.

    None when the credential was replaced meanwhile, or somebody else noted the same.
    """
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        stored = await registries.locked(session, team_id, registry_id)
        held = stored.credential if stored else None
        if stored is None or held is None or held.id != credential_id or held.fingerprint == mark:
            return None
        row, before = stored.registry, held.fingerprint
        facts: dict[str, Any] = {
            "fingerprint": mark,
            "proven": False,
            "stored_at": now,
            "issued_at": None,
        }
        if held.expires_source != "person":
            facts |= {"expires_at": None, "expires_source": ""}
        await credentials.change(session, held.id, facts)
        health = after_change(stored_health(row.health_json))
        values = {"health_json": json.dumps(health.to_json()), "next_check_at": now}
        await registries.change(session, row.id, row.version, values)
        await minted.forget(session, row.id)
        await session.flush()
        await forget_secret(session, (row.team_id, row.host, row.login), before)
        deed = audit.Deed(team_id, CLOCK, "referenced_secret_changed", row.id, row.name)
        await audit.note(session, deed, now)
    log.info("a referenced secret changed", registry=registry_id)
    return Changed(health, facts)


async def tick_references(deps: Deps) -> int:
    """Look whether what references lead to changed; answers how many registries are checked now.

    Also when a reference stopped or began to lead to a secret. Safe in several processes.
    """
    async with deps.store.reading() as session:
        found = await _referenced(session)
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(stored: Stored) -> bool:
        async with limit:
            await asyncio.sleep(0)  # thousands of variables must not hold up what else is to do
            try:
                return await _looked(deps, stored)
            except StoreError:
                raise
            except Exception:  # one that is poison must not hide the others; it is logged
                log.exception("reference cannot be looked at", registry=stored.registry.id)
                return False

    return sum(await asyncio.gather(*(one(stored) for stored in found)))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the secret of a registry comes from; `problem` is why it leads to none."""

    registry: str
    reference: str
    problem: str = ""


async def survey(deps: Deps, team_id: str) -> list[Place]:
    """Every reference of a workspace, by name of its registry. Changes nothing."""
    async with deps.store.reading() as session:
        found = [one for one in await _referenced(session) if one.registry.team_id == team_id]
    places = []
    for stored in sorted(found, key=lambda one: one.registry.name):
        row = stored.registry
        for text in credentials.source_of(stored.credential).values():
            try:
                await deps.references.resolve(text, Use(team_id, row.host))
            except Unresolved as error:
                places.append(Place(row.name, text, str(error)))
            else:
                places.append(Place(row.name, text))
    return places


async def _looked(deps: Deps, stored: Stored) -> bool:
    """Whether a registry is to be checked now."""
    row, held = stored.registry, stored.credential
    before = held.fingerprint if held else ""
    leads = True
    try:
        after, _ = await whole(deps, stored)
    except Unresolved:
        leads = False
    except Undecryptable:
        return False  # the watch tells of that
    else:
        if after.credential is not None and after.credential.fingerprint != before:
            return True
    if leads == (row.verdict != Verdict.UNRESOLVED):
        return False
    async with deps.store.transaction() as session:
        return await claims.hasten_one(session, row.id, await deps.store.now(session))


async def _referenced(session: AsyncSession) -> list[Stored]:
    wanted = (
        select(Registry, Credential)
        .join(Credential, col(Credential.registry_id) == col(Registry.id))
        .where(
            col(Registry.state) == LIVE,
            col(Credential.state) == CURRENT,
            col(Credential.source) != "",
        )
    )
    return [Stored(*row) for row in await session.exec(wanted)]
