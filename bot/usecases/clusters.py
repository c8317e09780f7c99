"""Clusters: added, looked at, made stricter or laxer, deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Final, TypeVar
from uuid import uuid4

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.cluster import ClusterView, Mode, NamespaceRule, written_namespaces
from bot.core.name import RULE, is_name
from bot.core.policy import shown
from bot.core.registry import Environment
from bot.errors import InvalidInput, NotFound
from bot.store import clusters, token_links, workspaces
from bot.store.schema import Cluster
from bot.usecases import secret_links
from bot.usecases.cluster_news import ADDED, CHANGED, DELETED, tell
from bot.usecases.deps import Deps
from bot.usecases.issuing import Hand, Issued, at_once, issue
from bot.usecases.permission import require_manager
from bot.usecases.secret_links import Link

T = TypeVar("T")
NAMESPACES_MOST: Final = 1_000
INHERIT: Final = "inherit"
"""Instead of a mode or an environment: the namespace is as the cluster is."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a manager typed of a new cluster."""

    name: str
    environment: str = Environment.ANY
    mode: str = Mode.AUDIT


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as it may be shown: when it was made, used last, and ends (None: never)."""

    created_at: datetime
    created_by: str
    expires_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClusterDetails:
    """A cluster with its good tokens, the one that lasts longest first."""

    cluster: ClusterView
    tokens: tuple[TokenView, ...]
    created_at: datetime
    created_by: str


async def add(deps: Deps, actor: Actor, wanted: Wanted) -> Issued:
    """A new cluster, and its first token for a terminal.

    Raises InvalidInput on `name`, `environment` or `mode`, or NotAllowed.
    """
    return await _add(deps, actor, wanted, at_once)


async def add_with_link(deps: Deps, actor: Actor, wanted: Wanted) -> Link:
    """The same, for Slack: the token waits behind a link."""
    return await _add(deps, actor, wanted, secret_links.seal)


async def list_clusters(deps: Deps, actor: Actor) -> list[ClusterView]:
    """All of the workspace, by name."""
    async with deps.store.reading() as session:
        return [clusters.view_of(row) for row in await clusters.all_live(session, actor.team_id)]


async def show(deps: Deps, actor: Actor, name: str) -> ClusterDetails:
    """A cluster and its tokens; NotFound."""
    async with deps.store.reading() as session:
        row = await find(session, actor, name)
        kept = await clusters.tokens(session, row.id)
        now = await deps.store.now(session)
    good = (one for one in kept if one.expires_at is None or now < one.expires_at)
    views = (TokenView(one.created_at, one.created_by, one.expires_at, one.used_at) for one in good)
    return ClusterDetails(clusters.view_of(row), tuple(views), row.created_at, row.created_by)


async def set_mode(
    deps: Deps, actor: Actor, name: str, mode: str, namespace: str = ""
) -> ClusterView:
    """How strict the cluster is, or one namespace of it, which may `inherit`.

    Raises InvalidInput on `mode` or `namespace`, NotAllowed, or NotFound.
    """
    wanted = _word(mode, Mode, namespace, "mode")

    def change(view: ClusterView) -> ClusterView:
        if not namespace:
            return replace(view, mode=Mode(wanted))
        own = None if wanted == INHERIT else Mode(wanted)
        return _with_rule(view, namespace, replace(_rule(view, namespace), mode=own))

    return await _set(deps, actor, name, namespace, {"changed": "mode", "to": wanted}, change)


async def set_environment(
    deps: Deps, actor: Actor, name: str, environment: str, namespace: str = ""
) -> ClusterView:
    """Which environment's registries serve the cluster, or one namespace of it; likewise."""
    wanted = _word(environment, Environment, namespace, "environment")

    def change(view: ClusterView) -> ClusterView:
        if not namespace:
            return replace(view, environment=Environment(wanted))
        own = None if wanted == INHERIT else Environment(wanted)
        return _with_rule(view, namespace, replace(_rule(view, namespace), environment=own))

    return await _set(
        deps, actor, name, namespace, {"changed": "environment", "to": wanted}, change
    )


