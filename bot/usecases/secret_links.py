"""Links to a page outside Slack that shows a cluster's token once, to the person who asked.

Slack keeps what it is told, and so does whoever reads along; so the token is never told there. The
link alone is not enough: whoever opens it types the code that the asking person was shown.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.cluster import ClusterView
from bot.core.secret import Secret
from bot.errors import NotFound, WrongCode
from bot.store import audit, clusters, token_links
from bot.store.schema import Cluster, TokenLink
from bot.usecases.deps import Deps
from bot.usecases.link_codes import GOOD_FOR, TRIES, digest, meant, new_link, shapely, shown

GONE: Final = (
    "This link shows nothing any more, or never did: a link is good once, for 15 minutes, and for "
    "three tries at its code. A manager can make a new token and a new link with `cluster rotate`."
)
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Link:
    """Where a token waits to be seen: `path` is below PUBLIC_URL, `code` is typed there."""

    cluster: ClusterView
    path: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A token for the eyes of whoever typed the code."""

    cluster: ClusterView
    token: Secret


async def seal(
    session: AsyncSession, deps: Deps, actor: Actor, row: Cluster, token: Secret
) -> Link:
    """Put a token, which was just made, where a link shows it; in the transaction that made it."""
    link, code = new_link()
    now = await deps.store.now(session)
    kept = TokenLink(
        digest=digest(link),
        cluster_id=row.id,
        token_digest=digest(token.reveal()),
        user_id=actor.user_id,
        created_at=now,
        expires_at=now + GOOD_FOR,
    )
    place = token_links.place_of(kept, row)
    await token_links.add(session, token_links.sealed(kept, token, code, place, deps.store.keyring))
    return Link(clusters.view_of(row), f"/secret/{link}", shown(code), kept.expires_at)


async def waiting(deps: Deps, link: str) -> ClusterView:
    """Whose token waits behind a link; changes nothing. NotFound when none does."""
    _refuse_misshapen(link)
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        found = await token_links.waiting(session, digest(link), now)
        row = await clusters.by_id(session, found.cluster_id) if found else None
    if row is None:
        raise NotFound(GONE)
    return clusters.view_of(row)


async def show(deps: Deps, link: str, typed: str) -> Shown:
    """The token, to whoever has the link and the code; from then on it is nowhere.

    Raises NotFound, InvalidInput on `code` when it cannot be one, or WrongCode; the third ends link
    and token.
    """
    _refuse_misshapen(link)
    code = meant(typed)
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        kept = await token_links.waiting(session, digest(link), now, lock=True)
        row = await clusters.by_id(session, kept.cluster_id) if kept else None
        if kept is None or row is None:
            raise NotFound(GONE)
        place = token_links.place_of(kept, row)
        token, wanted = token_links.opened(kept, place, deps.store.keyring)
        right = hmac.compare_digest(code, wanted)
        if right:
            kept.blob, kept.shown_at = None, now
        else:
            await _count(session, kept)
        session.add(kept)
        await _note(session, row, kept, now)
    if not right:
        raise WrongCode(TRIES - kept.tries)
    return Shown(clusters.view_of(row), token)


async def tick_links(deps: Deps) -> int:
    """Forget links and tokens whose time is over; answers how many."""
    async with deps.store.reading() as session:
        now = await deps.store.now(session)
        over = await token_links.expired(session, now, _BATCH)
        ended = await clusters.ended_tokens(session, now, _BATCH)
    if not over and not ended:
        return 0
    unseen = [one.token_digest for one in over if one.shown_at is None]
    async with deps.store.transaction() as session:
        await token_links.forget(session, [one.digest for one in over])
        await clusters.drop_tokens(session, [*unseen, *ended])
    return len(over) + len(ended)


async def _count(session: AsyncSession, kept: TokenLink) -> None:
    """One more wrong code; the last that is allowed ends the link, and the token nobody saw."""
    kept.tries += 1
    if kept.tries >= TRIES:
        kept.blob = None
        await clusters.drop_tokens(session, [kept.token_digest])


async def _note(session: AsyncSession, row: Cluster, kept: TokenLink, now: datetime) -> None:
    if kept.shown_at is not None:
        action = "cluster_token_shown"
    else:
        action = "cluster_link_ended" if kept.blob is None else "cluster_code_wrong"
    deed = audit.Deed(row.team_id, kept.user_id, action, details={"cluster": row.name})
    await audit.note(session, deed, now)


def _refuse_misshapen(link: str) -> None:
    """A database is asked for nothing that cannot be a link."""
    if not shapely(link):
        raise NotFound(GONE)
