"""Which credentials Registrar rotates by itself, when, and what it needs for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.config import Config
from bot.core.reference import reference_in
from bot.core.rotation import GRACE_MOST
from bot.core.rotation_schedule import DAYS_MOST, Wish, due_at, opens_at
from bot.core.secret import Secret
from bot.errors import Conflict, InvalidInput, NotDone, RegistrarError, Unclear
from bot.kinds.base import Field
from bot.kinds.rotation.base import Provider, Readiness, Right, Strategy
from bot.kinds.rotation.gateway import Rotators
from bot.store import audit, credentials, registries, rotation_runs, workspaces
from bot.store.registries import Stored
from bot.store.schema import Credential, RotationPolicy
from bot.usecases import auto_rotation, page_only
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import stored_config
from bot.usecases.draft_begin import refuse_another
from bot.usecases.drafts import Page
from bot.usecases.permission import require_manager
from bot.usecases.registries import find
from bot.usecases.resolving import owned_elsewhere

NO_REFERENCE: Final = (
    "This looks like a reference. Only a registry's own secret may be one; type the secret here."
)
GRACE_HOURS_MOST: Final = GRACE_MOST.days * 24
BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a manager wishes for one registry."""

    enabled: bool
    at_age_days: int | None = None
    before_expiry_days: int | None = None
    lasts_days: int = 90
    grace_hours: int = 24


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A registry's policy, and what its provider needs.

    `unsuited` is a sentence on why it cannot be rotated by itself; then nothing else matters.
    `fields` are the answers that the provider asks for (name and label), `held` says whether they
    are stored. `next_at` is when it is rotated next.
    """

    name: str
    kind: str
    wanted: Wanted
    version: int
    unsuited: str = ""
    strategy: Strategy | None = None
    rights: tuple[Right, ...] = ()
    fields: tuple[Field, ...] = ()
    held: bool = False
    next_at: datetime | None = None
    registry_id: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What would be done, step by step, and what is missing for it; nothing was done.

    `notes` hinder nothing, but are good to know before.
    """

    name: str
    steps: tuple[str, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


async def view(deps: Deps, rotators: Rotators, actor: Actor, name: str) -> PolicyView:
    """The policy of a registry; anyone may look. Raises NotFound."""
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        stored = await find(session, actor, name)
        found = await rotation_runs.policy(session, stored.registry.id)
        settings = await workspaces.settings(session, actor.team_id)
        made = await _made_here(session, stored.credential)
    wanted = _wanted(found)
    _, provider, reason = _provider(deps, rotators, stored)
    if provider is None or stored.credential is None:
        version = found.version if found else 0
        return PolicyView(name, stored.registry.kind, wanted, version, unsuited=reason)
    hours, frozen = settings.preferences.work_hours, settings.preferences.freeze_until
    due = _due(found, stored.credential, made=made) if wanted.enabled else None
    return PolicyView(
        name,
        stored.registry.kind,
        wanted,
        found.version if found else 0,
        strategy=provider.strategy,
        rights=provider.rights,
        fields=provider.fields,
        held=found is not None and found.access_blob is not None,
        next_at=opens_at(due, now, hours, frozen) if due else None,
        registry_id=stored.registry.id,
    )


async def change(
    deps: Deps,
    rotators: Rotators,
    actor: Actor,
    name: str,
    version: int,
    wanted: Wanted,
    access: Mapping[str, Secret],
    *,
    registry_id: str = "",
    page: Page | None = None,
) -> PolicyView:
    """Store a policy that was read at `version`; blank `access` keeps what is stored.

    `registry_id` is that of the registry it was read for; an empty one is nobody's form.

    `page` is as for `drafts.begin`; it is given no draft.

    Managers only. Raises InvalidInput, NotFound, or Conflict when somebody was faster or it cannot
    be rotated by itself.
    """
    await require_manager(deps, actor, "let a credential be rotated", name)
    before = await view(deps, rotators, actor, name)
    if before.unsuited and wanted.enabled:
        raise Conflict(before.unsuited)
    _validate(wanted, before, access)
    async with deps.store.transaction() as session:
        if page is not None:
            await page(session, "")
        elif access:
            await page_only.refuse_typed(session, actor.team_id)
        now = await deps.store.now(session)
        stored = await find(session, actor, name)
        refuse_another(registry_id, stored.registry.id, name)
        found = await rotation_runs.policy(session, stored.registry.id)
        if (found.version if found else 0) != version:
            raise Conflict("Somebody else changed this meanwhile. Open it again to see what.")
        row = found or RotationPolicy(
            registry_id=stored.registry.id,
            team_id=actor.team_id,
            updated_at=now,
            updated_by=actor.user_id,
        )
        row.enabled, row.at_age_days = wanted.enabled, wanted.at_age_days
        row.before_expiry_days, row.lasts_days = wanted.before_expiry_days, wanted.lasts_days
        row.grace_hours, row.version = wanted.grace_hours, version + 1
        row.updated_at, row.updated_by = now, actor.user_id
        if access:
            rotation_runs.with_access(row, access, deps.store.keyring, stored.registry.url)
        session.add(row)
        deed = audit.Deed(
            actor.team_id,
            actor.user_id,
            "rotation_policy_changed",
            stored.registry.id,
            name,
            details={"enabled": "yes" if wanted.enabled else "no"},
        )
        await audit.note(session, deed, now)
    return await view(deps, rotators, actor, name)


async def check_wanted(deps: Deps, actor: Actor, name: str, wanted: Wanted) -> None:
    """Refuse what is wrong whatever its secrets will be. Managers only; raises InvalidInput."""
    await require_manager(deps, actor, "let a credential be rotated", name)
    if faults := _faults(wanted):
        raise InvalidInput(faults)


async def rotate_now(deps: Deps, rotators: Rotators, actor: Actor, name: str) -> str:
    """Begin a rotation; the id of it. With four eyes, another manager has to approve it.

    Managers only. Raises NotFound, or Conflict where it cannot be rotated so, is being rotated, was
    replaced meanwhile, or rotations are frozen.
    """
    await require_manager(deps, actor, "rotate a credential", name)
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        stored = await find(session, actor, name)
        settings = await workspaces.settings(session, actor.team_id)
    frozen = settings.preferences.freeze_until
    if frozen is not None and frozen > now:
        raise Conflict(f"Rotations are frozen until {frozen:%Y-%m-%d %H:%M} UTC.")
    row = await auto_rotation.start(
        deps,
        rotators,
        stored,
        actor.user_id,
        ask=settings.preferences.four_eyes,
    )
    return row.id


async def diagnose(deps: Deps, rotators: Rotators, actor: Actor, name: str) -> Diagnosis:
    """What a rotation would do and what is missing, asked without side effects."""
    async with deps.store.reading() as session:
        stored = await find(session, actor, name)
        found = await rotation_runs.policy(session, stored.registry.id)
        held = stored.credential
        made = await rotation_runs.made(session, held.id) if held else ""
    config, provider, reason = _provider(deps, rotators, stored)
    if config is None or provider is None:
        return Diagnosis(name, (), (reason,))
    try:
        access = rotation_runs.access(found, deps.store.keyring, config.url)
        ready = await rotators.run(config, access, provider.ready, made)
    except (NotDone, Unclear) as error:
        ready = Readiness(problems=(str(error),))
    grace = found.grace_hours if found else 24
    return Diagnosis(name, _steps(provider, grace), ready.problems, ready.notes)


async def tick_rotation_policies(deps: Deps, rotators: Rotators, batch: int = BATCH) -> int:
    """Begin what is due, at work and outside of a freeze; answers how many were begun.

    All policies are looked at, `batch` of them at a time.
    """
    begun, after = 0, ""
    while True:
        async with deps.store.reading() as session:
            now = await deps.store.now(session)
            found = await rotation_runs.enabled(session, batch, after)
        for one, held in found:
            if _may_be_due(one, held, now):
                begun += await _begin_if_due(deps, rotators, one.registry_id, one.team_id, now)
        if len(found) < batch:
            return begun
        after = found[-1][0].registry_id


async def _begin_if_due(
    deps: Deps, rotators: Rotators, registry_id: str, team_id: str, now: datetime
) -> int:
    async with deps.store.reading() as session:
        stored = await registries.live_by_id(session, team_id, registry_id)
        policy = await rotation_runs.policy(session, registry_id)
        settings = await workspaces.settings(session, team_id)
        if stored is None or stored.credential is None or policy is None:
            return 0
        busy = await rotation_runs.open_or_late(session, registry_id, now)
        made = await _made_here(session, stored.credential)
    due = _due(policy, stored.credential, made=made)
    hours, frozen = settings.preferences.work_hours, settings.preferences.freeze_until
    if busy or due is None or due > now or opens_at(due, now, hours, frozen) > now:
        return 0
    try:
        # Whoever switched it on is the first pair of eyes.
        ask = settings.preferences.four_eyes
        await auto_rotation.start(deps, rotators, stored, policy.updated_by, ask=ask)
    except RegistrarError:
        return 0  # another registry or process was faster, or it was deleted meanwhile
    return 1


def _wanted(found: RotationPolicy | None) -> Wanted:
    if found is None:
        return Wanted(enabled=False)
    return Wanted(
        found.enabled,
        found.at_age_days,
        found.before_expiry_days,
        found.lasts_days,
        found.grace_hours,
    )


def _due(found: RotationPolicy | None, held: Credential, *, made: bool) -> datetime | None:
    """When it is wished for; `made` says that a rotation made the credential in force.

    A robot whose secret was replaced is as old as before and ends when it would have ended: the age
    of the secret counts, and an end that a rotation did not move is not a reason for another.
    """
    if found is None:
        return None
    wish = Wish(found.at_age_days, found.before_expiry_days)
    if not made:
        return due_at(wish, held.issued_at or held.stored_at, held.expires_at)
    before = due_at(Wish(None, wish.before_expiry_days), held.stored_at, held.expires_at)
    moved = before is not None and before > held.stored_at
    return due_at(wish, held.stored_at, held.expires_at if moved else None)


def _may_be_due(found: RotationPolicy, held: Credential, now: datetime) -> bool:
    """Whether more has to be asked to know; seldom, of all that are looked at each time."""
    times = [_due(found, held, made=made) for made in (False, True)]
    return any(due is not None and due <= now for due in times)


async def _made_here(session: AsyncSession, held: Credential | None) -> bool:
    return held is not None and bool(await rotation_runs.made(session, held.id))


def _provider(
    deps: Deps, rotators: Rotators, stored: Stored
) -> tuple[Config | None, Provider | None, str]:
    """How it signs in, and who can rotate that; or why nobody can."""
    if why := owned_elsewhere(credentials.source_of(stored.credential)):
        return None, None, why
    config = _config(deps, stored)
    if config is None:
        return None, None, "It has no secret to rotate."
    return config, *rotators.find(config)


def _config(deps: Deps, stored: Stored) -> Config | None:
    if stored.credential is None or stored.credential.blob is None:
        return None
    opened = credentials.opened(stored.credential, deps.store.keyring)
    return stored_config(stored.registry, opened) if opened else None


def _validate(wanted: Wanted, before: PolicyView, access: Mapping[str, Secret]) -> None:
    faults = _faults(wanted)
    missing = [one for one in before.fields if one.required and not access.get(one.name)]
    if wanted.enabled and not before.held:
        faults |= {one.name: f"{one.label} is needed to rotate it." for one in missing}
    elif access and missing:
        faults |= {one.name: "Give all of these, or none." for one in missing}
    faults |= {name: NO_REFERENCE for name, one in access.items() if reference_in(one)}
    if faults:
        raise InvalidInput(faults)


def _faults(wanted: Wanted) -> dict[str, str]:
    """What is wrong with its numbers."""
    faults = {}
    for name in ("at_age_days", "before_expiry_days"):
        days = getattr(wanted, name)
        if days is not None and not 1 <= days <= DAYS_MOST:
            faults[name] = f"Between 1 and {DAYS_MOST} days, or blank."
    if wanted.enabled and wanted.at_age_days is None and wanted.before_expiry_days is None:
        faults["at_age_days"] = "Say at which age, or how many days before it expires."
    if not 1 <= wanted.lasts_days <= 365:
        faults["lasts_days"] = "Between 1 and 365 days."
    if not 0 <= wanted.grace_hours <= GRACE_HOURS_MOST:
        faults["grace_hours"] = f"Between 0 and {GRACE_HOURS_MOST} hours."
    return faults


def _steps(provider: Provider, grace: int) -> tuple[str, ...]:
    """What a rotation does, in order, in words."""
    if provider.strategy is Strategy.IN_PLACE:
        return (
            "Have the provider replace the secret; the old one is dead from then on.",
            "Put the new one in force in every registry that shares it.",
            "Try the old one until it was refused twice, and destroy it here.",
        )
    ending = [f"Keep the old one for {grace} hours."]
    if provider.reversible:
        ending += ["Stop the old one at the provider.", f"Wait for {grace} hours more."]
    return (
        "Make a new credential, with Registrar's label where the provider takes one.",
        "Check it three times, in every registry that shares the old one.",
        "Put it in force in all of them at once.",
        *ending,
        "Delete the old one at the provider.",
        "Try the old one until it was refused twice, and destroy it here.",
    )
