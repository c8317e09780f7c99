"""What is told of a change to a cluster: an audit event, and a message to the alert channel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.store import audit, outbox, workspaces
from bot.store.schema import Cluster

ADDED: Final = "cluster_added"
CHANGED: Final = "cluster_changed"
ROTATED: Final = "cluster_rotated"
REVOKED: Final = "cluster_revoked"
DELETED: Final = "cluster_deleted"


async def tell(
    session: AsyncSession,
    actor: Actor,
    what: str,
    row: Cluster,
    now: datetime,
    more: Mapping[str, str],
) -> None:
    """Note what the actor did to a cluster, in the transaction that does it.

    The message's values are `cluster, environment, mode, by` and `more`.
    """
    details = {"cluster": row.name, **more}
    await audit.note(session, audit.Deed(actor.team_id, actor.user_id, what, details=details), now)
    settings = await workspaces.settings(session, actor.team_id)
    if not settings.alert_channel:
        return
    values = {
        "cluster": row.name,
        "environment": row.environment,
        "mode": row.mode,
        "by": actor.user_id,
        **more,
    }
    key = f"{what}:{row.id}:{uuid4().hex}"
    await outbox.put(
        session, outbox.Letter(actor.team_id, key, settings.alert_channel, what, values), now
    )
