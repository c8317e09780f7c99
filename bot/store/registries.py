"""Registries: the rows of a workspace, found, listed and counted without opening any credential."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.check import Verdict
from bot.core.registry import Filter
from bot.store.plain import run, sql
from bot.store.schema import CURRENT, DELETED, LIVE, PURGED, CheckRecord, Credential, Registry


@dataclass(frozen=True, slots=True)
class Stored:
    """A registry and the credential in force; None for a row that lost it."""

    registry: Registry
    credential: Credential | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many live registries of a workspace are in one state."""

    verdict: str | None
    broken: bool
    count: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the images of a live registry are, and for which environment they are."""

    id: str
    name: str
    url: str
    host: str
    path_scope: str
    environment: str
    also_at: str


async def places(session: AsyncSession, team_id: str) -> list[Place]:
    """The places of every live registry of a workspace, by name."""
    columns = [col(getattr(Registry, name)) for name in Place.__slots__]
    wanted: Any = select(*columns).where(_live(team_id)).order_by(col(Registry.name))
    return [Place(*row) for row in await session.exec(wanted)]


async def live(session: AsyncSession, team_id: str, name: str) -> Stored | None:
    """The live registry of that name in this workspace."""
    return await _one(session, _live(team_id), col(Registry.name) == name)


async def live_by_id(session: AsyncSession, team_id: str, registry_id: str) -> Stored | None:
    return await _one(session, _live(team_id), col(Registry.id) == registry_id)


async def locked(session: AsyncSession, team_id: str, registry_id: str) -> Stored | None:
    """The live registry, which nobody else changes until this transaction ends."""
    wanted = select(Registry.id).where(_live(team_id), col(Registry.id) == registry_id)
    if (await session.exec(wanted.with_for_update())).first() is None:
        return None
    return await live_by_id(session, team_id, registry_id)


async def all_live(session: AsyncSession, team_id: str) -> list[Stored]:
    """Every live registry of a workspace, by name."""
    rows = await session.exec(_with_credential().where(_live(team_id)).order_by(Registry.name))
    return [Stored(*row) for row in rows]


async def names(session: AsyncSession, team_id: str) -> Sequence[str]:
    return (await session.exec(select(Registry.name).where(_live(team_id)))).all()


async def health_by_name(session: AsyncSession, team_id: str) -> list[tuple[str, str]]:
    """The stored health of every live registry, by name."""
    columns: Any = select(col(Registry.name), col(Registry.health_json))
    rows = await session.exec(columns.where(_live(team_id)).order_by(col(Registry.name)))
    return [(row[0], row[1]) for row in rows]


async def holder_of_name(
    session: AsyncSession, team_id: str, name: str, besides: str
) -> Registry | None:
    """The live registry that has this name, unless it is the one with the id `besides`."""
    wanted = (_live(team_id), col(Registry.name) == name, col(Registry.id) != besides)
    return (await session.exec(select(Registry).where(*wanted))).first()


async def holder_of_login(session: AsyncSession, wanted: Registry, besides: str) -> Registry | None:
    """The live registry with the same address, path scope and login as `wanted`."""
    same = (
        _live(wanted.team_id),
        col(Registry.url) == wanted.url,
        col(Registry.path_scope) == wanted.path_scope,
        col(Registry.login) == wanted.login,
        col(Registry.id) != besides,
    )
    return (await session.exec(select(Registry).where(*same))).first()


async def latest_deleted(session: AsyncSession, team_id: str, name: str) -> Stored | None:
    """The registry of that name which was deleted last, purged or not."""
    gone = (
        col(Registry.team_id) == team_id,
        col(Registry.name) == name,
        col(Registry.state).in_((DELETED, PURGED)),
    )
    newest = _with_credential().where(*gone).order_by(col(Registry.deleted_at).desc()).limit(1)
    found = (await session.exec(newest)).first()
    return Stored(*found) if found else None


async def deleted_since(
    session: AsyncSession, team_id: str, since: datetime
) -> Sequence[tuple[str, datetime | None]]:
    """Names that can be restored, with when they were deleted, the latest first."""
    statement = (
        select(Registry.name, Registry.deleted_at)
        .where(
            col(Registry.team_id) == team_id,
            col(Registry.state) == DELETED,
            col(Registry.deleted_at) > since,
        )
        .order_by(col(Registry.deleted_at).desc())
    )
    return (await session.exec(statement)).all()


async def count(
    session: AsyncSession, team_id: str, wanted: Filter, kinds_like: Iterable[str]
) -> tuple[int, int]:
    """How many registries match, and how many of them need attention (the flag itself aside)."""
    statement = select(func.count(), func.coalesce(func.sum(case((_attention(), 1), else_=0)), 0))
    matching = statement.select_from(Registry).where(_live(team_id), *_matches(wanted, kinds_like))
    total, attention = (await session.exec(matching)).one()
    return (attention if wanted.attention else total), attention


async def page(
    session: AsyncSession,
    team_id: str,
    wanted: Filter,
    kinds_like: Iterable[str],
    *,
    skip: int,
    size: int,
) -> list[Stored]:
    """Matching registries and credentials in one query: needing attention first, then by name."""
    conditions = [_live(team_id), *_matches(wanted, kinds_like)]
    if wanted.attention:
        conditions.append(_attention())
    statement = (
        _with_credential()
        .where(*conditions)
        .order_by(case((_attention(), 0), else_=1), col(Registry.name))
        .offset(skip)
        .limit(size)
    )
    return [Stored(*row) for row in await session.exec(statement)]


async def named_like(
    session: AsyncSession, team_id: str, text: str, limit: int
) -> Sequence[tuple[str, str]]:
    """Names and hosts for a picker: names that begin with the text come first."""
    begins = func.lower(Registry.name).like(_escaped(text) + "%", escape="\\")
    statement = (
        select(Registry.name, Registry.host)
        .where(_live(team_id), or_(_contains(Registry.name, text), _contains(Registry.host, text)))
        .order_by(case((begins, 0), else_=1), col(Registry.name))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def tallies(session: AsyncSession, team_id: str) -> list[Tally]:
    broken = col(Registry.broken) != ""
    statement = (
        select(Registry.verdict, broken, func.count())
        .where(_live(team_id))
        .group_by(col(Registry.verdict), broken)
    )
    return [Tally(*row) for row in await session.exec(statement)]


async def change(
    session: AsyncSession,
    registry_id: str,
    version: int,
    values: Mapping[str, Any],
    *,
    state: str = LIVE,
) -> bool:
    """Change a row that is still at `version` and in `state`; False when it is not."""
    statement = (
        update(Registry)
        .where(
            col(Registry.id) == registry_id,
            col(Registry.version) == version,
            col(Registry.state) == state,
        )
        .values(**values)
    )
    return (await session.exec(statement)).rowcount == 1


async def note_check(
    session: AsyncSession, registry: Registry, record: CheckRecord, values: Mapping[str, Any]
) -> bool:
    """Put a check's answer on its row, unless that was changed or a later check came in.

    Whoever has claimed the row for a check of its own is refused from now on, by the fence.
    """
    earlier = or_(col(Registry.checked_at).is_(None), col(Registry.checked_at) <= record.at)
    statement = (
        update(Registry)
        .where(
            col(Registry.id) == registry.id,
            col(Registry.version) == registry.version,
            col(Registry.state) == LIVE,
            earlier,
        )
        .values(**answer(record), **values, fence=col(Registry.fence) + 1, lease_until=None)
    )
    return (await session.exec(statement)).rowcount == 1


def answer(record: CheckRecord) -> dict[str, Any]:
    """The columns of a registry that tell the last check."""
    return {
        "verdict": record.verdict,
        "cause": record.cause,
        "sentence": record.sentence,
        "remedy": record.remedy,
        "checked_at": record.at,
    }


async def planned_after(
    session: AsyncSession, team_id: str, moment: datetime
) -> list[tuple[str, datetime]]:
    """Registries checked as often as the workspace says and next after `moment`: id and when.

    Only those that worked: what fails keeps to waits of its own.
    """
    calm = (str(Verdict.PROVEN), str(Verdict.UNPROVEN))
    statement = select(Registry.id, Registry.next_check_at).where(
        _live(team_id),
        col(Registry.recheck_minutes).is_(None),
        col(Registry.verdict).in_(calm),
        col(Registry.next_check_at) > moment,
    )
    return [(name, at) for name, at in await session.exec(statement) if at is not None]


async def plan(session: AsyncSession, times: Mapping[str, tuple[datetime, datetime]]) -> None:
    """Move the next check of registries from one time to another; where it is still the first."""
    statement = sql(
        session,
        "UPDATE registry SET next_check_at = :new WHERE id = :id AND next_check_at = :old",
    )
    for name, (old, new) in sorted(times.items()):
        await run(session, statement, id=name, old=old, new=new)


async def mark_broken(session: AsyncSession, registry_id: str, sentence: str) -> None:
    """Note why a credential cannot be opened; an empty sentence takes it back."""
    statement = update(Registry).where(col(Registry.id) == registry_id).values(broken=sentence)
    await session.exec(statement)


async def set_pause(session: AsyncSession, registry_id: str, pause_json: str) -> None:
    """Begin or end planned work; not a change of the registry itself, so its version stays."""
    statement = update(Registry).where(col(Registry.id) == registry_id)
    await session.exec(statement.values(pause_json=pause_json))


async def assign(
    session: AsyncSession, registry_ids: Collection[str], owner: str, by: str, now: datetime
) -> None:
    """Give registries another owner; each is a version further, whoever changed it meanwhile."""
    values = {
        "owner": owner,
        "version": col(Registry.version) + 1,
        "updated_at": now,
        "updated_by": by,
    }
    statement = update(Registry).where(col(Registry.id).in_(registry_ids)).values(**values)
    await session.exec(statement.execution_options(synchronize_session=False))


async def set_health(session: AsyncSession, registry_id: str, health_json: str) -> None:
    """Change what is remembered of its checks, in the transaction that writes one down."""
    statement = update(Registry).where(col(Registry.id) == registry_id)
    await session.exec(statement.values(health_json=health_json))


async def deleted_before(session: AsyncSession, moment: datetime, limit: int) -> list[Registry]:
    """Registries of every workspace whose time for being restored is over."""
    statement = (
        select(Registry)
        .where(col(Registry.state) == DELETED, col(Registry.deleted_at) <= moment)
        .limit(limit)
    )
    return list((await session.exec(statement)).all())


def _live(team_id: str) -> ColumnElement[bool]:
    return and_(col(Registry.team_id) == team_id, col(Registry.state) == LIVE)


def _with_credential() -> Any:
    in_force = and_(
        col(Credential.registry_id) == col(Registry.id), col(Credential.state) == CURRENT
    )
    return select(Registry, Credential).join(Credential, in_force, isouter=True)


async def _one(session: AsyncSession, *conditions: ColumnElement[bool]) -> Stored | None:
    wanted = _with_credential().where(*conditions).execution_options(populate_existing=True)
    found = (await session.exec(wanted)).first()
    return Stored(*found) if found else None


def _attention() -> ColumnElement[bool]:
    return or_(
        col(Registry.broken) != "",
        and_(col(Registry.verdict).is_not(None), col(Registry.verdict) != str(Verdict.PROVEN)),
    )


def _matches(wanted: Filter, kinds_like: Iterable[str]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.kind:
        conditions.append(col(Registry.kind) == wanted.kind)
    if wanted.environment:
        conditions.append(col(Registry.environment) == wanted.environment)
    if wanted.owner:
        conditions.append(col(Registry.owner) == wanted.owner)
    if wanted.text:
        places = (Registry.name, Registry.host, Registry.path_scope)
        found = [_contains(place, wanted.text) for place in places]
        conditions.append(or_(*found, col(Registry.kind).in_(list(kinds_like))))
    return conditions


def _contains(column: Any, text: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = func.lower(column).like(f"%{_escaped(text)}%", escape="\\")
    return found


def _escaped(text: str) -> str:
    lowered = text.lower().replace("\\", "\\\\")
    return lowered.replace("%", "\\%").replace("_", "\\_")
