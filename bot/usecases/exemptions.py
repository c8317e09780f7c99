"""Exemptions: an image that may run for a while although no registry covers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.image import Reference
from bot.core.policy import canonical
from bot.errors import Conflict, InvalidInput, InvalidReference, NotFound
from bot.store import audit, outbox, workspaces
from bot.store import exemptions as rows
from bot.store.exemptions import ANNOUNCED, LAPSED, REMINDED
from bot.store.outbox import Letter
from bot.store.schema import ExemptionRow
from bot.usecases import gate
from bot.usecases.deps import Deps
from bot.usecases.permission import require_manager
from bot.usecases.saying import hearer_of

LONGEST: Final = timedelta(days=366)
REMINDED_BEFORE: Final = timedelta(days=1)
_BATCH: Final = 100
GONE: Final = "This exemption is over already."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a manager typed: which image, until when, why, and where that is written down."""

    image: str
    until: datetime
    reason: str
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class ExemptionView:
    """An exemption that holds, for people."""

    id: str
    image: str
    reason: str
    ticket: str
    until: datetime
    created_at: datetime
    created_by: str


async def exempt(deps: Deps, actor: Actor, wanted: Wanted) -> ExemptionView:
    """Let an image run until a time; of an image without a digest, the whole repository.

    Raises InvalidInput on `image`, `until` or `reason`, NotAllowed, or Conflict when a registry
    covers it anyway.
    """
    await require_manager(deps, actor, "exempt an image")
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, actor.team_id, now)
        row = await add(session, actor, wanted, now)
        await _announce(session, row, now)
        return view_of(row)


async def add(session: AsyncSession, actor: Actor, wanted: Wanted, now: datetime) -> ExemptionRow:
    """The same within a transaction, by a manager, without telling the channel."""
    image, reason = _checked(wanted, now), wanted.reason.strip()
    policy = await gate.load(session, actor.team_id, now)
    covered = policy.decide(image)
    if covered.allowed:
        raise Conflict(f"{image} needs no exemption: it belongs to {covered.registry}.")
    row = ExemptionRow(
        id=uuid4().hex,
        team_id=actor.team_id,
        image=image,
        reason=reason,
        ticket=wanted.ticket.strip(),
        until=wanted.until,
        told=ANNOUNCED,
        created_at=now,
        created_by=actor.user_id,
    )
    await rows.add(session, row)
    details = {"image": image, "until": wanted.until.isoformat(), "reason": reason}
    deed = audit.Deed(actor.team_id, actor.user_id, "image_exempted", details=details)
    await audit.note(session, deed, now)
    return row


async def end(deps: Deps, actor: Actor, exemption_id: str) -> ExemptionView:
    """End an exemption early; Conflict when it is over, NotFound, NotAllowed."""
    await require_manager(deps, actor, "end an exemption")
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        row = await rows.locked(session, actor.team_id, exemption_id)
        if row is None:
            raise NotFound("There is no such exemption.")
        if row.ended_at is not None or row.until <= now:
            raise Conflict(GONE)
        row.ended_at, row.ended_by = now, actor.user_id
        session.add(row)
        deed = audit.Deed(
            actor.team_id, actor.user_id, "exemption_ended", details={"image": row.image}
        )
        await audit.note(session, deed, now)
        return view_of(row)


async def in_force(deps: Deps, actor: Actor) -> list[ExemptionView]:
    """All that hold now, the one that lapses first in front."""
    async with deps.store.reading() as session:
        found = await rows.in_force(session, actor.team_id, await deps.store.now(session))
        return [view_of(row) for row in found]


async def tick_exemptions(deps: Deps) -> int:
    """Say a day ahead what will lapse, and what has lapsed; answers how many were told of."""
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        found = await rows.to_tell(session, now, now + REMINDED_BEFORE, _BATCH)
        for row in found:
            over = row.until <= now
            await _tell(session, row, "exemption_lapsed" if over else "exemption_lapsing", now)
            await rows.set_told(session, row.id, LAPSED if over else REMINDED)
        return len(found)


def view_of(row: ExemptionRow) -> ExemptionView:
    return ExemptionView(
        id=row.id,
        image=row.image,
        reason=row.reason,
        ticket=row.ticket,
        until=row.until,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _checked(wanted: Wanted, now: datetime) -> str:
    """The canonical repository, or one digest of it; InvalidInput for all faults at once."""
    faults: dict[str, str] = {}
    image = ""
    try:
        read = canonical(Reference.parse(wanted.image.strip()))
        image = str(Reference(read.host, read.repository, "", read.digest))
    except InvalidReference as error:
        faults["image"] = str(error)
    if not now < wanted.until <= now + LONGEST:
        faults["until"] = "Choose a day after today, at most a year from now."
    if not wanted.reason.strip():
        faults["reason"] = "Say why, for whoever reads this later."
    if faults:
        raise InvalidInput(faults)
    return image


async def _announce(session: AsyncSession, row: ExemptionRow, now: datetime) -> None:
    await _tell(session, row, "exemption_announced", now)


async def _tell(session: AsyncSession, row: ExemptionRow, what: str, now: datetime) -> None:
    to = await hearer_of(session, row.team_id, [])
    channel = to.channel or row.created_by
    values = {
        "image": row.image,
        "until": row.until.isoformat(),
        "by": row.created_by,
        "reason": row.reason,
        "ticket": row.ticket,
    }
    letter = Letter(row.team_id, f"{what}:{row.id}", channel, what, values)
    await outbox.put(session, letter, now)
