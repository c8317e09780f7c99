"""Short-lived logins: minted when wanted, renewed at half their life, kept until replaced.

A provider that is away for a while therefore takes no login from a cluster that has one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol
from weakref import WeakValueDictionary

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.backoff import DOUBTFUL
from bot.core.config import Config
from bot.errors import NoLogin, Undecryptable, Unresolved
from bot.kinds.pull_login import PullLogin, is_short_lived
from bot.store import credentials, minted, registries
from bot.store.registries import Stored
from bot.store.schema import Credential, MintedLogin
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import stored_config
from bot.usecases.resolving import follow

log = structlog.get_logger(__name__)

WANTED_FOR: Final = timedelta(hours=24)
"""For so long after a cluster asked, a login is renewed before it is asked for again."""
NOTED_EVERY: Final = timedelta(minutes=10)
LEASE: Final = timedelta(minutes=1)
BATCH: Final = 20
SPARED: Final = timedelta(seconds=30)
"""For so long a provider that gave none is not asked again on behalf of a cluster."""
OVER: Final = "Its provider gave a login that is over already: one of the two clocks is wrong."
CHANGED: Final = "Its credential is being changed at this moment."


class Logins(Protocol):
    """Gives the login of a registry; None of an anonymous one. Raises NoLogin."""

    async def of(self, config: Config) -> PullLogin | None: ...


class _Changed(NoLogin):  # the tree's names say what happened
    """A login was minted with a credential that is no longer in force."""


class Mint:
    """Gives logins to pull with. Keep one for the life of the process."""

    def __init__(self, deps: Deps, logins: Logins) -> None:
        self._deps = deps
        self._logins = logins
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._spared: dict[str, tuple[datetime, str]] = {}

    async def login(
        self, stored: Stored, held: MintedLogin | None, now: datetime
    ) -> PullLogin | None:
        """The login of a registry; None of one that is read anonymously.

        `held` is its minted login, if there is one: while that is young it is the answer, and while
        it is good when its provider gives no other. Raises NoLogin or Undecryptable.
        """
        config = self._config(stored)
        if config.anonymous or not is_short_lived(config.kind):
            return await self._asked(stored, config)
        kept = self._kept(stored, held, now)
        if held is not None and kept is not None and not _aged(held, now):
            return kept
        try:
            return await self._minted(stored, config)
        except _Changed:
            return await self._anew(stored)
        except NoLogin:
            if kept is None:
                raise
            return kept

    async def tick(self) -> int:
        """Renew what is at half its life and was asked for lately; answers how many.

        Safe to repeat, to be cut off, and to run in several processes.
        """
        deps = self._deps
        async with deps.store.reading() as session:
            now = await deps.store.now(session)
            due = await minted.any_due(session, now, now - WANTED_FOR)
            over = await minted.any_over(session, now)
        if not due and not over:
            return 0
        async with deps.store.transaction() as session:
            now = await deps.store.now(session)
            await minted.forget_over(session, now, now - WANTED_FOR)
            rows = await minted.claim(session, now, now + LEASE, now - WANTED_FOR, BATCH)
        renewed = await asyncio.gather(*(self._renewed(row, now) for row in rows))
        return sum(renewed)

    async def _renewed(self, row: MintedLogin, now: datetime) -> bool:
        deps = self._deps
        async with deps.store.reading() as session:
            stored = await registries.live_by_id(session, row.team_id, row.registry_id)
        try:
            if stored is None or stored.credential is None:
                raise NoLogin(CHANGED)
            await self._keep(stored, await self._asked(stored, self._config(stored)))
        except (NoLogin, Undecryptable) as error:
            wait = DOUBTFUL[min(row.attempts, len(DOUBTFUL) - 1)]
            async with deps.store.transaction() as session:
                await minted.put_off(session, row, now + wait)
            log.warning("login not renewed", registry=row.registry_id, reason=str(error))
            return False
        return True

    async def _minted(self, stored: Stored, config: Config) -> PullLogin | None:
        """A new login; of many that want one at once, one asks the provider."""
        known = stored.credential.id if stored.credential else ""
        lock = self._locks.setdefault(stored.registry.id, asyncio.Lock())
        async with lock:
            self._spare(known)
            async with self._deps.store.reading() as session:
                now = await self._deps.store.now(session)
                held = await minted.of_registry(session, stored.registry.id)
            kept = self._kept(stored, held, now)
            if held is not None and kept is not None and not _aged(held, now):
                return kept
            try:
                return await self._keep(stored, await self._asked(stored, config))
            except _Changed:
                raise
            except NoLogin as error:
                self._spared[known] = (self._deps.clock.now() + SPARED, str(error))
                raise

    async def _anew(self, stored: Stored) -> PullLogin | None:
        """The same with the credential that was put in force meanwhile."""
        row = stored.registry
        async with self._deps.store.reading() as session:
            current = await registries.live_by_id(session, row.team_id, row.id)
        if current is None or current.credential is None:
            raise NoLogin(CHANGED)
        return await self._minted(current, self._config(current))

    async def _keep(self, stored: Stored, login: PullLogin | None) -> PullLogin | None:
        """Store a login, unless its credential was replaced meanwhile: then it is of no use."""
        if login is None or login.expires_at is None:
            return login
        row, deps = stored.registry, self._deps
        async with deps.store.transaction() as session:
            now = await deps.store.now(session)
            if login.expires_at <= now:
                raise NoLogin(OVER)
            current = await registries.locked(session, row.team_id, row.id)
            if current is None or not _same(current.credential, stored.credential):
                raise _Changed(CHANGED)
            assert stored.credential is not None
            new = MintedLogin(
                registry_id=row.id,
                team_id=row.team_id,
                credential_id=stored.credential.id,
                blob=b"",
                minted_at=now,
                expires_at=login.expires_at,
                renew_at=now + (login.expires_at - now) / 2,
            )
            minted.sealed(new, login.username, login.password, deps.store.keyring)
            if await minted.put(session, new):
                return login
            longer = await minted.of_registry(session, row.id)
            assert longer is not None
            await minted.put_off(session, longer, now + DOUBTFUL[-1])
            return self._kept(stored, longer, now) or login

    def _kept(self, stored: Stored, held: MintedLogin | None, now: datetime) -> PullLogin | None:
        """The stored login while it is good and of the credential in force."""
        if held is None or stored.credential is None or held.expires_at <= now:
            return None
        if held.credential_id != stored.credential.id:
            return None
        pair = minted.opened(held, self._deps.store.keyring)
        return PullLogin(*pair, held.expires_at) if pair is not None else None

    async def _asked(self, stored: Stored, kept: Config) -> PullLogin | None:
        """The login that the provider gives now, with the secret as it is now."""
        row = stored.registry
        try:
            config = await follow(self._deps, row.team_id, kept, row.login)
        except Unresolved as error:
            raise NoLogin(str(error)) from None
        return await self._logins.of(config)

    def _config(self, stored: Stored) -> Config:
        secrets = credentials.opened(stored.credential, self._deps.store.keyring)
        return stored_config(stored.registry, secrets)

    def _spare(self, credential_id: str) -> None:
        """Raise what a provider said a moment ago instead of asking it again."""
        now = self._deps.clock.now()
        for one in [one for one, (until, _) in self._spared.items() if until <= now]:
            del self._spared[one]
        if credential_id in self._spared:
            raise NoLogin(self._spared[credential_id][1])


async def note_asked(
    deps: Deps, held: Mapping[str, MintedLogin], wanted: Iterable[str], now: datetime
) -> None:
    """A cluster wants these, so the clock goes on renewing them; written down now and then."""
    stale = [one for one in wanted if one not in held or _long_ago(held[one].asked_at, now)]
    if stale:
        async with deps.store.transaction() as session:
            await minted.note_asked(session, stale, now)


async def carry(
    deps: Deps, session: AsyncSession, held: MintedLogin | None, credential: Credential
) -> None:
    """Keep the login of a secret that did not change when its credential got a new row."""
    if held is None:
        return
    pair = minted.opened(held, deps.store.keyring)
    if pair is None:
        return
    row = MintedLogin(**held.model_dump(exclude={"credential_id"}), credential_id=credential.id)
    await minted.put(session, minted.sealed(row, *pair, deps.store.keyring))


def _aged(held: MintedLogin, now: datetime) -> bool:
    return held.renew_at is None or held.renew_at <= now


def _long_ago(asked_at: datetime | None, now: datetime) -> bool:
    return asked_at is None or asked_at <= now - NOTED_EVERY


def _same(one: Credential | None, other: Credential | None) -> bool:
    if one is None or other is None:
        return False
    return one.id == other.id and one.fingerprint == other.fingerprint
