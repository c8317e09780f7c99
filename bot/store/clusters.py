"""Clusters, and the tokens they ask with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import col, delete, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.cluster import ClusterView, read_environment, read_mode, read_namespaces
from bot.store.schema import Cluster, ClusterToken


async def all_live(session: AsyncSession, team_id: str) -> Sequence[Cluster]:
    """Those of a workspace by name."""
    wanted = select(Cluster).where(
        col(Cluster.team_id) == team_id, col(Cluster.deleted_at).is_(None)
    )
    return (await session.exec(wanted.order_by(col(Cluster.name)))).all()


async def teams(session: AsyncSession) -> Sequence[str]:
    """The workspaces that have one."""
    return (
        await session.exec(
            select(Cluster.team_id).where(col(Cluster.deleted_at).is_(None)).distinct()
        )
    ).all()


async def live(
    session: AsyncSession, team_id: str, name: str, *, lock: bool = False
) -> Cluster | None:
    """The one of that name; with `lock` nobody else changes it until this transaction ends."""
    wanted = select(Cluster).where(
        col(Cluster.team_id) == team_id,
        col(Cluster.name) == name,
        col(Cluster.deleted_at).is_(None),
    )
    return (await session.exec(wanted.with_for_update() if lock else wanted)).first()


async def by_id(session: AsyncSession, cluster_id: str) -> Cluster | None:
    """The live cluster with that id."""
    wanted = select(Cluster).where(col(Cluster.id) == cluster_id, col(Cluster.deleted_at).is_(None))
    return (await session.exec(wanted)).first()


async def lock(session: AsyncSession, cluster_id: str) -> None:
    """Keep its row and its inventory to this transaction until that ends."""
    wanted = select(Cluster.id).where(col(Cluster.id) == cluster_id)
    await session.exec(wanted.with_for_update())


async def add(session: AsyncSession, row: Cluster) -> None:
    session.add(row)
    await session.flush()


async def change(session: AsyncSession, cluster_id: str, values: Mapping[str, Any]) -> None:
    await session.exec(update(Cluster).where(col(Cluster.id) == cluster_id).values(**values))


async def note_policy(
    session: AsyncSession, cluster_id: str, policy_hash: str, now: datetime
) -> None:
    """The cluster said which static policy it has."""
    await change(session, cluster_id, {"policy_hash": policy_hash, "policy_at": now})


async def with_policy(session: AsyncSession) -> Sequence[Cluster]:
    """Live clusters of all workspaces that said which static policy they have; locked."""
    wanted = select(Cluster).where(
        col(Cluster.deleted_at).is_(None), col(Cluster.policy_hash) != ""
    )
    ordered = wanted.order_by(col(Cluster.team_id), col(Cluster.id))
    return (await session.exec(ordered.with_for_update(skip_locked=True))).all()


async def note_inventory(session: AsyncSession, cluster_id: str, now: datetime) -> None:
    """A whole inventory of the cluster arrived."""
    await change(session, cluster_id, {"inventory_at": now})


async def add_token(session: AsyncSession, row: ClusterToken) -> None:
    session.add(row)
    await session.flush()


async def token(session: AsyncSession, digest: str) -> ClusterToken | None:
    """What is kept of the token with that digest, whether or not it is still good."""
    return await session.get(ClusterToken, digest)


async def tokens(session: AsyncSession, cluster_id: str) -> Sequence[ClusterToken]:
    """All that are kept of a cluster, the one that lasts longest first."""
    wanted = select(ClusterToken).where(col(ClusterToken.cluster_id) == cluster_id)
    ends = col(ClusterToken.expires_at)
    ordered = wanted.order_by(ends.is_not(None), ends.desc(), col(ClusterToken.created_at).desc())
    return (await session.exec(ordered)).all()


async def good_tokens(
    session: AsyncSession, cluster_id: str, now: datetime
) -> Sequence[ClusterToken]:
    """Those of a cluster that sign in now; likewise."""
    kept = await tokens(session, cluster_id)
    return [one for one in kept if one.expires_at is None or now < one.expires_at]


async def with_tokens(
    session: AsyncSession, cluster_id: str
) -> tuple[Cluster | None, Sequence[ClusterToken]]:
    """A live cluster and its tokens; takes as long for one that does not exist."""
    return await by_id(session, cluster_id), await tokens(session, cluster_id)


async def note_use(
    session: AsyncSession, digest: str, now: datetime, unless_since: datetime
) -> None:
    """A token was used, unless that was noted at `unless_since` or later."""
    mine = col(ClusterToken.digest) == digest
    old = or_(col(ClusterToken.used_at).is_(None), col(ClusterToken.used_at) < unless_since)
    await session.exec(update(ClusterToken).where(mine, old).values(used_at=now))


async def end_tokens(session: AsyncSession, cluster_id: str, at: datetime) -> None:
    """Let those that never end be good until `at`."""
    lasting = (
        col(ClusterToken.cluster_id) == cluster_id,
        col(ClusterToken.expires_at).is_(None),
    )
    await session.exec(update(ClusterToken).where(*lasting).values(expires_at=at))


async def drop_tokens(session: AsyncSession, digests: Sequence[str]) -> None:
    """These are good for nothing from now on."""
    await session.exec(delete(ClusterToken).where(col(ClusterToken.digest).in_(digests)))


async def ended_tokens(session: AsyncSession, now: datetime, limit: int) -> Sequence[str]:
    """The digests of some whose time is over."""
    wanted = select(ClusterToken.digest).where(col(ClusterToken.expires_at) <= now)
    return (await session.exec(wanted.limit(limit))).all()


def view_of(row: Cluster) -> ClusterView:
    """The cluster as it is passed outwards."""
    return ClusterView(
        id=row.id,
        team_id=row.team_id,
        name=row.name,
        environment=read_environment(row.environment),
        mode=read_mode(row.mode),
        namespaces=read_namespaces(row.namespaces_json),
        policy_hash=row.policy_hash,
        policy_at=row.policy_at,
        inventory_at=row.inventory_at,
    )
