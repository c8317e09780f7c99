"""Looking at registries, deleting them, bringing them back."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.check import Verdict
from bot.core.health import replaced
from bot.core.incident import Phase
from bot.core.registry import CheckView, Counters, Filter, RegistryPage, RegistryView
from bot.errors import Conflict, InvalidInput, NotFound, Undecryptable
from bot.store import checks, credentials, minted, registries
from bot.store.registries import Stored
from bot.store.schema import DELETED, LIVE
from bot.usecases import guard
from bot.usecases.consequences import close
from bot.usecases.deps import Deps
from bot.usecases.duplicates import refuse_duplicates
from bot.usecases.guard import Guard
from bot.usecases.judging import forget_secret
from bot.usecases.news import tell
from bot.usecases.permission import require_manager
from bot.usecases.registry_view import kinds_like, view_of
from bot.usecases.stored_states import stored_health
from bot.usecases.what_changed import conflict

RESTORABLE_FOR: Final = timedelta(days=7)
PAGE_MAX: Final = 100


async def list_registries(
    deps: Deps, actor: Actor, wanted: Filter, page: int = 1, size: int = 10
) -> RegistryPage:
    """One page of the matching registries; a page that does not exist becomes the nearest one.

    Opens no credential, so one that cannot be opened harms no list.
    """
    size = max(1, min(size, PAGE_MAX))
    kinds = kinds_like(wanted.text)
    async with deps.store.reading() as session:
        total, attention = await registries.count(session, actor.team_id, wanted, kinds)
        pages = max(1, math.ceil(total / size))
        number = max(1, min(page, pages))
        skip = (number - 1) * size
        rows = await registries.page(session, actor.team_id, wanted, kinds, skip=skip, size=size)
    return RegistryPage(
        rows=tuple(view_of(row) for row in rows),
        number=number,
        pages=pages,
        total=total,
        attention=attention,
        filter=wanted,
    )


async def show(deps: Deps, actor: Actor, name: str) -> RegistryView:
    """A registry with its last check; tries its credential's lock and says so when it is broken."""
    async with deps.store.reading() as session:
        stored = await find(session, actor, name)
        held = stored.credential
        last = await checks.of_credential(session, stored.registry.id, held.id) if held else None
    broken = broken_sentence(deps, stored)
    if broken != stored.registry.broken:
        async with deps.store.transaction() as session:
            await registries.mark_broken(session, stored.registry.id, broken)
        stored.registry.broken = broken
    return view_of(stored, last)


async def suggest(deps: Deps, actor: Actor, text: str, limit: int = 100) -> list[tuple[str, str]]:
    """Names and hosts that contain the text, for a picker; all of them for an empty text."""
    async with deps.store.reading() as session:
        found = await registries.named_like(session, actor.team_id, text.strip(), limit)
    return [(name, host) for name, host in found]


async def counters(deps: Deps, actor: Actor) -> Counters:
    """How many registries there are, by the answer of their last check."""
    async with deps.store.reading() as session:
        tallies = await registries.tallies(session, actor.team_id)
    by_verdict = {
        verdict: count
        for verdict in Verdict
        if (count := sum(one.count for one in tallies if one.verdict == verdict))
    }
    return Counters(
        total=sum(one.count for one in tallies),
        by_verdict=by_verdict,
        unchecked=sum(one.count for one in tallies if one.verdict is None),
        broken=sum(one.count for one in tallies if one.broken),
        attention=sum(
            one.count
            for one in tallies
            if one.broken or (one.verdict is not None and one.verdict != Verdict.PROVEN)
        ),
    )


async def history(deps: Deps, actor: Actor, name: str, limit: int = 20) -> list[CheckView]:
    """The last checks, the newest first."""
    async with deps.store.reading() as session:
        stored = await find(session, actor, name)
        return await checks.latest(session, stored.registry.id, limit)


