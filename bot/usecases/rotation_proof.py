"""The new credential of a rotation is proven wherever the old one is used, or nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.check import CheckResult, Verdict
from bot.core.config import Config
from bot.core.image import Reference
from bot.core.secret import Secret
from bot.errors import Conflict, InvalidInput, InvalidReference
from bot.store import checks, credentials, registries, rotations
from bot.store.registries import Stored
from bot.store.schema import NEXT, Credential, Draft, Registry, RotationMember
from bot.usecases import rotation_switch
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Parsed, fields_of
from bot.usecases.rotation_switch import Newcomer, Plan, entry_for, with_new
from bot.usecases.what_changed import overtaken

SAME: Final = "This is the credential that is in force. Create a new one and put that in."


def refuse_the_same(deps: Deps, base: Stored | None, parsed: Parsed) -> None:
    """InvalidInput when the secret is that in force, or when there is none to rotate."""
    if base is None or base.credential is None or not parsed.config.secrets:
        raise InvalidInput({"": "This registry has no secret to rotate."})
    if parsed.config.variant != base.registry.variant:
        raise InvalidInput({"": "Another way to sign in is an edit, not a rotation."})
    secrets: Mapping[str, Secret] = parsed.config.secrets
    fingerprint = deps.store.keyring.fingerprint(secrets, base.registry.team_id)
    if fingerprint == base.credential.fingerprint:
        fields = fields_of(base.registry.kind, base.registry.variant)
        name = next((one.name for one in fields if one.secret and one.required), "")
        raise InvalidInput({name: SAME})


async def with_seen_image(deps: Deps, team_id: str, config: Config) -> Config:
    """The same with a test image: without one of its own, the one that was seen in use last."""
    if config.test_image:
        return config
    place = "/".join(part for part in (config.host, config.path_scope) if part)
    async with deps.store.reading() as session:
        seen = await rotations.seen_image(session, team_id, place)
    try:
        image = Reference.parse(seen) if seen else None
    except InvalidReference:
        return config
    if image is None or not (image.tag or image.digest):
        return config
    version = f"@{image.digest}" if image.digest else f":{image.tag}"
    return replace(config, test_image=image.repository + version)


async def prove_others(deps: Deps, draft: Draft, config: Config) -> dict[str, CheckResult]:
    """What the new credential shows at the other registries that share the old one, by id."""
    async with deps.store.reading() as session:
        lead, others = await _sharing(session, draft)
    wanted = [with_new(row, lead, config) for row in others]
    results = await asyncio.gather(*(deps.checker.check(one) for one in wanted))
    return {row.id: result for row, result in zip(others, results, strict=True)}


def failed_elsewhere(others: Mapping[str, CheckResult], result: CheckResult) -> CheckResult:
    """The first bad answer of another registry, or else the good one of the first."""
    bad = next((one for one in others.values() if one.verdict is not Verdict.PROVEN), None)
    if bad is None:
        return result
    sentence = (
        "The new credential works here, but not at another registry that shares the old one, so "
        f"nothing was switched. There: {bad.sentence}"
    )
    return replace(bad, sentence=sentence, evidence=())


async def rotate(
    deps: Deps,
    session: AsyncSession,
    actor: Actor,
    draft: Draft,
    credential: Credential,
    config: Config,
    others: Mapping[str, CheckResult],
) -> None:
    """The draft becomes the new credential, of all registries that share the old one.

    In the transaction of the save. Without answers of the others they are checked at once after.
    """
    now = deps.clock.now()
    before = await registries.locked(session, actor.team_id, draft.registry_id)
    if before is None:
        raise Conflict("Somebody deleted this registry while you were rotating its credential.")
    lead = before.registry
    if lead.version != draft.base_version:
        raise await overtaken(session, lead, draft.base_version, draft.id)
    _, sharing = await _sharing(session, draft)
    record = await checks.find(session, draft.check_id) if draft.check_id else None
    told = checks.result_of(record) if record else None
    newcomers = [Newcomer(lead, credential, entry_for(config), told)]
    for row in sharing:
        own = with_new(row, lead, config)
        made = rotation_switch.next_credential(deps, row, own, now, actor.user_id)
        session.add(made)
        newcomers.append(Newcomer(row, made, entry_for(own), others.get(row.id)))
    await session.flush()
    await credentials.change(session, credential.id, {"state": NEXT})
    await rotation_switch.begin(
        session, newcomers, Plan.parse(draft.rotation_json), now, actor.user_id
    )


async def begun_with(deps: Deps, draft: Draft) -> str:
    """The id of the rotation that began with a draft; empty when there is none."""
    async with deps.store.reading() as session:
        mine = col(RotationMember.new_credential_id) == draft.credential_id
        found = await session.exec(select(RotationMember.rotation_id).where(mine))
        return found.first() or ""


async def _sharing(session: AsyncSession, draft: Draft) -> tuple[Registry, Sequence[Registry]]:
    stored = await registries.live_by_id(session, draft.team_id, draft.registry_id)
    if stored is None or stored.credential is None:
        raise Conflict("Somebody deleted this registry while you were rotating its credential.")
    return stored.registry, await rotation_switch.sharing(session, stored)
