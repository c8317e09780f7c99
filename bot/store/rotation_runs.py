"""Automatic rotations: their run, their journal, and what may be used to rotate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from sqlmodel import and_, col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.auto_rotation import Run
from bot.core.rotation import OPEN, Phase, Rotation
from bot.core.secret import Secret
from bot.store.cipher import Keyring, Place
from bot.store.schema import (
    CURRENT,
    LIVE,
    Credential,
    Registry,
    RotationJournal,
    RotationMember,
    RotationPolicy,
    RotationRow,
)

DAY: Final = timedelta(days=1)
AUTOMATIC = "automatic"
_FOR: Final = "for:"  # no field has a colon in its name
BEGAN, DONE, REFUSED, UNCLEAR = "began", "done", "refused", "unclear"


def run_of(row: RotationRow) -> Run:
    return Run.from_json(json.loads(row.run_json))


def is_running(row: RotationRow) -> bool:
    """Whether an automatic rotation has something left to do at the provider."""
    return bool(row.run_json) and not run_of(row).is_over


async def put(session: AsyncSession, row: RotationRow, run: Run) -> None:
    """Store the run; while it has something to do, its time is the rotation's."""
    row.run_json = json.dumps(run.to_json())
    waits = Rotation.from_json(json.loads(row.state_json)).next_at
    row.next_at = waits if run.is_over else run.next_at
    session.add(row)
    await session.flush()


async def note(
    session: AsyncSession, row: RotationRow, run: Run, outcome: str, now: datetime, detail: str = ""
) -> None:
    """One line of the journal."""
    handle = run.new_handle or run.old_handle
    line = RotationJournal(
        rotation_id=row.id,
        at=now,
        step=str(run.step),
        outcome=outcome,
        handle=handle,
        detail=detail[:1000],
    )
    session.add(line)
    await session.flush()


async def journal(session: AsyncSession, rotation_id: str) -> Sequence[RotationJournal]:
    """Every line, in order."""
    mine = col(RotationJournal.rotation_id) == rotation_id
    wanted = select(RotationJournal).where(mine).order_by(col(RotationJournal.id))
    return (await session.exec(wanted)).all()


async def of_fingerprint(
    session: AsyncSession, team_id: str, fingerprint: str
) -> RotationRow | None:
    """An open rotation of the same secret, whichever registry it was begun at."""
    wanted = (
        select(RotationRow)
        .join(RotationMember, col(RotationMember.rotation_id) == col(RotationRow.id))
        .join(Credential, col(Credential.id) == col(RotationMember.old_credential_id))
        .where(
            col(RotationRow.team_id) == team_id,
            col(RotationRow.phase).in_([str(phase) for phase in OPEN]),
            col(Credential.fingerprint) == fingerprint,
        )
        .limit(1)
    )
    return (await session.exec(wanted)).first()


async def all_of(session: AsyncSession, team_id: str) -> Sequence[RotationRow]:
    """Every automatic rotation of a workspace, the latest first."""
    mine = (col(RotationRow.team_id) == team_id, col(RotationRow.mode) == AUTOMATIC)
    wanted = select(RotationRow).where(*mine).order_by(col(RotationRow.opened_at).desc())
    return (await session.exec(wanted)).all()


async def made(session: AsyncSession, credential_id: str) -> str:
    """The provider's name of a credential that an automatic rotation made; empty for any other."""
    wanted = (
        select(RotationRow)
        .join(RotationMember, col(RotationMember.rotation_id) == col(RotationRow.id))
        .where(
            col(RotationMember.new_credential_id) == credential_id,
            col(RotationRow.mode) == AUTOMATIC,
        )
        .order_by(col(RotationRow.opened_at).desc())
        .limit(1)
    )
    row = (await session.exec(wanted)).first()
    return run_of(row).new_handle if row is not None and row.run_json else ""


async def policy(session: AsyncSession, registry_id: str) -> RotationPolicy | None:
    return await session.get(RotationPolicy, registry_id, populate_existing=True)


async def enabled(
    session: AsyncSession, limit: int, after: str
) -> Sequence[tuple[RotationPolicy, Credential]]:
    """Policies that are switched on, of registries that come `after` that id, and what is in force.

    Of each that is there and has a credential.
    """
    wanted = (
        select(RotationPolicy, Credential)
        .join(Registry, col(Registry.id) == col(RotationPolicy.registry_id))
        .join(Credential, col(Credential.registry_id) == col(Registry.id))
        .where(
            col(RotationPolicy.enabled).is_(True),
            col(Registry.state) == LIVE,
            col(Credential.state) == CURRENT,
            col(RotationPolicy.registry_id) > after,
        )
        .order_by(col(RotationPolicy.registry_id))
    )
    return (await session.exec(wanted.limit(limit))).all()


async def open_or_late(session: AsyncSession, registry_id: str, now: datetime) -> bool:
    """Whether a registry is being rotated, or failed to be within the last day."""
    of_it = select(RotationMember.rotation_id).where(col(RotationMember.registry_id) == registry_id)
    lately = and_(
        col(RotationRow.phase) == str(Phase.FAILED), col(RotationRow.closed_at) > now - DAY
    )
    standing = col(RotationRow.phase).in_([str(phase) for phase in OPEN])
    wanted = select(RotationRow.id).where(col(RotationRow.id).in_(of_it), or_(standing, lately))
    return (await session.exec(wanted.limit(1))).first() is not None


def access(found: RotationPolicy | None, keyring: Keyring, url: str) -> Mapping[str, Secret]:
    """The credential that rotates, opened; nothing where the registry's own is enough.

    Nothing either where it was given for another address than `url`: whoever moved a registry to a
    server of their own would read there what may do more than the registry's own credential.
    """
    if found is None or found.access_blob is None:
        return {}
    opened = keyring.open(found.access_blob, _place(found))
    given_for = opened.pop(_FOR, None)  # earlier versions wrote none
    return opened if given_for is None or given_for.reveal() == _origin(url) else {}


def with_access(
    found: RotationPolicy, secrets: Mapping[str, Secret], keyring: Keyring, url: str
) -> RotationPolicy:
    """The policy with another credential that rotates, for the registry at `url`."""
    sealed = {**secrets, _FOR: Secret(_origin(url))}
    found.access_blob = keyring.seal(sealed, _place(found)) if secrets else None
    return found


async def moved(session: AsyncSession, before: Registry, url: str, by: str, now: datetime) -> None:
    """A registry was edited: at another address the credential that rotates it is forgotten.

    Whoever has its form open must look again before they put one in.
    """
    if _origin(before.url) == _origin(url):
        return
    row = await policy(session, before.id) or RotationPolicy(
        registry_id=before.id, team_id=before.team_id, version=0, updated_at=now, updated_by=by
    )
    row.access_blob, row.version, row.updated_at, row.updated_by = None, row.version + 1, now, by
    session.add(row)
    await session.flush()


def _origin(url: str) -> str:
    """Scheme, host and port."""
    return "://".join(urlsplit(url)[:2])


def _place(found: RotationPolicy) -> Place:
    return Place(found.team_id, found.registry_id, found.registry_id, "rotation access")
