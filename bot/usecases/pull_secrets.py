"""The logins that a cluster or a person pulls with, out of the stored credentials."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.access import Actor
from bot.core.check import Verdict
from bot.core.config import Config
from bot.core.policy import ANY, canonical_host
from bot.errors import NoLogin, NotFound, Undecryptable
from bot.kinds.docker_config import Entry, faults
from bot.kinds.pull_login import PullLogin
from bot.store import audit, credentials, registries
from bot.store.registries import Stored
from bot.usecases import gate
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import stored_config

REFUSED = "Its credential was refused at its last check; mend it first."


class Logins(Protocol):
    """Gives the login of a registry; None of an anonymous one. Raises NoLogin."""

    async def of(self, config: Config) -> PullLogin | None: ...


@dataclass(frozen=True, slots=True)
class Collected:
    """Logins by registry name, and why some registries have none: (name, sentence)."""

    entries: tuple[Entry, ...]
    left_out: tuple[tuple[str, str], ...]


async def collect(
    deps: Deps,
    logins: Logins,
    actor: Actor,
    names: Sequence[str] = (),
    environment: str = ANY,
) -> Collected:
    """The logins of the named registries, or of all that serve the environment.

    One whose provider gives none is left out with the reason and harms no other. What was handed
    out is in the audit. Raises NotFound for a name that does not exist.
    """
    async with deps.store.reading() as session:
        found = await registries.all_live(session, actor.team_id)
    wanted = _wanted(found, names, environment)
    answers = await asyncio.gather(*(_entry(deps, logins, one) for one in wanted))
    entries = tuple(one for one in answers if isinstance(one, Entry))
    left_out = tuple(one for one in answers if isinstance(one, tuple))
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        for entry in entries:
            details = {"host": entry.host}
            deed = audit.Deed(
                actor.team_id,
                actor.user_id,
                "pull_login_given",
                registry_name=entry.registry,
                details=details,
            )
            await audit.note(session, deed, now)
    return Collected(entries, left_out)


def _wanted(found: Sequence[Stored], names: Sequence[str], environment: str) -> list[Stored]:
    by_name = {one.registry.name: one for one in found}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise NotFound(f"There is no registry {unknown[0]}.")
    if names:
        return [by_name[name] for name in dict.fromkeys(names)]
    return [one for one in found if environment == ANY or _serves(one, environment)]


def _serves(stored: Stored, environment: str) -> bool:
    return stored.registry.environment in (ANY, environment)


async def _entry(deps: Deps, logins: Logins, stored: Stored) -> Entry | tuple[str, str] | None:
    """The login of one registry, or why it has none; nothing to say of an anonymous one."""
    row = stored.registry
    if row.broken or row.verdict == Verdict.REFUSED:
        return row.name, row.broken or REFUSED
    try:
        secrets = credentials.opened(stored.credential, deps.store.keyring)
        login = await logins.of(stored_config(row, secrets))
    except (NoLogin, Undecryptable) as error:
        return row.name, str(error)
    if login is None:
        return None
    entry = Entry(row.name, canonical_host(row.host), gate.scope_of(row.url, row.path_scope), login)
    fault = faults(entry)
    return (row.name, fault) if fault else entry
