"""Every moment at which a process may die, and what is left when it does.

That is the database, what is at the provider, and the time; a process has nothing else. So a life
is lived once and all three are kept at each moment: before and after every commit, and at the
provider before a request is looked at and after it was done, with its answer still under way.
Moments between which none of the three changed are one death: what follows cannot differ.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.clock import FixedClock
from bot.sandbox.practice.ask import Answer, Ask
from bot.sandbox.practice.keyring import Held, Keyring
from bot.sandbox.practice.listener import Listener
from bot.store.cipher import Place
from bot.store.engine import Store, open_engine
from tests.contract.lab import Lab
from tests.databases import migrated_sqlite
from tests.factories import NOW, keyring
from tests.usecases.cloud import Cloud, Key


class WatchedStore(Store):
    """Tells of each commit, before it by `told` and after it by `done`."""

    told: Callable[[], None] = staticmethod(lambda: None)
    done: Callable[[], None] = staticmethod(lambda: None)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with super().transaction() as session:
            yield session
            self.told()
        self.done()


class Beyond(Protocol):
    """What is at the provider and outlives every process of ours."""

    def kept(self) -> object:
        """A copy of it, equal to another one when nothing changed."""
        ...

    def put(self, kept: Any) -> None:
        """Let it be as it was."""
        ...

    def held(self) -> Iterable[Held | Key]:
        """What was not ended."""
        ...

    def working(self) -> set[str]:
        """The secrets that the provider accepts now."""
        ...

    def watch(self, told: Callable[[], None]) -> None:
        """Call `told` before each request is looked at and after it was done."""
        ...


class InTheCloud:
    """The keys of the provider of the tests."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def kept(self) -> tuple[object, ...]:
        keys = tuple(replace(key) for key in self.cloud.keys.values())
        return keys, self.cloud.made, self.cloud.most, tuple(self.cloud.calls)

    def put(self, kept: Any) -> None:
        keys, self.cloud.made, self.cloud.most, calls = kept
        self.cloud.keys = {key.handle: replace(key) for key in keys}
        self.cloud.calls = list(calls)

    def held(self) -> Iterable[Key]:
        return self.cloud.keys.values()

    def working(self) -> set[str]:
        return self.cloud.working

    def watch(self, told: Callable[[], None]) -> None:
        self.cloud.before = self.cloud.after = lambda _call: told()


class AtAVendor:
    """The credentials of one practice registry."""

    def __init__(self, lab: Lab, keys: Keyring) -> None:
        self.lab = lab
        self.ring = keys
        self._replaced = lab.practice.gitlab._replaced_by

    def kept(self) -> tuple[object, ...]:
        held, ended = self.ring._held, self.ring._ended
        copies = [tuple(replace(one) for one in each) for each in (held, ended)]
        return (*copies, dict(self._replaced))

    def put(self, kept: Any) -> None:
        held, ended, replaced = kept
        self.ring._held = [replace(one) for one in held]
        self.ring._ended = [replace(one) for one in ended]
        self._replaced.clear()
        self._replaced.update(replaced)

    def held(self) -> Iterable[Held]:
        return self.ring

    def working(self) -> set[str]:
        now = self.lab.clock.now()
        return {one.secret for one in self.ring if one.works(now)}

    def watch(self, told: Callable[[], None]) -> None:
        for listener in (self.lab.practice._tls, self.lab.practice._plain):
            _watch(listener, told)


def _watch(listener: Listener, told: Callable[[], None]) -> None:
    site = listener._site

    def watched(ask: Ask) -> Answer:
        told()
        answer = site(ask)
        told()
        return answer

    listener._site = watched


@dataclass(frozen=True, slots=True)
class Moment:
    """All that a process leaves behind.

    `known` says that a credential that works can be opened from the database, `in_force` that the
    one in force works.
    """

    database: bytes
    at: datetime
    beyond: object
    known: bool
    in_force: bool
    standing: object


