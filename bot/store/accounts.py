"""Accounts at hosts, and what is remembered of their failed sign-ins."""

from __future__ import annotations

import json

from sqlalchemy import ColumnElement, and_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.lockout import Guard
from bot.store.claims import Account as AccountKey
from bot.store.schema import CURRENT, LIVE, Account, Credential, Registry


async def guard(session: AsyncSession, key: AccountKey) -> Guard:
    """What is remembered of the account."""
    row = (await session.exec(select(Account.guard_json).where(_is(key)))).first()
    return parsed(row or "{}")


async def locked(session: AsyncSession, key: AccountKey) -> Guard:
    """The same, which nobody else changes until this transaction ends."""
    team, host, login = key
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    new = dialect.insert(Account).values(
        team_id=team, host=host, login=login, guard_json="{}", fence=0
    )
    await session.exec(new.on_conflict_do_nothing())
    wanted = select(Account.guard_json).where(_is(key)).with_for_update()
    return parsed((await session.exec(wanted)).one())


async def put(session: AsyncSession, key: AccountKey, state: Guard) -> None:
    """Remember this of an account that is locked; nothing to remember is no row."""
    if state.empty:
        await session.exec(delete(Account).where(_is(key), col(Account.busy_until).is_(None)))
    values = {"guard_json": "{}" if state.empty else json.dumps(state.to_json())}
    await session.exec(update(Account).where(_is(key)).values(**values))


async def still_stored(session: AsyncSession, key: AccountKey, fingerprint: str) -> bool:
    """Whether a live registry still signs in to the account with this secret."""
    team, host, login = key
    in_force = and_(
        col(Credential.registry_id) == col(Registry.id), col(Credential.state) == CURRENT
    )
    wanted = (
        select(Registry.id)
        .join(Credential, in_force)
        .where(
            col(Registry.team_id) == team,
            col(Registry.host) == host,
            col(Registry.login) == login,
            col(Registry.state) == LIVE,
            col(Credential.fingerprint) == fingerprint,
        )
        .limit(1)
    )
    return (await session.exec(wanted)).first() is not None


def parsed(text: str) -> Guard:
    """The stored guard; an empty one when it cannot be read."""
    if text == "{}":
        return Guard()
    try:
        return Guard.from_json(json.loads(text))
    except (ValueError, TypeError, AttributeError):
        return Guard()


def _is(key: AccountKey) -> ColumnElement[bool]:
    team, host, login = key
    same = (col(Account.team_id) == team, col(Account.host) == host, col(Account.login) == login)
    return and_(*same)
