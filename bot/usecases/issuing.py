"""A cluster's token made, and handed over: to a terminal at once, or to a page behind a link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.cluster import ClusterView
from bot.core.secret import Secret
from bot.store import clusters
from bot.store.schema import Cluster, ClusterToken
from bot.usecases.cluster_tokens import digest_of, new_token
from bot.usecases.deps import Deps

T = TypeVar("T")
Hand = Callable[[AsyncSession, Deps, Actor, Cluster, Secret], Awaitable[T]]
"""Hands a new token over, in the transaction that makes it."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A cluster, and the token that was just made for it; it is in no other place."""

    cluster: ClusterView
    token: Secret


async def at_once(
    _session: AsyncSession, _deps: Deps, _actor: Actor, row: Cluster, token: Secret
) -> Issued:
    """To whoever asked, who shows it and forgets it."""
    return Issued(clusters.view_of(row), token)


async def issue(session: AsyncSession, deps: Deps, actor: Actor, row: Cluster, hand: Hand[T]) -> T:
    """Make a token, keep what it is recognised by, and hand it over."""
    token = new_token()
    kept = ClusterToken(
        digest=digest_of(token),
        cluster_id=row.id,
        created_at=await deps.store.now(session),
        created_by=actor.user_id,
    )
    await clusters.add_token(session, kept)
    return await hand(session, deps, actor, row, token)