class Lives:
    """One world in which a life may be lived again from any moment of another.

    `passed` counts all moments, `moments` has those of this life that differ from the one before.
    `theirs` are the secrets of somebody else at the provider.
    """

    def __init__(self, folder: Path) -> None:
        url = migrated_sqlite(folder)
        self.clock = FixedClock(NOW)
        self.store = WatchedStore(open_engine(url), keyring(), self.clock)
        self.passed = 0
        self.moments: list[Moment] = []
        self.theirs: set[str] = set()
        self._file = Path(url.removeprefix("sqlite:///"))
        self._opened: dict[bytes, set[str]] = {}

    def begin(self, beyond: Beyond, old: str) -> None:
        """From now on every moment is kept; `old` is the secret that is to be rotated."""
        self.beyond, self._old = beyond, old
        self._keeping = True
        self.store.told, self.store.done = self._note, self._committed
        beyond.watch(self._note)
        self._committed()

    async def back_to(self, moment: Moment) -> None:
        """The process is dead: nothing is left but what was there at that moment.

        Of the life that follows the moments are seen, and nobody can go back to them.
        """
        self._keeping = False
        await self.store.close()
        for more in ("-wal", "-shm"):
            self._file.with_name(self._file.name + more).unlink(missing_ok=True)
        self._file.write_bytes(moment.database)
        self.beyond.put(moment.beyond)
        self.clock.at = moment.at
        self.moments = [moment]
        self.theirs &= {one.secret for one in self.beyond.held()}

    def met(self, moments: Sequence[Moment], number: int) -> Callable[[], bool]:
        """Whether this life came to stand where another stood after its moment of that number.

        From there on it goes on as that one did, a while later.
        """
        last = {one.standing: at for at, one in enumerate(moments) if one.standing is not None}
        return lambda: last.get(self.moments[-1].standing, -1) > number

    def _standing(self, connection: sqlite3.Connection) -> object:
        """Where the rotation is and what is alive at the provider; None while a step is begun."""
        wanted = "SELECT run_json, state_json, lease_until FROM rotation"
        ((run, state, lease),) = connection.execute(wanted).fetchall()
        run, state = json.loads(run), json.loads(state)
        if lease is not None or run["begun_at"] is not None:
            return None
        _, current = self._secrets(connection)
        alive = sorted(
            ("old" if one.secret == self._old else "ours", one.active, one.secret in current)
            for one in self.beyond.held()
            if one.secret not in self.theirs
        )
        return (
            *(run[name] for name in ("step", "proofs", "issues", "tries", "proposed")),
            *(state[name] for name in ("phase", "tries", "unseen_told")),
            state["refused_at"] is not None,
            *alive,
        )

    def _note(self) -> None:
        """Nothing was committed, so that only what is at the provider, or the time, can differ."""
        self.passed += 1
        last = self.moments[-1]
        if (last.at, last.beyond) != (self.clock.now(), self.beyond.kept()):
            self._add(last.database)

    def _committed(self) -> None:
        self.passed += 1
        database = b""
        if self._keeping:
            with closing(sqlite3.connect(self._file)) as connection:
                database = connection.serialize()
            if self.moments and self.moments[-1].database == database:
                return
        self._add(database)

    def _add(self, database: bytes) -> None:
        with closing(sqlite3.connect(self._file)) as connection:
            known, current = self._secrets(connection)
            standing = self._standing(connection)
        beyond, at, working = self.beyond.kept(), self.clock.now(), self.beyond.working()
        good = not known.isdisjoint(working)
        self.moments.append(Moment(database, at, beyond, good, current <= working, standing))

    def _secrets(self, connection: sqlite3.Connection) -> tuple[set[str], set[str]]:
        """Every secret that the database can still open, and those that are in force."""
        wanted = "SELECT id, team_id, registry_id, state, blob FROM credential WHERE blob NOT NULL"
        known: set[str] = set()
        current: set[str] = set()
        for number, team, registry, state, blob in connection.execute(wanted):
            if blob not in self._opened:
                opened = self.store.keyring.open(blob, Place(team, registry, number))
                self._opened[blob] = {one.reveal() for one in opened.values()}
            known |= self._opened[blob]
            current |= self._opened[blob] if state == "current" else set()
        return known, current
