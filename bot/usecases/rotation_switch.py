"""The moment a new credential takes the place of the old one, in all registries that share it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import rotation as life
from bot.core.check import CheckResult, Verdict
from bot.core.config import Config
from bot.core.health import replaced
from bot.core.incident import Phase
from bot.core.rotation import GRACE, Step
from bot.core.schedule import interval
from bot.core.secret import Secret
from bot.core.timestamp import read, written
from bot.kinds.form import login_of, shown_login
from bot.kinds.sharing import anywhere, kinds_like
from bot.store import audit, checks, credentials, registries, rotations, workspaces
from bot.store.registries import Stored
from bot.store.rotations import GUIDED, Entry
from bot.store.schema import (
    CURRENT,
    NEXT,
    Credential,
    Registry,
    RotationMember,
    RotationRow,
)
from bot.usecases import rotation_letters
from bot.usecases.consequences import close
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import stored_values
from bot.usecases.judging import forget_secret, judge
from bot.usecases.stored_states import stored_health


@dataclass(frozen=True, slots=True)
class Plan:
    """How a rotation goes on once the new credential is proven; kept with the draft.

    `switch_at` None: at once.
    """

    grace: timedelta = GRACE
    switch_at: datetime | None = None

    def dump(self) -> str:
        return json.dumps(
            {"grace": self.grace.total_seconds(), "switch_at": written(self.switch_at)}
        )

    @classmethod
    def parse(cls, text: str) -> Plan:
        found = json.loads(text)
        return cls(timedelta(seconds=float(found["grace"])), read(found, "switch_at"))


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A registry that gets the new credential, how it signs in with it, and what that showed."""

    registry: Registry
    credential: Credential
    entry: Entry
    result: CheckResult | None = None


async def sharing(session: AsyncSession, stored: Stored) -> Sequence[Registry]:
    """The other registries that have the credential of this one."""
    row, held = stored.registry, stored.credential
    mark = held.fingerprint if held else ""
    kinds = kinds_like(row.kind)
    return await rotations.sharing(session, row, mark, kinds, anywhere=anywhere(row.kind))


def entry_of(row: Registry) -> Entry:
    """How a stored registry signs in now."""
    return Entry(row.url, row.variant, row.login, stored_values(row))


def with_new(row: Registry, lead: Registry, config: Config) -> Config:
    """How a registry that shares the credential of `lead` signs in with the new one.

    Of the answers that are not secret those change that are the credential's own, such as the
    access key id: what was the same at both and is another one now.
    """
    before, mine = stored_values(lead), stored_values(row)
    changed = {
        name: value
        for name, value in config.values.items()
        if before.get(name) != value and mine.get(name) == before.get(name)
    }
    return Config(
        kind=row.kind,
        variant=row.variant,
        url=row.url,
        values={**mine, **changed},
        secrets=dict(config.secrets),
        path_scope=row.path_scope,
        test_image=row.test_image,
        references=dict(config.references),
    )


def entry_for(config: Config) -> Entry:
    return Entry(config.url, config.variant, login_of(config), dict(config.values))


def next_credential(
    deps: Deps, row: Registry, config: Config, now: datetime, by: str
) -> Credential:
    """The new credential of a registry, sealed and not yet in force."""
    credential = Credential(
        id=uuid4().hex,
        team_id=row.team_id,
        registry_id=row.id,
        state=NEXT,
        login=login_of(config),
        shown_login=shown_login(config),
        stored_at=now,
        stored_by=by,
    )
    secrets: Mapping[str, Secret] = config.secrets
    return credentials.sealed(credential, secrets, deps.store.keyring, config.references)


def opened(lead: Registry, mode: str, now: datetime, by: str) -> RotationRow:
    """A rotation that is begun at this registry; its state is still to be settled."""
    return RotationRow(
        id=uuid4().hex,
        team_id=lead.team_id,
        registry_id=lead.id,
        mode=mode,
        phase="",
        state_json="{}",
        opened_at=now,
        opened_by=by,
    )


async def member_of(
    session: AsyncSession, row: RotationRow, registry: Registry, new_id: str = "", after: str = "{}"
) -> RotationMember:
    """What a rotation replaces at one registry, and by what where that is known already."""
    held = await credentials.current(session, registry.id)
    return RotationMember(
        rotation_id=row.id,
        registry_id=registry.id,
        old_credential_id=held.id if held else "",
        new_credential_id=new_id,
        before_json=entry_of(registry).dump(),
        after_json=after,
    )


async def begin(
    session: AsyncSession,
    newcomers: Sequence[Newcomer],
    plan: Plan,
    now: datetime,
    by: str,
    *,
    mode: str = GUIDED,
) -> RotationRow:
    """Write a rotation down, and put the new credential in force unless that is planned for later.

    The first of the newcomers is the registry where it was begun. Their rows are locked.
    """
    row = opened(newcomers[0].registry, mode, now, by)
    members = [
        await member_of(session, row, one.registry, one.credential.id, one.entry.dump())
        for one in newcomers
    ]
    await rotations.add(session, row, members)
    if plan.switch_at is not None and plan.switch_at > now:
        step = life.plan(now, plan.switch_at, plan.grace, by)
        await settle(session, row, step, [one.registry for one in newcomers], now)
        return row
    results = {one.registry.id: one.result for one in newcomers}
    await put_in_force(session, row, members, results, now, by, plan.grace)
    return row


