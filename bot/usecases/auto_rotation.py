"""Rotating by itself: what is written down before and after each call to the provider.

A step is begun in one transaction and ended in another; between them lies one call. Whoever takes
over a step that was begun and not ended asks the provider first.

A rotation begins with `start`, waits for `decide` where four eyes are wished for, and goes on with
each `advance`. The steps themselves are in auto_rotation_new and auto_rotation_old.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

import structlog

from bot.core import auto_rotation, rotation
from bot.core.auto_rotation import Step
from bot.core.rotation import Entry
from bot.errors import NotDone, StoreError, Unclear, Undecryptable
from bot.kinds.rotation.gateway import Rotators
from bot.store import registries, rotation_runs, rotations
from bot.store.rotation_runs import BEGAN, REFUSED, UNCLEAR
from bot.store.schema import RotationRow
from bot.usecases.auto_rotation_approval import decide
from bot.usecases.auto_rotation_end import fail, over, without
from bot.usecases.auto_rotation_new import issue, prepare, propose, prove, reconcile
from bot.usecases.auto_rotation_old import after_grace, after_stop, clean, disable, go_back, revoke
from bot.usecases.auto_rotation_start import start
from bot.usecases.auto_rotation_turn import After, Turn, only, turn_of
from bot.usecases.deps import Deps
from bot.usecases.rotation_switch import settle

log = structlog.get_logger(__name__)

BROKEN: Final = "Registrar could not make sense of the answer; its log says where."

__all__ = ("advance", "decide", "start")

ENDING: Final = frozenset({Step.RECONCILE, Step.CLEAN, Step.DISABLE, Step.REVOKE, Step.BACK})
TOLD_AFTER: Final = 3  # so many refusals to end a credential, and people hear of it


async def advance(deps: Deps, rotators: Rotators, claimed: RotationRow) -> None:
    """Do the next step of a claimed rotation; its end is written down under the same claim."""
    turn = await _begun(deps, rotators, claimed)
    if turn is None:
        return
    try:
        after = await _STEPS[turn.run.step](deps, rotators, turn)
    except NotDone as error:
        after = only(auto_rotation.refused, str(error), REFUSED)
    except (Unclear, Undecryptable) as error:
        after = only(auto_rotation.unclear, str(error), UNCLEAR)
    except StoreError:
        raise
    except Exception:  # an answer that nobody thought of; it is logged
        log.exception("step of a rotation broke", rotation=claimed.id, step=str(turn.run.step))
        after = only(auto_rotation.unclear, BROKEN, UNCLEAR)
    await _ended(deps, turn, after)


async def _begun(deps: Deps, rotators: Rotators, claimed: RotationRow) -> Turn | None:
    """Write down that the step is begun; None when there is nothing to do it with."""
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = await rotations.locked(session, claimed.id)
        if row is None or row.fence != claimed.fence:
            return None
        run = auto_rotation.begin(rotation_runs.run_of(row), now)
        lead = await registries.live_by_id(session, row.team_id, row.registry_id)
        turn = await turn_of(deps, session, rotators, row, run, lead)
        if turn is None:
            await without(session, row, run, now)
            return None
        if run.step is Step.ISSUE and run.in_place and not run.proposed:
            run = await propose(deps, session, turn, run, now)
            turn = replace(turn, run=run)
        await rotation_runs.put(session, row, run)
        await rotation_runs.note(session, row, run, BEGAN, now)
        return turn


_STEPS: Final[Mapping[Step, Callable[[Deps, Rotators, Turn], Awaitable[After]]]] = {
    Step.PREPARE: prepare,
    Step.ISSUE: issue,
    Step.RECONCILE: reconcile,
    Step.PROVE: prove,
    Step.CLEAN: clean,
    Step.GRACE: after_grace,
    Step.DISABLE: disable,
    Step.DISABLED: after_stop,
    Step.BACK: go_back,
    Step.REVOKE: revoke,
}


async def _ended(deps: Deps, turn: Turn, after: After) -> None:
    """Write down what a step led to, unless somebody else took over meanwhile."""
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = await rotations.locked(session, turn.row.id)
        if row is None or row.fence != turn.row.fence:
            return
        await rotation_runs.note(session, row, turn.run, after.outcome, now, after.detail)
        run = after.move(rotation_runs.run_of(row), now)
        if after.work is not None:
            run = await after.work(session, row, run, now)
        if run.step is Step.FAILED:
            await fail(session, turn, row, run, now)
        elif run.step is Step.OVER:
            await over(session, turn, row, now)
        elif run.step in ENDING and run.tries == TOLD_AFTER:
            state = replace(rotations.state_of(row), why=run.why)
            step = rotation.Step(state, (Entry.NOT_ENDED,))
            await settle(session, row, step, [turn.lead.registry], now)
        row.lease_until = None
        await rotation_runs.put(session, row, run)
