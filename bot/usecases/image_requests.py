"""“Ask to register this”: one message to the managers, a decision, and an answer to who asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.image import Reference
from bot.core.policy import canonical
from bot.errors import Conflict, InvalidInput, NotFound
from bot.store import audit, outbox, workspaces
from bot.store import image_requests as rows
from bot.store.image_requests import DECLINED, EXEMPTED, OPEN, REGISTERED
from bot.store.outbox import EDIT, POST, Letter
from bot.store.schema import ImageRequest
from bot.usecases import exemptions, gate
from bot.usecases.deps import Deps
from bot.usecases.exemptions import Wanted
from bot.usecases.permission import require_manager
from bot.usecases.saying import hearer_of

UNKNOWN: Final = "There is no such request."
NOBODY: Final = (
    "Nobody can be asked: no alert channel is set. A manager can choose one in the settings."
)


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as its message shows it."""

    id: str
    team_id: str
    repository: str
    image: str
    askers: tuple[str, ...]
    state: str
    decided_by: str = ""
    reason: str = ""
    until: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.state == OPEN


async def ask(deps: Deps, actor: Actor, text: str) -> RequestView:
    """Ask the managers to register what covers an image; a second asker joins the first.

    Raises InvalidReference, Conflict when it is allowed already, or NotFound when nobody can be
    asked.
    """
    image = canonical(Reference.parse(text))
    try:
        return await _ask(deps, actor, text, image)
    except IntegrityError:  # somebody asked for the same at the same moment; join them
        return await _ask(deps, actor, text, image)


async def _ask(deps: Deps, actor: Actor, text: str, image: Reference) -> RequestView:
    repository, now = f"{image.host}/{image.repository}", deps.clock.now()
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, actor.team_id, now)
        verdict = (await gate.load(session, actor.team_id, now)).decide(text, now=now)
        if verdict.allowed:
            raise Conflict(f"There is nothing to ask for: {verdict.reason}.")
        row = await rows.open_for(session, actor.team_id, repository)
        if row is None:
            row = await _begin(session, actor, repository, str(image), now)
        elif actor.user_id not in _askers(row):
            row.askers_json = json.dumps([*_askers(row), actor.user_id])
            await rows.put(session, row)
            await _edit(session, row, now)
        return view_of(row)


async def view(deps: Deps, team_id: str, request_id: str) -> RequestView:
    """A request of this workspace; NotFound."""
    async with deps.store.reading() as session:
        row = await rows.find(session, team_id, request_id)
    if row is None:
        raise NotFound(UNKNOWN)
    return view_of(row)


async def decline(deps: Deps, actor: Actor, request_id: str, reason: str) -> RequestView:
    """Say no, and why. Raises InvalidInput on `reason`, NotAllowed, NotFound, Conflict."""
    await require_manager(deps, actor, "decide on requests")
    if not reason.strip():
        raise InvalidInput({"reason": "Say why, for whoever asked."})
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        row = await _undecided(session, actor, request_id)
        await _decide(session, row, DECLINED, actor.user_id, now, reason=reason.strip())
        return view_of(row)


async def exempt(deps: Deps, actor: Actor, request_id: str, wanted: Wanted) -> RequestView:
    """Allow the repository until a time; raises what `exemptions.exempt` does, and Conflict."""
    await require_manager(deps, actor, "decide on requests")
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        row = await _undecided(session, actor, request_id)
        made = await exemptions.add(session, actor, wanted, now)
        await _decide(
            session, row, EXEMPTED, actor.user_id, now, reason=made.reason, until=made.until
        )
        return view_of(row)


async def settle_registered(session: AsyncSession, actor: Actor, now: datetime) -> None:
    """Answer every open request that the registrations cover now; in the transaction of a save."""
    open_ones = await rows.open_ones(session, actor.team_id)
    if not open_ones:
        return
    policy = await gate.load(session, actor.team_id, now)
    for row in open_ones:
        verdict = policy.decide(row.repository)
        if verdict.allowed:
            await _decide(session, row, REGISTERED, actor.user_id, now, reason=verdict.registry)


def view_of(row: ImageRequest) -> RequestView:
    return RequestView(
        id=row.id,
        team_id=row.team_id,
        repository=row.repository,
        image=row.image,
        askers=_askers(row),
        state=row.state,
        decided_by=row.decided_by,
        reason=row.reason,
        until=row.until,
    )


async def _begin(
    session: AsyncSession, actor: Actor, repository: str, image: str, now: datetime
) -> ImageRequest:
    to = await hearer_of(session, actor.team_id, [])
    if not to.channel:
        raise NotFound(NOBODY)
    row = ImageRequest(
        id=uuid4().hex,
        team_id=actor.team_id,
        repository=repository,
        image=image,
        askers_json=json.dumps([actor.user_id]),
        state=OPEN,
        channel=to.channel,
        created_at=now,
    )
    await rows.put(session, row)
    await outbox.put(session, _letter(row, POST, "post"), now)
    await _audited(session, row, actor.user_id, "image_requested", now)
    return row


async def _undecided(session: AsyncSession, actor: Actor, request_id: str) -> ImageRequest:
    row = await rows.locked(session, actor.team_id, request_id)
    if row is None:
        raise NotFound(UNKNOWN)
    if row.state != OPEN:
        raise Conflict("Somebody was faster: this is decided already. The message says how.")
    return row


async def _decide(
    session: AsyncSession,
    row: ImageRequest,
    state: str,
    by: str,
    now: datetime,
    *,
    reason: str,
    until: datetime | None = None,
) -> None:
    row.state, row.decided_by, row.decided_at = state, by, now
    row.reason, row.until = reason, until
    await rows.put(session, row)
    await _edit(session, row, now)
    for asker in _askers(row):
        key = f"image_request:{row.id}:answer:{asker}"
        values = {"request": row.id}
        letter = Letter(row.team_id, key, asker, "image_request_answered", values)
        await outbox.put(session, letter, now)
    await _audited(session, row, by, f"image_request_{state}", now)


async def _edit(session: AsyncSession, row: ImageRequest, now: datetime) -> None:
    await outbox.put(session, _letter(row, EDIT, f"edit:{uuid4().hex}"), now)


def _letter(row: ImageRequest, op: str, key: str) -> Letter:
    subject = f"image_request:{row.id}"
    values = {"request": row.id}
    return Letter(
        row.team_id, f"{subject}:{key}", row.channel, "image_request", values, op, subject
    )


async def _audited(
    session: AsyncSession, row: ImageRequest, by: str, action: str, now: datetime
) -> None:
    details = {"image": row.repository} | ({"reason": row.reason} if row.reason else {})
    await audit.note(session, audit.Deed(row.team_id, by, action, details=details), now)


def _askers(row: ImageRequest) -> tuple[str, ...]:
    return tuple(str(one) for one in json.loads(row.askers_json))
