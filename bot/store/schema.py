"""The tables. Strings instead of enums, JSON as text, no column that only one kind needs.

JSON is kept as text and parsed where it is used, so that one malformed row cannot break the reading
of all the others. Times are aware and in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, MetaData, Text, text
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

LIVE: Final = "live"
DRAFT: Final = "draft"
DELETED: Final = "deleted"
PURGED: Final = "purged"
CURRENT: Final = "current"
RETIRED: Final = "retired"
OPEN: Final = "open"
SAVED: Final = "saved"
WAITING: Final = "waiting"
SENT: Final = "sent"
BURIED: Final = "buried"

# SQLite only numbers rows by itself in a column of exactly this type.
_NUMBER: Final[TypeEngine[int]] = BigInteger().with_variant(Integer, "sqlite")
_LIVE_ONLY: Final = text("state = 'live'")


class Row(SQLModel):
    """The base of all tables; its metadata is what the migrations are compared with."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMES)


class Workspace(Row, table=True):
    """A Slack workspace and its settings; made when somebody of it first changes something."""

    __tablename__ = "workspace"

    team_id: str = Field(primary_key=True)
    alert_channel: str = ""
    recheck_minutes: int = 60
    rotate_days: int = 90
    manager_users: str = Field(default="[]", sa_type=Text)  # JSON list of user ids
    manager_groups: str = Field(default="[]", sa_type=Text)  # JSON list of user group ids
    configured: bool = False
    version: int = 0
    created_at: datetime
    updated_at: datetime
    updated_by: str = ""


class Registry(Row, table=True):
    """A registry. `state` is `draft` (first save not done), `live`, `deleted` or `purged`.

    The row is its own schedule: `next_check_at` says when, `lease_until` who may not, and `fence`
    grows with every claim so that a late worker's write is recognised. `version` grows with every
    change by a person.
    """

    __tablename__ = "registry"
    __table_args__ = (
        Index(
            "uq_registry_live_name",
            "team_id",
            "name",
            unique=True,
            sqlite_where=_LIVE_ONLY,
            postgresql_where=_LIVE_ONLY,
        ),
        Index(
            "uq_registry_live_login",
            "team_id",
            "url",
            "path_scope",
            "login",
            unique=True,
            sqlite_where=_LIVE_ONLY,
            postgresql_where=_LIVE_ONLY,
        ),
        Index("ix_registry_team_id_state_name", "team_id", "state", "name"),
        Index(
            "ix_registry_due",
            "next_check_at",
            sqlite_where=_LIVE_ONLY,
            postgresql_where=_LIVE_ONLY,
        ),
    )

    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="workspace.team_id")
    state: str
    name: str
    kind: str
    variant: str
    url: str
    host: str
    path_scope: str = ""
    test_image: str = ""
    login: str = ""
    values_json: str = Field(default="{}", sa_type=Text)  # answers that are not secret, by field
    description: str = Field(default="", sa_type=Text)
    environment: str = "any"
    owner: str = ""
    rotate_days: int = 90
    version: int = 0
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    deleted_at: datetime | None = None
    verdict: str | None = None
    cause: str | None = None
    sentence: str = Field(default="", sa_type=Text)
    remedy: str = Field(default="", sa_type=Text)
    broken: str = Field(default="", sa_type=Text)  # why the credential cannot be opened
    checked_at: datetime | None = None
    next_check_at: datetime | None = None
    lease_until: datetime | None = None
    fence: int = 0


class Credential(Row, table=True):
    """A version of a registry's credential: `draft` while it is tried, `current`, or `retired`.

    `blob` is the envelope of `bot.store.cipher`, gone once the secret is destroyed.
    """

    __tablename__ = "credential"
    __table_args__ = (
        Index(
            "uq_credential_current",
            "registry_id",
            unique=True,
            sqlite_where=text("state = 'current'"),
            postgresql_where=text("state = 'current'"),
        ),
        Index("ix_credential_registry_id", "registry_id"),
    )

    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="workspace.team_id")
    registry_id: str = Field(foreign_key="registry.id", ondelete="CASCADE")
    state: str
    login: str = ""
    shown_login: str = ""
    fingerprint: str = ""
    key_id: str = ""
    blob: bytes | None = Field(default=None, sa_type=LargeBinary)
    proven: bool = False
    stored_at: datetime
    stored_by: str
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    expires_source: str = ""  # who told the expiry; with no `expires_at` it never expires
    destroyed_at: datetime | None = None


class Draft(Row, table=True):
    """Answers of a form that wait to be proven, for the person who typed them.

    `base_version` is the version of the registry that was being edited, 0 for a new one.
    `answers_json` holds no secret; these are in the draft credential. `secrets_json` says by field
    whether the person typed a secret (`typed`) or it comes from the stored credential (`kept`).
    """

    __tablename__ = "draft"
    __table_args__ = (Index("ix_draft_expires_at", "expires_at"),)

    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="workspace.team_id")
    user_id: str
    state: str
    registry_id: str = Field(foreign_key="registry.id", ondelete="CASCADE")
    credential_id: str = Field(foreign_key="credential.id", ondelete="CASCADE")
    base_version: int = 0
    answers_json: str = Field(sa_type=Text)
    secrets_json: str = Field(default="{}", sa_type=Text)
    check_id: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime
    expires_at: datetime
    busy_until: datetime | None = None
    fence: int = 0


class CheckRecord(Row, table=True):
    """One check, kept as evidence; holds no secret and no text of a vendor."""

    __tablename__ = "check_record"
    __table_args__ = (Index("ix_check_record_registry_id_id", "registry_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=_NUMBER)
    team_id: str = Field(foreign_key="workspace.team_id")
    registry_id: str = Field(foreign_key="registry.id", ondelete="CASCADE")
    credential_id: str
    at: datetime
    took: float
    verdict: str
    level: int
    stage: str
    cause: str | None = None
    sentence: str = Field(default="", sa_type=Text)
    remedy: str = Field(default="", sa_type=Text)
    explicit: bool = False
    identity: str = Field(default="", sa_type=Text)
    trigger: str
    by: str = ""
    stages_json: str = Field(default="[]", sa_type=Text)
    evidence_json: str = Field(default="[]", sa_type=Text)


class AuditEvent(Row, table=True):
    """Who did what, or was refused; holds no secret."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_team_id_id", "team_id", "id"),
        Index("ix_audit_event_registry_id_id", "registry_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_NUMBER)
    team_id: str = Field(foreign_key="workspace.team_id")
    at: datetime
    user_id: str
    action: str
    registry_id: str = ""
    registry_name: str = ""
    version: int = 0
    details_json: str = Field(default="{}", sa_type=Text)


class Outgoing(Row, table=True):
    """A message to be sent, written in the transaction of the change it tells of.

    `what` and the values are data; the words are made when it is sent.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_state_not_before", "state", "not_before"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=_NUMBER)
    team_id: str = Field(foreign_key="workspace.team_id")
    delivery_key: str = Field(unique=True)
    channel: str
    what: str
    values_json: str = Field(default="{}", sa_type=Text)
    state: str
    attempts: int = 0
    not_before: datetime
    lease_until: datetime | None = None
    fence: int = 0
    created_at: datetime
    settled_at: datetime | None = None
    receipt: str = ""  # the timestamp that Slack gave the message
    reason: str = Field(default="", sa_type=Text)  # why it was put off or buried
