"""The logins that a cluster or a person pulls with, out of the stored credentials."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.core.access import Actor
from bot.core.check import Verdict
from bot.core.health import Trouble
from bot.core.policy import ANY, canonical_host
from bot.errors import NoLogin, NotFound, Undecryptable
from bot.kinds.docker_config import Entry, faults
from bot.store import audit, minted, registries
from bot.store.registries import Stored
from bot.store.schema import MintedLogin, Registry
from bot.usecases import gate
from bot.usecases.deps import Deps
from bot.usecases.minting import Mint
from bot.usecases.stored_states import stored_health

REFUSED: Final = "Its credential was refused at its last check; mend it first."
DOUBLED: Final = "Another registry has the same images; there is room for one login of them."
INCOMPLETE: Final = "Its stored answers are incomplete; edit it."


@dataclass(frozen=True, slots=True)
class Collected:
    """Logins by registry name, and why some registries have none: (name, sentence)."""

    entries: tuple[Entry, ...]
    left_out: tuple[tuple[str, str], ...]


async def collect(
    deps: Deps,
    mint: Mint,
    actor: Actor,
    names: Sequence[str] = (),
    environment: str = ANY,
) -> Collected:
    """The logins of the named registries, or of all that serve the environment.

    One whose provider gives none is left out with the reason and harms no other. What was handed
    out is in the audit. Raises NotFound for a name that does not exist.
    """
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        found = await registries.all_live(session, actor.team_id)
        held = await minted.of_team(session, actor.team_id)
    wanted = _wanted(found, names, environment)
    collected = await logins_of(mint, wanted, held, now)
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        for entry in collected.entries:
            details = {"host": entry.host}
            deed = audit.Deed(
                actor.team_id,
                actor.user_id,
                "pull_login_given",
                registry_name=entry.registry,
                details=details,
            )
            await audit.note(session, deed, now)
    return collected


async def logins_of(
    mint: Mint, wanted: Sequence[Stored], held: Mapping[str, MintedLogin], now: datetime
) -> Collected:
    """The logins of these registries, each tried for itself; `held` are minted ones, by id."""
    answers = await asyncio.gather(
        *(_entry(mint, one, held.get(one.registry.id), now) for one in wanted)
    )
    entries = tuple(one for one in answers if isinstance(one, Entry))
    left_out = tuple(one for one in answers if isinstance(one, tuple))
    return Collected(entries, left_out)


def _wanted(found: Sequence[Stored], names: Sequence[str], environment: str) -> list[Stored]:
    by_name = {one.registry.name: one for one in found}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise NotFound(f"There is no registry {unknown[0]}.")
    if names:
        return [by_name[name] for name in dict.fromkeys(names)]
    return for_environment(found, environment)


def for_environment(found: Sequence[Stored], environment: str) -> list[Stored]:
    """Those that serve an environment: of several for the same images the best one in front.

    That is one that is proven, then one that is for this environment alone.
    """
    wanted = [
        one for one in found if environment == ANY or one.registry.environment in (ANY, environment)
    ]
    return sorted(
        wanted,
        key=lambda one: (
            one.registry.verdict != Verdict.PROVEN,
            one.registry.environment == ANY,
            one.registry.name,
        ),
    )


def refused(row: Registry) -> bool:
    """Whether its credential is known to be refused; one odd answer takes no login away."""
    if row.verdict != Verdict.REFUSED:
        return False
    health = stored_health(row.health_json)
    return health.trouble is Trouble.REFUSED or not health.ever_proven


async def _entry(
    mint: Mint, stored: Stored, held: MintedLogin | None, now: datetime
) -> Entry | tuple[str, str] | None:
    """The login of one registry, or why it has none; nothing to say of an anonymous one."""
    row = stored.registry
    if row.broken or refused(row):
        return row.name, row.broken or REFUSED
    try:
        login = await mint.login(stored, held, now)
    except (NoLogin, Undecryptable) as error:
        return row.name, str(error)
    except KeyError:  # an answer that the kind needs is not stored
        return row.name, INCOMPLETE
    if login is None:
        return None
    entry = Entry(row.name, canonical_host(row.host), gate.scope_of(row.url, row.path_scope), login)
    fault = faults(entry)
    return (row.name, fault) if fault else entry