async def delete(deps: Deps, actor: Actor, name: str, typed_name: str) -> ClusterView:
    """Delete a cluster whose name was typed again; its tokens end at once.

    Raises InvalidInput on `typed_name`, NotAllowed, or NotFound.
    """
    await require_manager(deps, actor, "delete a cluster")
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        row = await find(session, actor, name, lock=True)
        if typed_name.strip() != row.name:
            raise InvalidInput({"typed_name": f"Type {row.name} to delete it."})
        await token_links.end_unseen(session, row.id)
        await clusters.drop_tokens(
            session, [one.digest for one in await clusters.tokens(session, row.id)]
        )
        await clusters.change(session, row.id, {"deleted_at": now})
        await tell(session, actor, DELETED, row, now, {})
        return clusters.view_of(row)


async def find(session: AsyncSession, actor: Actor, name: str, *, lock: bool = False) -> Cluster:
    """The live cluster of that name; NotFound names those that are spelled nearly so."""
    row = await clusters.live(session, actor.team_id, name, lock=lock) if is_name(name) else None
    if row is not None:
        return row
    names = [one.name for one in await clusters.all_live(session, actor.team_id)]
    near = get_close_matches(name[:100], names, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise NotFound(f"There is no cluster called {shown(name)}.{hint}")


async def _add(deps: Deps, actor: Actor, wanted: Wanted, hand: Hand[T]) -> T:
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
            await tell(session, actor, ADDED, row, now, {})
            return await issue(session, deps, actor, row, hand)
    except IntegrityError as error:
        raise taken from error


async def _set(
    deps: Deps,
    actor: Actor,
    name: str,
    namespace: str,
    said: Mapping[str, str],
    change: Callable[[ClusterView], ClusterView],
) -> ClusterView:
    """Change the rule of the cluster or of a namespace, and tell what was `said` of it.

    What was so already is told to nobody.
    """
    await require_manager(deps, actor, "change a cluster")
    if namespace and not is_name(namespace):
        raise InvalidInput({"namespace": f"{shown(namespace)} is no name of a namespace."})
    now = deps.clock.now()
    async with deps.store.transaction() as session:
        row = await find(session, actor, name, lock=True)
        before = clusters.view_of(row)
        after = change(before)
        if after == before:
            return before
        values = {
            "mode": after.mode,
            "environment": after.environment,
            "namespaces_json": written_namespaces(after.namespaces),
        }
        await clusters.change(session, row.id, values)
        more = {"namespace": namespace} if namespace else {}
        await tell(session, actor, CHANGED, row, now, {**more, **said})
        return after


def _rule(view: ClusterView, namespace: str) -> NamespaceRule:
    return view.namespaces.get(namespace, NamespaceRule())


def _with_rule(view: ClusterView, namespace: str, rule: NamespaceRule) -> ClusterView:
    others = {name: one for name, one in view.namespaces.items() if name != namespace}
    if rule == NamespaceRule():
        return replace(view, namespaces=others)
    if len(others) >= NAMESPACES_MOST:
        most = f"{NAMESPACES_MOST:,} namespaces have a rule of their own; no more fit."
        raise InvalidInput({"namespace": most})
    return replace(view, namespaces={**others, namespace: rule})


def _word(typed: str, words: type[Mode | Environment], namespace: str, field: str) -> str:
    """The mode or environment that was typed; InvalidInput names those there are."""
    wanted = typed.strip().lower()
    known = [*words, INHERIT] if namespace else [*words]
    if wanted not in known:
        raise InvalidInput({field: f"It is one of {', '.join(known)}."})
    return wanted


def _refuse_faults(wanted: Wanted) -> None:
    faults = {}
    if not is_name(wanted.name):
        faults["name"] = RULE
    if wanted.environment not in set(Environment):
        faults["environment"] = f"It is one of {', '.join(Environment)}."
    if wanted.mode not in set(Mode):
        faults["mode"] = f"It is one of {', '.join(Mode)}."
    if faults:
        raise InvalidInput(faults)
