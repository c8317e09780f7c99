"""What is told of a change: an audit event, and a message to the alert channel if there is one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.kinds.registry_kinds import label_of
from bot.store import audit, outbox, workspaces
from bot.store.schema import Registry


async def tell(
    session: AsyncSession,
    actor: Actor,
    what: str,
    row: Registry,
    now: datetime,
    more: Mapping[str, str],
) -> None:
    """Note what the actor did to a registry, in the transaction that does it.

    `what` is `registry_added`, `_edited`, `_deleted` or `_restored`; the message's values are
    `registry, kind, kind_label, host, path_scope, environment, by` and `more`.
    """
    deed = audit.Deed(
        team_id=actor.team_id,
        user_id=actor.user_id,
        action=what,
        registry_id=row.id,
        registry_name=row.name,
        version=row.version,
        details=more,
    )
    await audit.note(session, deed, now)
    settings = await workspaces.settings(session, actor.team_id)
    if not settings.alert_channel:
        return
    letter = outbox.Letter(
        team_id=actor.team_id,
        delivery_key=f"{what}:{row.id}:{row.version}",
        channel=settings.alert_channel,
        what=what,
        values={
            "registry": row.name,
            "kind": row.kind,
            "kind_label": label_of(row.kind),
            "host": row.host,
            "path_scope": row.path_scope,
            "environment": row.environment,
            "by": actor.user_id,
            **more,
        },
    )
    await outbox.put(session, letter, now)
