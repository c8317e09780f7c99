"""What was said of each credential's expiry and age, and which credentials want a look now.

A look is wanted when the time of a reminder has come, and also whenever the row no longer fits what
it was planned with: a new credential, another expiry, changed settings, a registry that was deleted
or whose credential died. So nobody who changes these things has to remember to say so here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, not_, or_
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.health import Trouble
from bot.core.reminders import Said, Snooze, Step
from bot.core.timestamp import read, written
from bot.store.schema import (
    CURRENT,
    LIVE,
    WAITING,
    Credential,
    IncidentRegistry,
    IncidentRow,
    Outgoing,
    Registry,
    Reminder,
    Workspace,
)

QUIET: Final = "quiet"  # no message of ours is open
FOLLOWS: Final = "follows"  # another registry shares the secret, and its row speaks for both
OPEN_MESSAGE: Final = "open"  # a message stands in Slack and is edited as the date nears
DIED: Final = "died"  # the credential is refused: its incident speaks
ENDED: Final = "ended"  # the credential or its registry is gone


@dataclass(frozen=True, slots=True)
class Wanting:
    """A credential that wants a look. `reminder` is None for one that is new here.

    `kept` says that the credential is in force, `dead` that an open incident says it is refused.
    """

    credential: Credential
    registry: Registry
    reminder: Reminder | None
    dead: bool

    @property
    def kept(self) -> bool:
        return self.credential.state == CURRENT and self.registry.state == LIVE


async def teams(session: AsyncSession, now: datetime, limit: int) -> list[str]:
    """Workspaces in which a credential wants a look."""
    statement = _joined(select(Credential.team_id)).where(_wants(now)).distinct().limit(limit)
    return list((await session.exec(statement)).all())


async def hold_team(session: AsyncSession, team_id: str, *, wait: bool = False) -> int | None:
    """Keep other workers from this workspace's reminders until we commit.

    Answers the version of its settings, or None when another worker is at it and we do not `wait`.
    """
    # Without `key_share` it would block everybody who writes a row that points to the workspace.
    statement = (
        select(Workspace.version)
        .where(col(Workspace.team_id) == team_id)
        .with_for_update(skip_locked=not wait, key_share=True)
    )
    return (await session.exec(statement)).first()


async def wanting(
    session: AsyncSession, team_id: str, now: datetime, limit: int, *, new: bool = False
) -> list[Wanting]:
    """The credentials of a workspace that want a look, the longest due first.

    `new` ones were never looked at; they are apart, because there may be thousands at once.
    """
    here = col(Reminder.credential_id)
    statement = (
        _joined(select(Credential, Registry, Reminder, _dead().label("dead")))
        .where(
            col(Credential.team_id) == team_id,
            here.is_(None) if new else here.is_not(None),
            _wants(now),
        )
        .order_by(col(Reminder.next_at), col(Registry.name))
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [Wanting(*row) for row in await session.exec(statement)]


async def all_kept(session: AsyncSession, team_id: str) -> list[Wanting]:
    """Every credential in force of a workspace, by the name of its registry."""
    statement = (
        _joined(select(Credential, Registry, Reminder, _dead().label("dead")))
        .where(col(Credential.team_id) == team_id, _kept())
        .order_by(col(Registry.name))
    )
    return [Wanting(*row) for row in await session.exec(statement)]


async def find(session: AsyncSession, credential_id: str) -> Wanting | None:
    """One credential with its registry and reminder, whatever their state."""
    return next(iter(await find_all(session, [credential_id])), None)


async def find_all(session: AsyncSession, credential_ids: Sequence[str]) -> list[Wanting]:
    """Credentials with their registries and reminders, whatever their state."""
    statement = (
        _joined(select(Credential, Registry, Reminder, _dead().label("dead")))
        .where(col(Credential.id).in_(credential_ids))
        .execution_options(populate_existing=True)
    )
    return [Wanting(*row) for row in await session.exec(statement)]


async def sharing(
    session: AsyncSession, team_id: str, fingerprints: Collection[str]
) -> list[Wanting]:
    """Credentials of these secrets that are in force or spoken of, by the name of the registry."""
    spoken_of = col(Reminder.state).is_not(None) & (col(Reminder.state) != ENDED)
    statement = (
        _joined(select(Credential, Registry, Reminder, _dead().label("dead")))
        .where(
            col(Credential.team_id) == team_id,
            col(Credential.fingerprint).in_(fingerprints),
            col(Credential.fingerprint) != "",
            or_(_kept(), spoken_of),
        )
        .order_by(col(Registry.name), col(Credential.id))
        .execution_options(populate_existing=True)
    )
    return [Wanting(*row) for row in await session.exec(statement)]


async def following(session: AsyncSession, leads: Collection[str]) -> list[Wanting]:
    """The credentials that these speak for, by the name of the registry."""
    statement = (
        _joined(select(Credential, Registry, Reminder, _dead().label("dead")))
        .where(col(Reminder.lead).in_(leads), col(Reminder.lead) != "")
        .order_by(col(Registry.name), col(Credential.id))
        .execution_options(populate_existing=True)
    )
    return [Wanting(*row) for row in await session.exec(statement)]


async def pass_on(session: AsyncSession, lead: str, heir: str) -> None:
    """Another credential speaks for those that `lead` spoke for."""
    theirs = col(Reminder.lead) == lead
    await session.exec(update(Reminder).where(theirs).values(lead=heir))


async def let_go(session: AsyncSession, lead: str, but: Collection[str]) -> None:
    """Those that a credential spoke for and that share it no more, all `but` these, start anew."""
    theirs = (
        col(Reminder.lead) == lead,
        col(Reminder.state) != ENDED,
        col(Reminder.credential_id).not_in(but),
    )
    anew = {"lead": "", "state": QUIET, "settings_version": -1}
    await session.exec(update(Reminder).where(*theirs).values(**anew))


async def of_same_secret(session: AsyncSession, credential: Credential) -> Reminder | None:
    """What was said of the same secret before the registry was edited without changing it."""
    statement = (
        select(Reminder)
        .join(Credential, col(Credential.id) == col(Reminder.credential_id))
        .where(*_same_secret(credential))
        .order_by(col(Reminder.version).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return (await session.exec(statement)).first()


async def is_being_posted(session: AsyncSession, credential_id: str) -> bool:
    """Whether a letter about this reminder waits to be sent."""
    statement = select(Outgoing.id).where(
        col(Outgoing.subject) == letters_of(credential_id), col(Outgoing.state) == WAITING
    )
    return (await session.exec(statement.limit(1))).first() is not None


def put(session: AsyncSession, row: Reminder) -> None:
    """Write a reminder's row down, new or changed, with the transaction's other changes."""
    row.version += 1
    session.add(row)


def letters_of(credential_id: str) -> str:
    """The subject of a reminder's letters in the outbox."""
    return f"reminder:{credential_id}"


