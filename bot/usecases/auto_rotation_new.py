"""The steps until the new credential is in force: made at the provider, stored here, proven."""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core import auto_rotation
from bot.core.auto_rotation import Run
from bot.core.check import CheckResult, Verdict
from bot.core.secret import Secret
from bot.errors import Unclear
from bot.kinds.rotation.base import Issued
from bot.kinds.rotation.gateway import Rotators
from bot.store import credentials, registries, rotation_runs, rotations
from bot.store.rotation_runs import DONE, REFUSED, UNCLEAR
from bot.store.rotations import Entry as SignInWith
from bot.store.schema import NEXT, Credential, RotationRow
from bot.usecases.auto_rotation_end import close
from bot.usecases.auto_rotation_turn import After, Turn, config_of, only, revoking
from bot.usecases.deps import Deps
from bot.usecases.rotation_switch import entry_for, next_credential, put_in_force, with_new
from bot.usecases.rotation_trial import DEFINITE


async def prepare(deps: Deps, rotators: Rotators, turn: Turn) -> After:
    """Nothing is made before everything is known to be there."""
    result = await deps.checker.check(turn.old)
    if result.verdict is Verdict.REFUSED:
        return only(
            auto_rotation.refused, f"The old one is refused already. {result.sentence}", REFUSED
        )
    if result.verdict is not Verdict.PROVEN and result.verdict is not Verdict.UNPROVEN:
        raise Unclear(result.sentence)
    async with deps.store.reading() as session:
        mine = next(one for one in turn.members if one.registry_id == turn.row.registry_id)
        made = await rotation_runs.made(session, mine.old_credential_id)
    ready = await rotators.run(turn.old, turn.access, turn.provider.ready, made)
    if not ready.ready:
        return only(auto_rotation.refused, " ".join(ready.problems), REFUSED)
    return After(
        lambda run, now: auto_rotation.prepared(run, now, ready.handle, others=ready.others)
    )


async def propose(deps: Deps, session: AsyncSession, turn: Turn, run: Run, now: datetime) -> Run:
    """Store a secret before a provider is given it, so that no crash can lose it."""
    credential = Credential(
        id=uuid4().hex,
        team_id=turn.row.team_id,
        registry_id=turn.row.registry_id,
        state=NEXT,
        stored_at=now,
        stored_by=turn.row.opened_by,
    )
    proposed = {"proposed": Secret(f"Rg1{random.token_urlsafe(32)}")}
    session.add(credentials.sealed(credential, proposed, deps.store.keyring))
    await session.flush()
    return replace(run, proposed=credential.id)


async def issue(deps: Deps, rotators: Rotators, turn: Turn) -> After:
    proposed = await _proposed(deps, turn)
    lasts = await _lasts(deps, turn)
    made = await rotators.run(
        turn.old,
        turn.access,
        lambda errand: turn.provider.issue(errand, turn.run.label, lasts, proposed),
    )
    return _stored(deps, turn, made)


async def reconcile(deps: Deps, rotators: Rotators, turn: Turn) -> After:
    """A credential may have been made and is not known: learn it, or end it."""
    if turn.run.in_place:
        return await _reconcile_in_place(deps, rotators, turn)
    run, provider = turn.run, turn.provider
    assert run.since is not None
    since, until = run.since, (run.asked_at or run.since) + timedelta(seconds=rotators.long)
    found = await rotators.run(
        turn.old, turn.access, lambda errand: provider.labelled(errand, run.label, since, until)
    )
    ours = [one for one in found if one.handle not in {run.old_handle, *run.others}]
    for one in ours:
        await rotators.run(turn.old, turn.access, revoking(provider, one.handle))
    detail = ", ".join(one.handle for one in ours)
    return After(auto_rotation.reconciled, detail=f"ended: {detail}" if detail else "nothing made")


async def _reconcile_in_place(deps: Deps, rotators: Rotators, turn: Turn) -> After:
    proposed = await _proposed(deps, turn)
    made = await rotators.run(
        turn.old, turn.access, lambda errand: turn.provider.recover(errand, proposed)
    )
    if made is not None:
        return _stored(deps, turn, made)
    result = await deps.checker.check(turn.old)
    if result.verdict is Verdict.PROVEN:
        return After(auto_rotation.reconciled, detail="the old one still works")
    if result.verdict is Verdict.REFUSED and result.cause in DEFINITE:
        why = (
            "The provider ended the old credential, but its answer with the new one never came. "
            "Create another one and put it in, and end the one that nobody knows at the provider."
        )

        async def tell(session: AsyncSession, row: RotationRow, run: Run, now: datetime) -> Run:
            await close(session, turn, row, run.why, now, lost=True)
            return run

        return After(lambda run, now: auto_rotation.lost(run, now, why), DONE, why, tell)
    raise Unclear(result.sentence)


