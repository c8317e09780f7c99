"""A cluster's token: replaced without a gap, or ended before its time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, TypeVar

from bot.core.access import Actor
from bot.core.cluster import ClusterView
from bot.errors import Conflict
from bot.store import clusters, token_links
from bot.usecases import secret_links
from bot.usecases.cluster_news import REVOKED, ROTATED, tell
from bot.usecases.clusters import find
from bot.usecases.deps import Deps
from bot.usecases.issuing import Hand, Issued, at_once, issue
from bot.usecases.permission import require_manager
from bot.usecases.secret_links import Link

T = TypeVar("T")
OLD_GOOD_FOR: Final = timedelta(hours=24)
KEPT_MOST: Final = 10


async def rotate(deps: Deps, actor: Actor, name: str) -> Issued:
    """A new token, for a terminal; the one before stays good for a day. NotAllowed, NotFound."""
    return await _rotate(deps, actor, name, at_once)


async def rotate_with_link(deps: Deps, actor: Actor, name: str) -> Link:
    """The same, for Slack: the token waits behind a link."""
    return await _rotate(deps, actor, name, secret_links.seal)


async def revoke(
    deps: Deps, actor: Actor, name: str, *, everything: bool = False
) -> tuple[ClusterView, int]:
    """End the tokens that were replaced, or all there are; answers how many.

    A second time it ends none, so that a double click does not shut the cluster out. Raises
    NotAllowed, NotFound, or Conflict when there is nothing to end.
    """
    await require_manager(deps, actor, "revoke a cluster's token")
    async with deps.store.transaction() as session:
        row = await find(session, actor, name, lock=True)
        now = await deps.store.now(session)
        kept = await clusters.good_tokens(session, row.id, now)
        wanted = [one for one in kept if everything or one.expires_at is not None]
        if not wanted:
            raise Conflict(
                f"{row.name} has no token that was replaced. Make a new one first, with "
                f"`cluster rotate {row.name}`; to shut the cluster out at once, say "
                f"`cluster revoke {row.name} all`."
            )
        if everything:
            await token_links.end_unseen(session, row.id)
        await clusters.drop_tokens(session, [one.digest for one in wanted])
        more = {"ended": str(len(wanted)), "left": str(len(kept) - len(wanted))}
        await tell(session, actor, REVOKED, row, now, more)
        return clusters.view_of(row), len(wanted)


async def _rotate(deps: Deps, actor: Actor, name: str, hand: Hand[T]) -> T:
    await require_manager(deps, actor, "rotate a cluster's token")
    async with deps.store.transaction() as session:
        row = await find(session, actor, name, lock=True)
        now = await deps.store.now(session)
        # A token that waits behind a link, unseen, is replaced as if it had never been.
        await clusters.drop_tokens(session, await token_links.end_unseen(session, row.id))
        kept = await clusters.good_tokens(session, row.id, now)
        await clusters.drop_tokens(session, [one.digest for one in kept[KEPT_MOST - 1 :]])
        await clusters.end_tokens(session, row.id, now + OLD_GOOD_FOR)
        until = (now + OLD_GOOD_FOR).isoformat() if kept else ""
        await tell(session, actor, ROTATED, row, now, {"until": until} if until else {})
        return await issue(session, deps, actor, row, hand)
