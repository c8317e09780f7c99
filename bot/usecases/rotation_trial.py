"""Whether the old secret of a rotation is dead: one careful try, beside one of the new secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.core import lockout, rotation
from bot.core.check import Cause, CheckResult, Verdict
from bot.core.config import Config
from bot.core.health import Health
from bot.core.reference import unpacked
from bot.core.rotation import Trial
from bot.errors import Undecryptable, Unresolved
from bot.store import accounts, credentials, registries
from bot.store.registries import Stored
from bot.store.rotations import Entry
from bot.store.schema import Credential, RotationMember
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import stored_config
from bot.usecases.judging import note_sign_in, sign_in
from bot.usecases.resolving import follow, not_resolved

DEFINITE: Final = frozenset({Cause.BAD_CREDENTIALS, Cause.EXPIRED, Cause.REVOKED})
SIGNED_IN: Final = frozenset(
    {Cause.MISSING_SCOPE, Cause.NO_ACCESS, Cause.SSO_REQUIRED, Cause.IDENTITY_MISMATCH}
)
NO_CONTROL: Final = (
    "The new credential is not proven at the moment, so a refusal of the old one shows nothing."
)
# Docker Hub blocks an account for about 15 minutes after several wrong sign-ins
# (docs.docker.com, usage and limits), so its two refusals are farther apart.
APART: Final[Mapping[str, timedelta]] = {"docker_hub": timedelta(minutes=15)}


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try showed, or until when it has to wait so that no account is locked."""

    trial: Trial
    why: str = ""
    wait_until: datetime | None = None


def apart(kind: str) -> timedelta:
    """How far apart two refusals must be to prove that a secret of this kind is dead."""
    return APART.get(kind, rotation.CONFIRM)


def judge(result: CheckResult) -> Tried:
    """What an answer to the old secret shows, when the new one was answered well just before."""
    if result.verdict is Verdict.REFUSED and result.cause in DEFINITE:
        return Tried(Trial.DEAD if lockout.failed_sign_in(result) else Trial.ALIVE)
    signed_in = result.cause in SIGNED_IN or result.cause is Cause.PAIR_NOT_PROVEN
    if result.verdict is Verdict.PROVEN or signed_in:
        return Tried(Trial.ALIVE)
    return Tried(Trial.UNKNOWN, result.sentence)


async def try_old(deps: Deps, team_id: str, member: RotationMember) -> Tried | None:
    """Try the old secret of a member; None when there is nothing to try it with or against."""
    async with deps.store.reading() as session:
        stored = await registries.live_by_id(session, team_id, member.registry_id)
        old = await credentials.find(session, member.old_credential_id)
    if stored is None or old is None:
        return None
    try:
        kept = credentials.opened(stored.credential, deps.store.keyring)
        new_config = await follow(deps, team_id, stored_config(stored.registry, kept))
        old_config = _old_config(deps, stored, old, member)
    except (Undecryptable, Unresolved) as error:
        return Tried(Trial.UNKNOWN, str(error))
    account = (team_id, old_config.host, Entry.parse(member.before_json).login)
    waiting = await _must_wait(deps, account, old.fingerprint)
    if waiting is not None:
        return Tried(Trial.UNKNOWN, wait_until=waiting)
    control = await deps.checker.check(new_config)
    if control.verdict is not Verdict.PROVEN:
        return Tried(Trial.UNKNOWN, NO_CONTROL)
    result = await deps.checker.check(old_config)
    await _remember(deps, account, old.fingerprint, result)
    return judge(result)


def _old_config(deps: Deps, stored: Stored, old: Credential, member: RotationMember) -> Config:
    """How the old secret signed in: at the address it was stored for, whatever was edited since."""
    row, before = stored.registry, Entry.parse(member.before_json)
    return Config(
        kind=row.kind,
        variant=before.variant,
        url=before.url,
        values=before.values,
        secrets=credentials.opened(old, deps.store.keyring),
    )


async def _must_wait(
    deps: Deps, account: tuple[str, str, str], fingerprint: str
) -> datetime | None:
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        guard = await accounts.guard(session, account)
    return lockout.wait(guard, fingerprint, now, by_person=False)


async def _remember(
    deps: Deps, account: tuple[str, str, str], fingerprint: str, result: CheckResult
) -> None:
    """A failed try of the old secret counts towards a lock-out like any other."""
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        seen = sign_in(account, fingerprint, result, Health(), now)
        if seen is not None and seen.failed:
            await note_sign_in(session, seen)


async def prove_next(deps: Deps, team_id: str, member: RotationMember) -> CheckResult | None:
    """What the next credential of a member shows; None when the registry is gone or moved."""
    async with deps.store.reading() as session:
        stored = await registries.live_by_id(session, team_id, member.registry_id)
        new = await credentials.find(session, member.new_credential_id)
    entry = Entry.parse(member.after_json)
    if stored is None or new is None or stored.registry.url != entry.url:
        return None
    row = stored.registry
    secrets, references = unpacked(credentials.opened(new, deps.store.keyring))
    kept = Config(
        kind=row.kind,
        variant=entry.variant,
        url=entry.url,
        values=entry.values,
        secrets=secrets,
        path_scope=row.path_scope,
        test_image=row.test_image,
        references=references,
    )
    try:
        config = await follow(deps, team_id, kept, entry.login)
    except Unresolved as error:
        return not_resolved(error, deps.clock.now())
    return await deps.checker.check(config)
