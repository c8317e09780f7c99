"""One step of an automatic rotation: what it works with, and what it leads to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.auto_rotation import Run
from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.rotation.base import Errand, Provider
from bot.kinds.rotation.gateway import Rotators
from bot.store import credentials, rotation_runs, rotations
from bot.store.registries import Stored
from bot.store.rotation_runs import DONE
from bot.store.rotations import Entry as SignInWith
from bot.store.schema import Credential, Registry, RotationMember, RotationRow
from bot.usecases.deps import Deps


@dataclass(frozen=True, slots=True)
class Turn:
    """One step of one rotation: the row as it was claimed, and all that the step works with."""

    row: RotationRow
    run: Run
    provider: Provider
    access: Mapping[str, Secret]
    lead: Stored
    members: Sequence[RotationMember]
    old: Config
    new: Config | None


@dataclass(frozen=True, slots=True)
class After:
    """What a step leads to: written in one transaction with whatever `work` does besides."""

    move: Callable[[Run, datetime], Run]
    outcome: str = DONE
    detail: str = ""
    work: Callable[[AsyncSession, RotationRow, Run, datetime], Awaitable[Run]] | None = None


def only(move: Callable[[Run, datetime, str], Run], why: str, outcome: str) -> After:
    """What a refusal or a doubt leads to, with its sentence."""
    return After(lambda run, now: move(run, now, why), outcome, why)


async def turn_of(
    deps: Deps,
    session: AsyncSession,
    rotators: Rotators,
    row: RotationRow,
    run: Run,
    lead: Stored | None,
) -> Turn | None:
    """What the step of a claimed row works with; None when a part of it is gone."""
    members = await rotations.members(session, row.id)
    mine = next((one for one in members if one.registry_id == row.registry_id), None)
    if lead is None or mine is None:
        return None
    old_row = await credentials.find(session, mine.old_credential_id)
    if old_row is None or old_row.blob is None:
        return None
    old = config_of(deps, lead.registry, SignInWith.parse(mine.before_json), old_row)
    new_row = await credentials.find(session, mine.new_credential_id)
    new = None
    if new_row is not None and new_row.blob is not None and mine.after_json != "{}":
        new = config_of(deps, lead.registry, SignInWith.parse(mine.after_json), new_row)
    provider, _ = rotators.find(old)
    if provider is None:
        return None
    found = await rotation_runs.policy(session, row.registry_id)
    access = rotation_runs.access(found, deps.store.keyring, old.url)
    return Turn(row, run, provider, access, lead, members, old, new)


def config_of(deps: Deps, row: Registry, entry: SignInWith, credential: Credential) -> Config:
    """How to sign in with one credential, at the address that it was stored for."""
    return Config(
        kind=row.kind,
        variant=entry.variant,
        url=entry.url,
        values=entry.values,
        secrets=credentials.opened(credential, deps.store.keyring),
        path_scope=row.path_scope,
    )


def in_force(turn: Turn) -> Config:
    """The old credential cannot well be asked to end itself; the new one does that."""
    return turn.new or turn.old


def revoking(provider: Provider, handle: str) -> Callable[[Errand], Awaitable[None]]:
    """The errand that ends one credential at the provider."""

    async def revoke(errand: Errand) -> None:
        await provider.revoke(errand, handle)

    return revoke
