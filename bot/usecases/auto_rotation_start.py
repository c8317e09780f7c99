"""Beginning to rotate by itself: one rotation of one credential, whoever else looks meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import rotation
from bot.core.auto_rotation import Run, Step
from bot.core.rotation import GRACE
from bot.errors import Conflict, NotFound
from bot.kinds.rotation.base import Provider, Strategy
from bot.kinds.rotation.gateway import Rotators
from bot.store import accounts, credentials, registries, rotation_runs, rotations
from bot.store.registries import Stored
from bot.store.rotation_runs import AUTOMATIC
from bot.store.schema import Credential, Registry, RotationRow
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import stored_config
from bot.usecases.resolving import owned_elsewhere
from bot.usecases.rotation_switch import member_of, opened, settle, sharing

BUSY: Final = "Its credential is being rotated already."
REPLACED: Final = "Its credential was replaced meanwhile. Look at the registry again first."


async def start(
    deps: Deps, rotators: Rotators, seen: Stored, by: str, *, ask: bool = False
) -> RotationRow:
    """Begin a rotation of the credential that was seen at a registry, for all that share it.

    With `ask` it waits for a second manager; `by` is whose wish it is.

    Raises NotFound, or Conflict where it cannot be rotated so, is being rotated, or was replaced
    since it was seen.
    """
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        stored, provider = await _to_rotate(deps, session, rotators, seen)
        policy = await rotation_runs.policy(session, stored.registry.id)
        grace = timedelta(hours=policy.grace_hours) if policy else GRACE
        row = await _written(session, stored, grace, now, by, ask=ask)
        await rotation_runs.put(session, row, _first(row, provider, now, ask=ask))
        return row


async def _to_rotate(
    deps: Deps, session: AsyncSession, rotators: Rotators, seen: Stored
) -> tuple[Stored, Provider]:
    """The registry as it is now, locked, and who can rotate its credential."""
    stored = await registries.locked(session, seen.registry.team_id, seen.registry.id)
    if stored is None or stored.credential is None:
        raise NotFound("This registry is not there any more, or has no credential.")
    held = stored.credential
    if not _is_same(seen.credential, held):
        raise Conflict(REPLACED)
    if why := owned_elsewhere(credentials.source_of(held)):
        raise Conflict(why)
    old = stored_config(stored.registry, credentials.opened(held, deps.store.keyring))
    provider, reason = rotators.find(old)
    if provider is None:
        raise Conflict(reason)
    await _refuse_a_second(session, stored.registry, held.fingerprint)
    return stored, provider


async def _refuse_a_second(session: AsyncSession, row: Registry, fingerprint: str) -> None:
    """Whoever else begins at this account waits here, and then finds the first."""
    account = (row.team_id, row.host, row.login)
    await accounts.put(session, account, await accounts.locked(session, account))
    if await rotation_runs.of_fingerprint(session, row.team_id, fingerprint) is not None:
        raise Conflict(BUSY)


def _first(row: RotationRow, provider: Provider, now: datetime, *, ask: bool) -> Run:
    return Run(
        Step.APPROVE if ask else Step.PREPARE,
        label=f"registrar/{row.registry_id[:12]}/{row.id[:12]}",
        in_place=provider.strategy is Strategy.IN_PLACE,
        reversible=provider.reversible,
        settles=provider.settles.total_seconds(),
        next_at=None if ask else now,
    )


def _is_same(seen: Credential | None, held: Credential) -> bool:
    """Whether what is in force is what was looked at, which may be minutes ago."""
    return seen is not None and (seen.id, seen.fingerprint) == (held.id, held.fingerprint)


async def _written(
    session: AsyncSession, stored: Stored, grace: timedelta, now: datetime, by: str, *, ask: bool
) -> RotationRow:
    row = opened(stored.registry, AUTOMATIC, now, by)
    others = await sharing(session, stored)
    members = [await member_of(session, row, one) for one in (stored.registry, *others)]
    await rotations.add(session, row, members)
    begun = rotation.prepare(now, grace, by, ask=ask)
    await settle(session, row, begun, [stored.registry], now)
    return row