async def put_in_force(
    session: AsyncSession,
    row: RotationRow,
    members: Sequence[RotationMember],
    results: Mapping[str, CheckResult | None],
    now: datetime,
    by: str,
    grace: timedelta,
) -> None:
    """Switch every member; the old secrets are kept. In one transaction, or not at all."""
    switched = []
    for member in members:
        stored = await registries.locked(session, row.team_id, member.registry_id)
        before = Entry.parse(member.before_json)
        if stored is None or (stored.registry.url, stored.registry.variant) != (
            before.url,
            before.variant,
        ):
            # Deleted, or another address since: the new secret was proven elsewhere.
            await credentials.destroy(session, member.new_credential_id, now)
            continue
        await _switch(session, stored, member, results.get(member.registry_id), now, by)
        switched.append(stored.registry)
    await settle(session, row, life.switched(now, grace, by), switched, now)


async def put_back(
    session: AsyncSession, row: RotationRow, member: RotationMember, now: datetime, by: str
) -> Registry | None:
    """Put the old credential of one registry in force again; None when that cannot be."""
    stored = await registries.locked(session, row.team_id, member.registry_id)
    old = await credentials.find(session, member.old_credential_id)
    if stored is None or stored.credential is None or old is None or old.blob is None:
        return None
    before, after = Entry.parse(member.before_json), Entry.parse(member.after_json)
    registry = stored.registry
    moved = (registry.url, registry.variant) != (before.url, before.variant)
    if stored.credential.id != member.new_credential_id or moved:
        return None
    values = {**stored_values(registry)}
    values |= {
        name: value for name, value in before.values.items() if after.values.get(name) != value
    }
    fresh = replaced(stored_health(registry.health_json), proven=False)
    changed = _changed(stored, values, before.login, now, by)
    changed |= {"next_check_at": now, "health_json": json.dumps(fresh.to_json())}
    await registries.change(session, registry.id, registry.version, changed)
    await credentials.retire_current(session, registry.id, now)
    await credentials.change(session, old.id, {"state": CURRENT})
    deed = audit.Deed(row.team_id, by, "rotation_undone", registry.id, registry.name)
    await audit.note(session, deed, now)
    return registry


async def settle(
    session: AsyncSession,
    row: RotationRow,
    step: Step,
    of: Sequence[Registry],
    now: datetime,
) -> None:
    """Store the next state of a rotation and say what is to be said of it."""
    await rotations.put(session, row, step.rotation)
    await rotation_letters.say(session, row, step.rotation, step.says, of, now)


async def _switch(
    session: AsyncSession,
    stored: Stored,
    member: RotationMember,
    result: CheckResult | None,
    now: datetime,
    by: str,
) -> None:
    row = stored.registry
    before, after = Entry.parse(member.before_json), Entry.parse(member.after_json)
    changed = {
        name: value for name, value in after.values.items() if before.values.get(name) != value
    }
    values = _changed(stored, {**stored_values(row), **changed}, after.login, now, by)
    values |= await _judged(session, stored, member.new_credential_id, result, now, by)
    account = (row.team_id, row.host, row.login)
    signed_in = entry_of(row).dump()  # the change is seen in the row at once
    await registries.change(session, row.id, row.version, values)
    await credentials.keep_current(session, row.id)
    told = credentials.facts(result) if result else {}
    await credentials.change(session, member.new_credential_id, {**told, "state": CURRENT})
    if stored.credential is not None:
        # Since it was planned, somebody may have put in another one.
        member.old_credential_id = stored.credential.id
        member.before_json = signed_in
        session.add(member)
        await forget_secret(session, account, stored.credential.fingerprint)
    if result is not None and result.verdict is Verdict.PROVEN:
        await close(session, row, Phase.REPLACED, now, by)
    deed = audit.Deed(row.team_id, by, "credential_rotated", row.id, row.name, row.version + 1)
    await audit.note(session, deed, now)


async def _judged(
    session: AsyncSession,
    stored: Stored,
    credential_id: str,
    result: CheckResult | None,
    now: datetime,
    by: str,
) -> dict[str, Any]:
    """What the check of the new credential says of the registry; without one it is due now."""
    row = stored.registry
    health = stored_health(row.health_json)
    if result is None:
        fresh = replaced(health, proven=False) if health.trouble is None else health
        return {"health_json": json.dumps(fresh.to_json()), "next_check_at": now}
    subject = checks.Subject(row.team_id, row.id, credential_id, "save", by)
    record = await checks.record(session, subject, result)
    settings = await workspaces.settings(session, row.team_id)
    every = interval(settings.recheck_minutes, row.recheck_minutes)
    fresh = replaced(health, proven=result.verdict is Verdict.PROVEN)
    return {**registries.answer(record), **judge(row.id, fresh, result, now, every=every).columns()}


def _changed(
    stored: Stored, values: Mapping[str, str], login: str, now: datetime, by: str
) -> dict[str, Any]:
    row = stored.registry
    return {
        "values_json": json.dumps(dict(values), ensure_ascii=False),
        "login": login,
        "version": row.version + 1,
        "updated_at": now,
        "updated_by": by,
        "broken": "",
        "attempts": 0,
        "lease_until": None,
        "fence": row.fence + 1,
    }