async def delete(
    deps: Deps, actor: Actor, name: str, typed_name: str, reason: str = ""
) -> RegistryView:
    """Delete a registry whose name was typed again; it can be restored for seven days.

    One that is in use is not deleted without a reason. Raises InvalidInput on `typed_name` or
    `reason`, NotAllowed, NotFound, or Conflict.
    """
    await require_manager(deps, actor, "delete a registry", name)
    if typed_name.strip() != name:
        raise InvalidInput({"typed_name": f"Type {name} to delete it."})
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        before = await find(session, actor, name)
        row = before.registry
        use = await guard.deletion(session, row.team_id, row.id, await deps.store.now(session))
        if use.in_use and not reason.strip():
            raise InvalidInput({"reason": "It is in use: say why it is deleted all the same."})
        values = {
            "state": DELETED,
            "deleted_at": now,
            "version": row.version + 1,
            "updated_at": now,
            "updated_by": actor.user_id,
            "next_check_at": None,
            "lease_until": None,
            "fence": row.fence + 1,
        }
        if not await registries.change(session, row.id, row.version, values):
            raise await conflict(session, row, row.version)
        await minted.forget(session, row.id)
        await close(session, row, Phase.DELETED, now, actor.user_id)
        if before.credential is not None:
            account = (row.team_id, row.host, row.login)
            await forget_secret(session, account, before.credential.fingerprint)
        await _tell(session, actor, "registry_deleted", name, now, {"reason": reason, **use.told()})
        gone = await registries.latest_deleted(session, actor.team_id, name)
        assert gone is not None
        return view_of(gone)


async def weigh_deletion(deps: Deps, actor: Actor, name: str) -> Guard:
    """Who would be refused if this registry were deleted. Managers only."""
    await require_manager(deps, actor, "delete a registry", name)
    async with deps.store.reading() as session:
        row = (await find(session, actor, name)).registry
        now = await deps.store.now(session)
        return await guard.deletion(session, row.team_id, row.id, now)


async def restore(deps: Deps, actor: Actor, name: str) -> RegistryView:
    """Bring back the registry of this name that was deleted last, within seven days.

    Raises NotAllowed, NotFound, or Conflict when its name or its place has been taken.
    """
    await require_manager(deps, actor, "restore a registry", name)
    now = deps.clock.now()
    try:
        async with deps.store.transaction() as session:
            row = (await _restorable(session, actor, name, now)).registry
            await refuse_duplicates(session, row)
            known = stored_health(row.health_json)
            fresh = replaced(known, proven=known.ever_proven)
            values = {
                "state": LIVE,
                "deleted_at": None,
                "version": row.version + 1,
                "updated_at": now,
                "updated_by": actor.user_id,
                "next_check_at": now,
                "attempts": 0,
                "health_json": json.dumps(fresh.to_json()),
            }
            if not await registries.change(session, row.id, row.version, values, state=DELETED):
                raise Conflict(f"Somebody else is restoring {name}.")
            stored = await find(session, actor, name)
            await tell(session, actor, "registry_restored", stored.registry, now, {})
            return view_of(stored)
    except InvalidInput as error:
        raise Conflict(f"{name} cannot be restored. {error}") from error
    except IntegrityError as error:
        raise Conflict(f"{name} cannot be restored: its name or place was just taken.") from error


async def restorable(deps: Deps, actor: Actor) -> list[tuple[str, datetime]]:
    """Names that `restore` takes, with when each was deleted, the latest first."""
    since = deps.clock.now() - RESTORABLE_FOR
    async with deps.store.reading() as session:
        found = await registries.deleted_since(session, actor.team_id, since)
    return [(name, at) for name, at in found if at is not None]


async def find(session: AsyncSession, actor: Actor, name: str) -> Stored:
    """The live registry of that name; NotFound names those that are spelled nearly so."""
    stored = await registries.live(session, actor.team_id, name)
    if stored is not None:
        return stored
    near = get_close_matches(name, await registries.names(session, actor.team_id), n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise NotFound(f"There is no registry called {name}.{hint}")


def broken_sentence(deps: Deps, stored: Stored) -> str:
    """Why the credential in force cannot be opened; empty when it can."""
    try:
        credentials.opened(stored.credential, deps.store.keyring)
    except Undecryptable as error:
        return f"{error} Edit the registry and put the credential in again."
    return ""


async def _restorable(session: AsyncSession, actor: Actor, name: str, now: datetime) -> Stored:
    gone = await registries.latest_deleted(session, actor.team_id, name)
    if gone is None:
        raise NotFound(f"No registry called {name} was deleted.")
    row = gone.registry
    if row.state != DELETED or row.deleted_at is None or row.deleted_at + RESTORABLE_FOR <= now:
        raise NotFound(
            f"{name} was deleted more than 7 days ago and its secret is destroyed. Add it again."
        )
    return gone


async def _tell(
    session: AsyncSession, actor: Actor, what: str, name: str, now: datetime, more: dict[str, str]
) -> None:
    gone = await registries.latest_deleted(session, actor.team_id, name)
    assert gone is not None
    row = gone.registry
    said = {key: value.strip() for key, value in more.items() if value.strip()}
    if said.keys() - {"reason"} and row.owner:
        said["owner"] = row.owner
    await tell(session, actor, what, row, now, said)
