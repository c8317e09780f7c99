"""Clusters: added, looked at, made stricter or laxer, given a new token, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from uuid import uuid4

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.cluster import ClusterView, Mode
from bot.core.name import RULE, is_name
from bot.core.registry import Environment
from bot.core.secret import Secret
from bot.errors import InvalidInput, NotFound
from bot.store import audit, clusters, workspaces
from bot.store.schema import Cluster, ClusterToken
from bot.usecases.cluster_tokens import digest_of, new_token
from bot.usecases.deps import Deps
from bot.usecases.permission import require_manager


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a manager typed of a new cluster."""

    name: str
    environment: str = Environment.ANY
    mode: str = Mode.AUDIT


@dataclass(frozen=True, slots=True)
class Issued:
    """A cluster, and the token that was just made for it; it is in no other place."""

    cluster: ClusterView
    token: Secret


async def add(deps: Deps, actor: Actor, wanted: Wanted) -> Issued:
    """A new cluster with its first token.

    Raises InvalidInput on `name`, `environment` or `mode`, or NotAllowed.
    """
    await require_manager(deps, actor, "add a cluster")
    _refuse_faults(wanted)
    now = deps.clock.now()
    row = Cluster(
        id=uuid4().hex,
        team_id=actor.team_id,
        name=wanted.name,
        environment=wanted.environment,
        mode=wanted.mode,
        created_at=now,
        created_by=actor.user_id,
    )
    taken = InvalidInput({"name": f"There is already a cluster called {wanted.name}."})
    try:
        async with deps.store.transaction() as session:
            await workspaces.ensure(session, actor.team_id, now)
            if await clusters.live(session, actor.team_id, wanted.name) is not None:
                raise taken
            await clusters.add(session, row)
            token = await _issue(session, deps, actor, row)
            details = {"cluster": row.name, "environment": row.environment, "mode": row.mode}
            deed = audit.Deed(actor.team_id, actor.user_id, "cluster_added", details=details)
            await audit.note(session, deed, now)
            return Issued(clusters.view_of(row), token)
    except IntegrityError as error:
        raise taken from error


async def list_clusters(deps: Deps, actor: Actor) -> list[ClusterView]:
    """All of the workspace, by name."""
    async with deps.store.reading() as session:
        return [clusters.view_of(row) for row in await clusters.all_live(session, actor.team_id)]


async def find(session: AsyncSession, actor: Actor, name: str, *, lock: bool = False) -> Cluster:
    """The live cluster of that name; NotFound names those that are spelled nearly so."""
    row = await clusters.live(session, actor.team_id, name, lock=lock) if is_name(name) else None
    if row is not None:
        return row
    names = [one.name for one in await clusters.all_live(session, actor.team_id)]
    near = get_close_matches(name, names, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise NotFound(f"There is no cluster called {name}.{hint}")


async def _issue(session: AsyncSession, deps: Deps, actor: Actor, row: Cluster) -> Secret:
    """Make a token and keep what it is recognised by."""
    token = new_token()
    kept = ClusterToken(
        digest=digest_of(token),
        cluster_id=row.id,
        created_at=await deps.store.now(session),
        created_by=actor.user_id,
    )
    await clusters.add_token(session, kept)
    return token


def _refuse_faults(wanted: Wanted) -> None:
    faults = {}
    if not is_name(wanted.name):
        faults["name"] = RULE
    if wanted.environment not in set(Environment):
        faults["environment"] = f"One of {', '.join(Environment)}."
    if wanted.mode not in set(Mode):
        faults["mode"] = f"One of {', '.join(Mode)}."
    if faults:
        raise InvalidInput(faults)