async def prove(deps: Deps, _rotators: Rotators, turn: Turn) -> After:
    """Three good answers everywhere, and the new one is put in force."""
    results = await _checked(deps, turn)
    bad = next((one for one in results.values() if one.verdict is not Verdict.PROVEN), None)
    if bad is not None:
        definite = bad.verdict is Verdict.REFUSED
        return After(
            lambda run, now: auto_rotation.proved(
                run, now, good=False, definite=definite, why=bad.sentence
            ),
            UNCLEAR,
            bad.sentence,
        )

    async def switch(session: AsyncSession, row: RotationRow, run: Run, now: datetime) -> Run:
        if not auto_rotation.new_works(run):
            return run
        return await _switch(session, turn, row, run, dict(results), now)

    return After(
        lambda run, now: auto_rotation.proved(run, now, good=True, definite=True), work=switch
    )


def _stored(deps: Deps, turn: Turn, made: Issued) -> After:
    """Seal what the provider made, for all members, in the transaction that ends the step."""

    async def keep(session: AsyncSession, row: RotationRow, run: Run, now: datetime) -> Run:
        members = await rotations.members(session, row.id)
        lead = turn.lead.registry
        first = replace(turn.old, values={**turn.old.values, **made.values}, secrets=made.secrets)
        for member in members:
            stored = await registries.live_by_id(session, row.team_id, member.registry_id)
            if stored is None:
                continue
            own = first if stored.registry.id == lead.id else with_new(stored.registry, lead, first)
            credential = next_credential(deps, stored.registry, own, now, row.opened_by)
            if made.expires_at is not None:
                credential.expires_at, credential.expires_source = made.expires_at, "provider"
            session.add(credential)
            await session.flush()
            member.new_credential_id, member.after_json = credential.id, entry_for(own).dump()
            session.add(member)
        if run.proposed:
            await credentials.destroy(session, run.proposed, now)
            run = replace(run, proposed="")
        if not run.in_place:
            return run
        return await _switch(session, turn, row, run, {}, now)

    return After(lambda run, now: auto_rotation.issued(run, now, made.handle), work=keep)


async def _switch(
    session: AsyncSession,
    turn: Turn,
    row: RotationRow,
    run: Run,
    results: Mapping[str, CheckResult | None],
    now: datetime,
) -> Run:
    """Put the new credential in force; one that is in place has no grace period."""
    members = await rotations.members(session, row.id)
    grace = timedelta() if run.in_place else rotations.state_of(row).grace
    await put_in_force(session, row, members, results, now, turn.row.opened_by, grace)
    return auto_rotation.in_force(run, now, now + grace)


async def _checked(deps: Deps, turn: Turn) -> dict[str, CheckResult]:
    """What the new credential shows at every member, by registry id."""
    found = {}
    for member in turn.members:
        async with deps.store.reading() as session:
            stored = await registries.live_by_id(session, turn.row.team_id, member.registry_id)
            credential = await credentials.find(session, member.new_credential_id)
        if stored is None or credential is None:
            continue
        config = config_of(deps, stored.registry, SignInWith.parse(member.after_json), credential)
        own = replace(
            config, path_scope=stored.registry.path_scope, test_image=stored.registry.test_image
        )
        found[member.registry_id] = await deps.checker.check(own)
    return found


async def _proposed(deps: Deps, turn: Turn) -> Secret:
    if not turn.run.proposed:
        return Secret("")
    async with deps.store.reading() as session:
        kept = await credentials.find(session, turn.run.proposed)
    return credentials.opened(kept, deps.store.keyring)["proposed"]


async def _lasts(deps: Deps, turn: Turn) -> timedelta:
    async with deps.store.reading() as session:
        found = await rotation_runs.policy(session, turn.row.registry_id)
    return timedelta(days=found.lasts_days) if found else auto_rotation.LASTS
