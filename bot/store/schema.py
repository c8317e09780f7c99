"""The tables. Strings instead of enums, JSON as text, no column that only one kind needs.

JSON is kept as text and parsed where it is used, so that one malformed row cannot break the reading
of all the others. Times are aware and in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    text,
)
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
PREVIOUS: Final = "previous"
NEXT: Final = "next"
OPEN: Final = "open"
SAVED: Final = "saved"
WAITING: Final = "waiting"
SENT: Final = "sent"
BURIED: Final = "buried"

# SQLite only numbers rows by itself in a column of exactly this type.
_NUMBER: Final[TypeEngine[int]] = BigInteger().with_variant(Integer, "sqlite")
_LIVE_ONLY: Final = text("state = 'live'")
_OPEN_ONLY: Final = text("closed_at IS NULL")
_ORDERED: Final = text("state = 'waiting' AND subject <> ''")


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
    preferences_json: str = Field(default="{}", sa_type=Text)  # see bot.core.preferences
    configured: bool = False
    version: int = 0
    created_at: datetime
    updated_at: datetime
    updated_by: str = ""


class Registry(Row, table=True):
    """A registry. `state` is `draft` (first save not done), `live`, `deleted` or `purged`.

    The row is its own schedule: `next_check_at` says when, `lease_until` who may not, and `fence`
    grows with every claim so that a late worker's write is recognised. `attempts` counts the claims
    since the last answer was written down. `version` grows with every change by a person.
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
        Index(
            "ix_registry_team_due",
            "team_id",
            "next_check_at",
            sqlite_where=_LIVE_ONLY,
            postgresql_where=_LIVE_ONLY,
        ),
        Index(
            "ix_registry_account",
            "host",
            "login",
            "team_id",
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
    recheck_minutes: int | None = None  # None: as often as the workspace says
    also_at: str = Field(default="", sa_type=Text)  # places with the same images, one a line
    lease_until: datetime | None = None
    fence: int = 0
    attempts: int = 0
    health_json: str = Field(default="{}", sa_type=Text)  # see bot.core.health
    pause_json: str = Field(default="{}", sa_type=Text)  # see bot.core.pause


class Credential(Row, table=True):
    """A version of a registry's credential: `draft` while it is tried, `current`, or `retired`.

    In a rotation it is `next` while it waits to be put in force, and `previous` while it is kept as
    a way back and until it was seen dead. `blob` is the envelope of `bot.store.cipher`, gone once
    the secret is destroyed. `source` shows the references in it, as JSON by field.
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
        Index("ix_credential_team_id_fingerprint", "team_id", "fingerprint"),
    )

    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="workspace.team_id")
    registry_id: str = Field(foreign_key="registry.id", ondelete="CASCADE")
    state: str
    login: str = ""
    shown_login: str = ""
    fingerprint: str = ""
    key_id: str = ""
    source: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    blob: bytes | None = Field(default=None, sa_type=LargeBinary)
    proven: bool = False
    stored_at: datetime
    stored_by: str
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    expires_source: str = ""  # who told the expiry; with no `expires_at` it never expires
    expires_typed: datetime | None = None  # the date that a person typed, whoever told the expiry
    destroyed_at: datetime | None = None


class Draft(Row, table=True):
    """Answers of a form that wait to be proven, for the person who typed them.

    `base_version` is the version of the registry that was being edited, 0 for a new one.
    `answers_json` holds no secret; these are in the draft credential. `secrets_json` says by field
    whether the person typed a secret (`typed`) or it comes from the stored credential (`kept`).
    `rotation_json` is set when the draft is the new credential of a rotation.
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
    rotation_json: str = Field(default="", sa_type=Text)
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

    `what` and the values are data; the words are made when it is sent. `op` says how: `post`,
    `edit`, `thread`, `direct` or `upload`. `subject` names the message it belongs to, such as
    `incident:ID`; letters of one subject are sent in their order, those without one in any.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_state_not_before", "state", "not_before"),
        Index(
            "ix_outbox_subject",
            "subject",
            "id",
            sqlite_where=_ORDERED,
            postgresql_where=_ORDERED,
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_NUMBER)
    team_id: str = Field(foreign_key="workspace.team_id")
    delivery_key: str = Field(unique=True)
    channel: str
    what: str
    op: str = "post"
    subject: str = ""
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


class Account(Row, table=True):
    """What is remembered of one account at one host, whatever the number of its registrations.

    The row exists while there is something to remember. `busy_until` and `fence` are the claim of
    the worker that signs in now, when several registrations share the account.
    """

    __tablename__ = "account"

    team_id: str = Field(primary_key=True, foreign_key="workspace.team_id")
    host: str = Field(primary_key=True)
    login: str = Field(primary_key=True)
    guard_json: str = Field(default="{}", sa_type=Text)  # see bot.core.lockout
    busy_until: datetime | None = None
    fence: int = 0


class IncidentRow(Row, table=True):
    """One incident, which is one message. `state_json` is a `bot.core.incident.Incident`.

    `key` is what it is about: a credential that registries share, or one registry; there is one
    open incident of a key. `channel` and `ts` are where its message stands, `storm_id` the parent
    message that lists it. `next_tick_at` is when time alone changes it.
    """

    __tablename__ = "incident"
    __table_args__ = (
        Index(
            "uq_incident_open_key",
            "team_id",
            "key",
            unique=True,
            sqlite_where=_OPEN_ONLY,
            postgresql_where=_OPEN_ONLY,
        ),
        Index("ix_incident_next_tick_at", "next_tick_at"),
        Index("ix_incident_team_id_key_opened_at", "team_id", "key", "opened_at"),
        Index("ix_incident_storm_id", "storm_id"),
    )

    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="workspace.team_id")
    key: str
    trouble: str
    phase: str
    state_json: str = Field(sa_type=Text)
    version: int
    channel: str = ""
    ts: str = ""
    storm_id: str = ""
    next_tick_at: datetime | None = None
    opened_at: datetime
    closed_at: datetime | None = None


