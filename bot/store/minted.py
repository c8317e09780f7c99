"""Short-lived logins, kept sealed until they are replaced."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, delete, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.secret import Secret
from bot.errors import Undecryptable
from bot.store.cipher import Keyring, Place
from bot.store.schema import MintedLogin

_NEW: Final = (
    "credential_id", "blob", "minted_at", "expires_at", "renew_at", "lease_until", "fence",
    "attempts",
)  # fmt: skip


def sealed(row: MintedLogin, username: str, password: Secret, keyring: Keyring) -> MintedLogin:
    """Put a login into its row."""
    pair = {"username": Secret(username), "password": password}
    row.blob = keyring.seal(pair, _place(row))
    return row


def opened(row: MintedLogin, keyring: Keyring) -> tuple[str, Secret] | None:
    """User name and password; None when no key of ours opens the row."""
    try:
        pair = keyring.open(row.blob, _place(row))
        return pair["username"].reveal(), pair["password"]
    except (Undecryptable, KeyError):
        return None


async def of_team(session: AsyncSession, team_id: str) -> dict[str, MintedLogin]:
    """Those of a workspace by the id of the registry."""
    wanted = select(MintedLogin).where(col(MintedLogin.team_id) == team_id)
    return {row.registry_id: row for row in await session.exec(wanted)}


async def of_registry(session: AsyncSession, registry_id: str) -> MintedLogin | None:
    wanted = select(MintedLogin).where(_is(registry_id))
    found = await session.exec(wanted.execution_options(populate_existing=True))
    return found.first()


async def put(session: AsyncSession, row: MintedLogin) -> bool:
    """Keep a login in place of the one before; False when that one lasts longer.

    Whoever has claimed the row is refused from now on, by the fence.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    new = dialect.insert(MintedLogin).values(**row.model_dump())
    values: dict[str, Any] = {name: new.excluded[name] for name in _NEW}
    values |= {"lease_until": None, "fence": col(MintedLogin.fence) + 1, "attempts": 0}
    better = or_(
        col(MintedLogin.credential_id) != new.excluded.credential_id,
        col(MintedLogin.expires_at) <= new.excluded.expires_at,
    )
    statement = new.on_conflict_do_update(
        index_elements=["registry_id"], set_=values, where=better
    ).returning(col(MintedLogin.registry_id))
    return (await session.exec(statement)).first() is not None


async def forget(session: AsyncSession, registry_id: str) -> None:
    await session.exec(delete(MintedLogin).where(_is(registry_id)))


async def forget_over(session: AsyncSession, now: datetime, asked_before: datetime) -> int:
    """Remove what is no longer good and nobody wants any more; answers how many."""
    unwanted = or_(col(MintedLogin.asked_at).is_(None), col(MintedLogin.asked_at) < asked_before)
    gone = delete(MintedLogin).where(col(MintedLogin.expires_at) <= now, unwanted)
    return int((await session.exec(gone)).rowcount)


async def any_over(session: AsyncSession, now: datetime) -> bool:
    wanted = select(MintedLogin.registry_id).where(col(MintedLogin.expires_at) <= now)
    return (await session.exec(wanted.limit(1))).first() is not None


async def note_asked(session: AsyncSession, ids: Collection[str], now: datetime) -> None:
    """A cluster wants these."""
    wanted = col(MintedLogin.registry_id).in_(ids)
    await session.exec(update(MintedLogin).where(wanted).values(asked_at=now))


async def any_due(session: AsyncSession, now: datetime, asked_since: datetime) -> bool:
    """Whether there is something to claim, without a lock."""
    wanted = select(MintedLogin.registry_id).where(_due(now, asked_since)).limit(1)
    return (await session.exec(wanted)).first() is not None


async def claim(
    session: AsyncSession, now: datetime, until: datetime, asked_since: datetime, limit: int
) -> list[MintedLogin]:
    """Take those that are to be replaced under a lease; each goes to one process."""
    wanted = (
        select(MintedLogin)
        .where(_due(now, asked_since))
        .order_by(col(MintedLogin.expires_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found: Sequence[MintedLogin] = (await session.exec(wanted)).all()
    for row in found:
        row.lease_until, row.fence = until, row.fence + 1
        session.add(row)
    return list(found)


async def put_off(session: AsyncSession, row: MintedLogin, renew_at: datetime) -> None:
    """It could not be replaced; try again then. A claim that was lost meanwhile changes nothing."""
    mine = and_(_is(row.registry_id), col(MintedLogin.fence) == row.fence)
    values = {"renew_at": renew_at, "lease_until": None, "attempts": row.attempts + 1}
    await session.exec(update(MintedLogin).where(mine).values(**values))


def _due(now: datetime, asked_since: datetime) -> ColumnElement[bool]:
    renew_at, lease = col(MintedLogin.renew_at), col(MintedLogin.lease_until)
    return and_(
        or_(renew_at.is_(None), renew_at <= now),
        col(MintedLogin.asked_at) >= asked_since,
        or_(lease.is_(None), lease <= now),
    )


def _is(registry_id: str) -> ColumnElement[bool]:
    return col(MintedLogin.registry_id) == registry_id


def _place(row: MintedLogin) -> Place:
    return Place(row.team_id, row.registry_id, row.credential_id, "minted login")
