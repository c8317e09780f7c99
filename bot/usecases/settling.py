"""Writing down what a batch of retests found: one transaction for everything that follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store import answers, claims, credentials, day_counts, outbox, registries
from bot.store.outbox import Letter
from bot.store.registries import Stored
from bot.usecases.consequences import about, follow
from bot.usecases.deps import Deps
from bot.usecases.judging import note_sign_in
from bot.usecases.retest import Finished, Outcome
from bot.usecases.saying import hearer_of


async def settle(deps: Deps, finished: Sequence[Finished]) -> list[Outcome]:
    """Write outcomes whose claims still hold, with all they lead to; answers these outcomes.

    The others were taken over by another worker, or changed by a person, and are forgotten. What
    the provider saw is remembered in any case.
    """
    outcomes = [one for some in finished for one in some.outcomes]
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        held = await answers.still_held(session, [one.answer for one in outcomes])
        kept = [one for one in outcomes if one.row.id in held]
        for alike in _by_columns(kept):
            await answers.write(session, [one.answer for one in alike])
        done = [(one.row.id, one.answer.record) for one in kept if one.answer.record is not None]
        await day_counts.add(session, [(name, told["at"], told["verdict"]) for name, told in done])
        for one in kept:
            if one.facts:
                await credentials.change(session, one.row.credential_id, one.facts)
            if one.effects:
                stored = await _stored(session, one)
                if stored is not None:
                    await follow(session, stored, one.effects, now)
            if one.parked:
                await _tell_parked(deps, session, one)
        for some in finished:
            for seen in some.sign_ins:
                await note_sign_in(session, seen)
        await claims.release_accounts(session, [some.held for some in finished if some.held])
    return kept


def _by_columns(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    """Outcomes that set the same columns, together: one statement each."""
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(tuple(one.answer.columns), []).append(one)
    return list(groups.values())


async def _stored(session: AsyncSession, one: Outcome) -> Stored | None:
    return await registries.live_by_id(session, one.row.team_id, one.row.id)


async def _tell_parked(deps: Deps, session: AsyncSession, one: Outcome) -> None:
    """It could not be checked again and again: say so, once for each version of it."""
    stored = await _stored(session, one)
    if stored is None:
        return
    row = stored.registry
    to = await hearer_of(session, row.team_id, [row])
    if to.channel:
        values = about(row) | {"attempts": str(one.row.attempts - 1)}
        key = f"parked:{row.id}:{row.version}"
        letter = Letter(row.team_id, key, to.channel, "registry_parked", values)
        await outbox.put(session, letter, await deps.store.now(session))