def said_of(row: Reminder | None) -> Said:
    """What was said; nothing when that cannot be read, for one row must not hold up the others."""
    try:
        return Said() if row is None else Said.from_json(_object(row.said_json))
    except (ValueError, TypeError):
        return Said()


def said(row: Reminder, step: Step) -> None:
    """Remember in a row that a step was said now."""
    row.said_json = json.dumps(said_of(row).after(step).to_json())


def snooze_of(row: Reminder | None) -> Snooze | None:
    """Until when it is held back; None when it is not."""
    stored = {} if row is None else _object(row.snooze_json)
    try:
        since, until = read(stored, "since"), read(stored, "until")
    except (ValueError, TypeError):
        return None
    return None if since is None or until is None else Snooze(since, until)


def snoozed(row: Reminder, snooze: Snooze | None, by: str = "") -> None:
    """Put a snooze into a row, with who asked for it."""
    row.snooze_json = "{}"
    if snooze is not None:
        stored = {"since": written(snooze.since), "until": written(snooze.until), "by": by}
        row.snooze_json = json.dumps(stored)


def snoozed_by(row: Reminder) -> str:
    return str(_object(row.snooze_json).get("by", ""))


def _same_secret(credential: Credential) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Credential.registry_id) == credential.registry_id,
        col(Credential.id) != credential.id,
        col(Credential.login) == credential.login,
        col(Credential.fingerprint) == credential.fingerprint,
        col(Credential.stored_at) == credential.stored_at,
    )


def _joined(chosen: Any) -> Any:
    return (
        chosen.select_from(Credential)
        .join(Registry, col(Registry.id) == col(Credential.registry_id))
        .join(Workspace, col(Workspace.team_id) == col(Credential.team_id))
        .join(Reminder, col(Reminder.credential_id) == col(Credential.id), isouter=True)
    )


def _wants(now: datetime) -> ColumnElement[bool]:
    there = col(Reminder.credential_id).is_not(None)
    open_ = and_(there, col(Reminder.state) != ENDED)
    return or_(
        and_(_kept(), or_(_unplanned(), col(Reminder.next_at) <= now, _turned())),
        and_(open_, not_(_kept())),
    )


def _kept() -> ColumnElement[bool]:
    """In force, and there is a secret that may grow old."""
    return and_(
        col(Credential.state) == CURRENT,
        col(Registry.state) == LIVE,
        col(Credential.fingerprint) != "",
    )


def _unplanned() -> ColumnElement[bool]:
    """Never planned, or planned with what is no longer so."""
    return or_(
        col(Reminder.credential_id).is_(None),
        col(Reminder.state) == ENDED,
        col(Reminder.expires_at).is_distinct_from(col(Credential.expires_at)),
        col(Reminder.issued_at).is_distinct_from(col(Credential.issued_at)),
        col(Reminder.rotate_days) != col(Registry.rotate_days),
        col(Reminder.settings_version) != col(Workspace.version),
    )


def _turned() -> ColumnElement[bool]:
    """The credential died, or came back to life."""
    return or_(
        and_(col(Reminder.state).in_((OPEN_MESSAGE, FOLLOWS)), _dead()),
        and_(col(Reminder.state) == DIED, not_(_dead())),
    )


def _dead() -> ColumnElement[bool]:
    """An open incident says that this registry's credential is refused."""
    return (
        exists()
        .where(
            col(IncidentRegistry.registry_id) == col(Registry.id),
            col(IncidentRegistry.left_at).is_(None),
            col(IncidentRow.id) == col(IncidentRegistry.incident_id),
            col(IncidentRow.closed_at).is_(None),
            col(IncidentRow.trouble) == str(Trouble.REFUSED),
        )
        .correlate(Registry)
    )


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
