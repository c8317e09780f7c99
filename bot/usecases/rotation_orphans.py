"""What automatic rotations may have left at providers: it bears our label and nobody knows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.access import Actor
from bot.errors import NotDone, Unclear, Unresolved
from bot.kinds.rotation.gateway import Rotators
from bot.store import credentials, registries, rotation_runs, rotations
from bot.store.schema import RotationRow
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import stored_config
from bot.usecases.resolving import follow


@dataclass(frozen=True, slots=True)
class Orphan:
    """A credential at a provider; `handle` is its own name for it."""

    registry: str
    handle: str
    made_at: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """The orphans, and which registries could not be looked at (name, sentence)."""

    orphans: tuple[Orphan, ...]
    unseen: tuple[tuple[str, str], ...]


async def find(deps: Deps, rotators: Rotators, actor: Actor) -> Found:
    """Ask the provider of every automatic rotation what bears its label. Changes nothing."""
    async with deps.store.reading() as session:
        rows = await rotation_runs.all_of(session, actor.team_id)
    orphans: list[Orphan] = []
    unseen: dict[str, str] = {}
    for row in rows:
        try:
            orphans += await _of(deps, rotators, row)
        except (NotDone, Unclear) as error:
            async with deps.store.reading() as session:
                stored = await registries.live_by_id(session, row.team_id, row.registry_id)
            unseen[stored.registry.name if stored else row.registry_id] = str(error)
    return Found(tuple(dict.fromkeys(orphans)), tuple(unseen.items()))


async def _of(deps: Deps, rotators: Rotators, row: RotationRow) -> list[Orphan]:
    run = rotation_runs.run_of(row)
    async with deps.store.reading() as session:
        stored = await registries.live_by_id(session, row.team_id, row.registry_id)
        members = await rotations.members(session, row.id)
        made = [await credentials.find(session, one.new_credential_id) for one in members]
        policy = await rotation_runs.policy(session, row.registry_id)
    if stored is None or stored.credential is None or run.since is None:
        return []
    known = {run.old_handle, *run.others}
    if any(one is not None and one.blob is not None for one in made):
        known.add(run.new_handle)
    kept = stored_config(stored.registry, credentials.opened(stored.credential, deps.store.keyring))
    try:
        config = await follow(deps, row.team_id, kept)
    except Unresolved as error:
        raise NotDone(str(error)) from None
    provider, _ = rotators.find(config)
    if provider is None:
        return []
    since, until = run.since, deps.clock.now()
    access = rotation_runs.access(policy, deps.store.keyring, config.url)
    found = await rotators.run(
        config, access, lambda errand: provider.labelled(errand, run.label, since, until)
    )
    name = stored.registry.name
    return [Orphan(name, one.handle, one.made_at) for one in found if one.handle not in known]
