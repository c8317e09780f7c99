"""Versions of a registry's credential: sealed when written, opened when used."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.check import CheckResult, Verdict
from bot.core.reference import packed
from bot.core.secret import Secret
from bot.errors import Undecryptable
from bot.store import minted
from bot.store.cipher import Keyring, Place
from bot.store.schema import CURRENT, PREVIOUS, RETIRED, Credential


def sealed(
    credential: Credential,
    secrets: Mapping[str, Secret],
    keyring: Keyring,
    references: Mapping[str, str] | None = None,
) -> Credential:
    """Put secrets into a credential's row (envelope, key id and fingerprint).

    Of a secret with a reference only that is stored; the fingerprint is that of the secrets.
    """
    followed = references or {}
    credential.blob = keyring.seal(packed(secrets, followed), _place(credential))
    credential.source = json.dumps(dict(followed)) if followed else ""
    credential.key_id = keyring.first
    credential.fingerprint = keyring.fingerprint(secrets, credential.team_id)
    return credential


def opened(credential: Credential | None, keyring: Keyring) -> dict[str, Secret]:
    """What `packed` made of a credential; raises Undecryptable when there is nothing that opens."""
    if credential is None or credential.blob is None:
        raise Undecryptable("The stored credential is missing.")
    return keyring.open(credential.blob, _place(credential))


def source_of(credential: Credential | None) -> dict[str, str]:
    """The references of a credential by field, to be shown; what is followed is in its envelope."""
    if credential is None or not credential.source:
        return {}
    return {str(name): str(text) for name, text in json.loads(credential.source).items()}


async def find(session: AsyncSession, credential_id: str) -> Credential | None:
    return await session.get(Credential, credential_id)


async def current(session: AsyncSession, registry_id: str) -> Credential | None:
    """The credential in force."""
    in_force = (col(Credential.registry_id) == registry_id, col(Credential.state) == CURRENT)
    return (await session.exec(select(Credential).where(*in_force))).first()


async def retire_current(session: AsyncSession, registry_id: str, now: datetime) -> None:
    """End the credential in force, destroy its secret and forget what was minted with it."""
    await minted.forget(session, registry_id)
    in_force = (col(Credential.registry_id) == registry_id, col(Credential.state) == CURRENT)
    await session.exec(update(Credential).where(*in_force).values(**_destroyed(now)))


async def keep_current(session: AsyncSession, registry_id: str) -> None:
    """End the credential in force and keep its secret: as a way back, and to see it dead."""
    await minted.forget(session, registry_id)
    in_force = (col(Credential.registry_id) == registry_id, col(Credential.state) == CURRENT)
    await session.exec(update(Credential).where(*in_force).values(state=PREVIOUS))


async def destroy(session: AsyncSession, credential_id: str, now: datetime) -> None:
    """Destroy one secret that is not in force; nothing happens when it is."""
    mine = (col(Credential.id) == credential_id, col(Credential.state) != CURRENT)
    await session.exec(update(Credential).where(*mine).values(**_destroyed(now)))


async def destroy_all(session: AsyncSession, registry_id: str, now: datetime) -> None:
    """Destroy every secret that a registry still has, and what was minted with it."""
    await minted.forget(session, registry_id)
    left = (col(Credential.registry_id) == registry_id, col(Credential.blob).is_not(None))
    await session.exec(update(Credential).where(*left).values(**_destroyed(now)))


async def change(session: AsyncSession, credential_id: str, values: Mapping[str, Any]) -> None:
    if values:
        changed = update(Credential).where(col(Credential.id) == credential_id).values(**values)
        await session.exec(changed)


async def change_all(
    session: AsyncSession, credential_ids: Collection[str], values: Mapping[str, Any]
) -> None:
    """The same for many, in one statement; what the session holds of them is old afterwards."""
    changed = update(Credential).where(col(Credential.id).in_(credential_ids)).values(**values)
    await session.exec(changed.execution_options(synchronize_session=False))


def facts(result: CheckResult) -> dict[str, Any]:
    """The columns of a credential that a check tells. What it does not tell is left as it is.

    Only a definite answer says whether the credential is proven: a registry that is away, or asks
    to be left alone, has not judged it.
    """
    found: dict[str, Any] = {}
    if result.verdict in {Verdict.PROVEN, Verdict.UNPROVEN, Verdict.REFUSED}:
        found["proven"] = result.verdict is Verdict.PROVEN
    if result.issued_at is not None:
        found["issued_at"] = result.issued_at
    if result.expiry is not None:
        found |= {"expires_at": result.expiry.at, "expires_source": result.expiry.source}
    return found


def _destroyed(now: datetime) -> dict[str, Any]:
    return {"state": RETIRED, "blob": None, "destroyed_at": now}


def _place(credential: Credential) -> Place:
    return Place(credential.team_id, credential.registry_id, credential.id)