class IncidentRegistry(Row, table=True):
    """A registry that an incident is about; `left_at` once it works again while others do not."""

    __tablename__ = "incident_registry"
    __table_args__ = (Index("ix_incident_registry_registry_id", "registry_id"),)

    incident_id: str = Field(primary_key=True, foreign_key="incident.id", ondelete="CASCADE")
    registry_id: str = Field(primary_key=True, foreign_key="registry.id", ondelete="CASCADE")
    joined_at: datetime
    left_at: datetime | None = None


class Storm(Row, table=True):
    """Many incidents in one parent message; `id` is that of the first of them."""

    __tablename__ = "storm"
    __table_args__ = (Index("ix_storm_team_id_opened_at", "team_id", "opened_at"),)

    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="workspace.team_id")
    trouble: str
    channel: str
    ts: str = ""
    opened_at: datetime


class ChannelState(Row, table=True):
    """What one channel went through lately (`bot.core.storm.Channel`): it is not to be flooded."""

    __tablename__ = "channel_state"
    __table_args__ = (Index("ix_channel_state_next_tick_at", "next_tick_at"),)

    team_id: str = Field(primary_key=True, foreign_key="workspace.team_id")
    channel: str = Field(primary_key=True)
    storm_json: str = Field(default="{}", sa_type=Text)
    next_tick_at: datetime | None = None


class Reminder(Row, table=True):
    """What was said of one credential's expiry or age, in one message; see `bot.core.reminders`.

    Of registries that share one secret, the row of one speaks for all; `lead` is its credential in
    the rows of the others, and empty in the one that speaks.
    """

    __tablename__ = "reminder"
    __table_args__ = (
        Index("ix_reminder_next_at", "next_at"),
        Index("ix_reminder_registry_id", "registry_id"),
        Index("ix_reminder_team_id", "team_id"),
        Index("ix_reminder_lead", "lead"),
    )

    credential_id: str = Field(primary_key=True, foreign_key="credential.id", ondelete="CASCADE")
    team_id: str = Field(foreign_key="workspace.team_id")
    registry_id: str = Field(foreign_key="registry.id", ondelete="CASCADE")
    lead: str = ""
    state: str
    said_json: str = Field(default="{}", sa_type=Text)
    snooze_json: str = Field(default="{}", sa_type=Text)
    rotated_at: datetime | None = None  # when a person said that it was rotated elsewhere
    channel: str = ""
    ts: str = ""
    next_at: datetime | None = None
    # What it was planned with; where that has changed, it is planned anew.
    expires_at: datetime | None = None
    issued_at: datetime | None = None
    rotate_days: int = 0
    settings_version: int = 0
    version: int = 0


class DayCount(Row, table=True):
    """The checks of one registry on one UTC day (`2026-11-24`), by verdict."""

    __tablename__ = "day_count"

    registry_id: str = Field(primary_key=True, foreign_key="registry.id", ondelete="CASCADE")
    day: str = Field(primary_key=True)
    proven: int = 0
    unproven: int = 0
    refused: int = 0
    unreachable: int = 0
    limited: int = 0
    blocked: int = 0
    unresolved: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class HomeView(Row, table=True):
    """Who has the App Home open, and at which page and filter, so that it can be refreshed."""

    __tablename__ = "home_view"

    team_id: str = Field(primary_key=True, foreign_key="workspace.team_id")
    user_id: str = Field(primary_key=True)
    view_json: str = Field(default="{}", sa_type=Text)
    seen_at: datetime


class ExemptionRow(Row, table=True):
    """An image that may run although no registry covers it, until `until`.

    `image` is canonical: `host/repository`, or that and `@digest`. `told` is what was said of it:
    `announced`, `reminded` or `lapsed`. `ended_at` is set when somebody ends it early.
    """

    __tablename__ = "exemption"
    __table_args__ = (Index("ix_exemption_team_id_until", "team_id", "until"),)

    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="workspace.team_id")
    image: str
    reason: str = Field(sa_type=Text)
    ticket: str = ""
    until: datetime
    told: str
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    ended_by: str = ""


class ImageRequest(Row, table=True):
    """Somebody asks that a repository may be used; one message to the managers, edited in place.

    `state` is `open`, `registered`, `exempted` or `declined`. `repository` is canonical and has one
    open request at a time; `image` is the first that was asked for. `askers_json` lists user ids.
    """

    __tablename__ = "image_request"
    __table_args__ = (
        Index(
            "uq_image_request_open",
            "team_id",
            "repository",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="workspace.team_id")
    repository: str
    image: str = Field(sa_type=Text)
    askers_json: str = Field(sa_type=Text)
    state: str
    channel: str
    ts: str = ""
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = Field(default="", sa_type=Text)
    until: datetime | None = None


class Cluster(Row, table=True):
    """A Kubernetes cluster that asks Registrar. `id` is in its addresses, and is no secret.

    `mode` is `audit`, `warn` or `enforce`; `namespaces_json` maps a namespace to its own `mode` and
    `environment`. `policy_hash` is that of the static policy it said to have, at `policy_at`;
    `inventory_at` is when a whole inventory of it arrived last. `rules_hash` is that of the policy
    it should have, since `rules_at`; `behind_told` whether people heard that it has another one.
    """

    __tablename__ = "cluster"
    __table_args__ = (
        Index(
            "uq_cluster_live_name",
            "team_id",
            "name",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="workspace.team_id")
    name: str
    environment: str
    mode: str
    namespaces_json: str = Field(default="{}", sa_type=Text)
    policy_hash: str = ""
    policy_at: datetime | None = None
    inventory_at: datetime | None = None
    rules_hash: str = ""
    rules_at: datetime | None = None
    behind_told: bool = False
    created_at: datetime
    created_by: str
    deleted_at: datetime | None = None


class ClusterToken(Row, table=True):
    """A token of a cluster, of which only the SHA-256 is kept; it has 256 random bits.

    While it is rotated two of them are good, the older until `expires_at`.
    """

    __tablename__ = "cluster_token"
    __table_args__ = (Index("ix_cluster_token_cluster_id", "cluster_id"),)

    digest: str = Field(primary_key=True)
    cluster_id: str = Field(foreign_key="cluster.id", ondelete="CASCADE")
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    used_at: datetime | None = None


class TokenLink(Row, table=True):
    """A page outside Slack that shows a cluster's token once, to the person who asked for it.

    `digest` is the SHA-256 of the link, `token_digest` that of the token. `blob` is sealed and has
    the token and the code that is to be typed; it is gone once the token was shown, or after too
    many wrong codes, which `tries` counts.
    """

    __tablename__ = "token_link"
    __table_args__ = (Index("ix_token_link_expires_at", "expires_at"),)

    digest: str = Field(primary_key=True)
    cluster_id: str = Field(foreign_key="cluster.id", ondelete="CASCADE")
    token_digest: str = ""
    user_id: str
    blob: bytes | None = Field(default=None, sa_type=LargeBinary)
    tries: int = 0
    created_at: datetime
    expires_at: datetime
    shown_at: datetime | None = None


class SecretAsk(Row, table=True):
    """A page outside Slack on which one person enters the secrets of a form, once.

    `digest` is the SHA-256 of the link, `code_digest` that of link and code. `form_json` is the
    form without its secrets. `view_id` and `channel` are where it was opened. `tries` counts wrong
    codes. `taken_at` is set once the secrets were entered, in the transaction that keeps them as
    the draft `draft_id`; `told_at` once Slack shows what became of it. Between the two, `taken_at`
    moves on with each process that takes that over from one that died.
    """

    __tablename__ = "secret_ask"
    __table_args__ = (Index("ix_secret_ask_expires_at", "expires_at"),)

    digest: str = Field(primary_key=True)
    code_digest: str
    team_id: str
    user_id: str
    channel: str
    view_id: str
    form_json: str = Field(sa_type=Text)
    tries: int = 0
    created_at: datetime
    expires_at: datetime
    taken_at: datetime | None = None
    draft_id: str = ""
    told_at: datetime | None = None


class ImageUse(Row, table=True):
    """An image that runs somewhere, or is to run there.

    `source` is `inventory` (a cluster's own list), `declared` (a pipeline said so) or `sighted`
    (an admission request, which anybody can send). `place` is `NAMESPACE/KIND/NAME` in a cluster,
    `PROJECT/ENVIRONMENT/SERVICE` of a declaration. `image` is canonical. Whose image it is follows
    from the rules of the moment and is not kept.
    """

    __tablename__ = "image_use"
    __table_args__ = (
        Index(
            "uq_image_use_place", "team_id", "source", "cluster_id", "place", "image", unique=True
        ),
        Index("ix_image_use_team_id_last_seen_at", "team_id", "last_seen_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_NUMBER)
    team_id: str = Field(foreign_key="workspace.team_id")
    source: str
    cluster_id: str = ""
    place: str
    image: str = Field(sa_type=Text)
    first_seen_at: datetime
    last_seen_at: datetime


class InventoryPage(Row, table=True):
    """A page of an inventory that is still arriving, as run `run` of `registrar inventory`.

    `uses_json` lists places and images. Once the run is complete, its pages give way to page 0,
    which holds what was answered, for a caller who did not hear it.
    """

    __tablename__ = "inventory_page"

    cluster_id: str = Field(primary_key=True, foreign_key="cluster.id", ondelete="CASCADE")
    run: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    uses_json: str = Field(sa_type=Text)
    arrived_at: datetime


class MintedLogin(Row, table=True):
    """A short-lived login that a provider gave for a credential, kept until it is replaced.

    `blob` is the sealed pair. A cluster is given the stored one until half of its life is over, and
    no provider that is away for a while takes it from there. `renew_at` is when it is to be
    replaced (None: at once), `asked_at` when a cluster wanted it last, `lease_until` and `fence`
    the claim of the process that replaces it, `attempts` how often that failed in a row.
    """

    __tablename__ = "minted_login"
    __table_args__ = (Index("ix_minted_login_renew_at", "renew_at"),)

    registry_id: str = Field(primary_key=True, foreign_key="registry.id", ondelete="CASCADE")
    team_id: str = Field(foreign_key="workspace.team_id")
    credential_id: str
    blob: bytes = Field(sa_type=LargeBinary)
    minted_at: datetime
    expires_at: datetime
    renew_at: datetime | None = None
    asked_at: datetime | None = None
    lease_until: datetime | None = None
    fence: int = 0
    attempts: int = 0


class RotationRow(Row, table=True):
    """The replacement of one credential, which is one message.

    `state_json` is a `bot.core.rotation.Rotation`, `run_json` of an automatic one a
    `bot.core.auto_rotation.Run`. `registry_id` is where it was begun; all that
    share the credential are its members. `next_at` is when time alone changes it, `lease_until` and
    `fence` are the claim of the worker that tries the old secret.
    """

    __tablename__ = "rotation"
    __table_args__ = (
        Index("ix_rotation_next_at", "next_at"),
        Index("ix_rotation_team_id_opened_at", "team_id", "opened_at"),
    )

    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="workspace.team_id")
    registry_id: str = Field(foreign_key="registry.id", ondelete="CASCADE")
    mode: str
    phase: str
    state_json: str = Field(sa_type=Text)
    run_json: str = Field(default="", sa_type=Text)
    version: int = 0
    channel: str = ""
    ts: str = ""
    next_at: datetime | None = None
    lease_until: datetime | None = None
    fence: int = 0
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None = None


class RotationMember(Row, table=True):
    """A registry whose credential a rotation replaces.

    `before_json` and `after_json` are how it signs in with the old and with the new one (`url`,
    `variant`, `values`, `login`): a secret is tried with that and goes nowhere else.
    """

    __tablename__ = "rotation_member"
    __table_args__ = (Index("ix_rotation_member_registry_id", "registry_id"),)

    rotation_id: str = Field(primary_key=True, foreign_key="rotation.id", ondelete="CASCADE")
    registry_id: str = Field(primary_key=True, foreign_key="registry.id", ondelete="CASCADE")
    old_credential_id: str
    new_credential_id: str
    before_json: str = Field(default="{}", sa_type=Text)
    after_json: str = Field(default="{}", sa_type=Text)


class RotationJournal(Row, table=True):
    """What an automatic rotation did at the provider, written down before and after each step.

    `outcome` is `began`, `done`, `refused` or `unclear`.
    """

    __tablename__ = "rotation_journal"
    __table_args__ = (Index("ix_rotation_journal_rotation_id_id", "rotation_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=_NUMBER)
    rotation_id: str = Field(foreign_key="rotation.id", ondelete="CASCADE")
    at: datetime
    step: str
    outcome: str
    handle: str = ""
    detail: str = Field(default="", sa_type=Text)


class RotationPolicy(Row, table=True):
    """That a registry's credential is rotated automatically, and when.

    `at_age_days` counts from when it was issued, `before_expiry_days` back from its expiry.
    `access_blob` is the sealed credential that rotates it, where it cannot rotate itself.
    """

    __tablename__ = "rotation_policy"
    __table_args__ = (Index("ix_rotation_policy_team_id", "team_id"),)

    registry_id: str = Field(primary_key=True, foreign_key="registry.id", ondelete="CASCADE")
    team_id: str = Field(foreign_key="workspace.team_id")
    enabled: bool = False
    at_age_days: int | None = None
    before_expiry_days: int | None = None
    lasts_days: int = 90
    grace_hours: int = 24
    access_blob: bytes | None = Field(default=None, sa_type=LargeBinary)
    version: int = 0
    updated_at: datetime
    updated_by: str
