"""Watch: retests, incidents, reminders and what people look at.

Columns that are added have a default in the database, so that the previous release, which does not
know them, goes on writing.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("guard_json", sa.Text(), nullable=False),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_account_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("team_id", "host", "login", name=op.f("pk_account")),
    )
    op.create_table(
        "channel_state",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("storm_json", sa.Text(), nullable=False),
        sa.Column("next_tick_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_channel_state_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("team_id", "channel", name=op.f("pk_channel_state")),
    )
    with op.batch_alter_table("channel_state") as batch_op:
        batch_op.create_index("ix_channel_state_next_tick_at", ["next_tick_at"], unique=False)

    op.create_table(
        "home_view",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("view_json", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_home_view_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_home_view")),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("state_json", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("storm_id", sa.String(), nullable=False),
        sa.Column("next_tick_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_incident_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    with op.batch_alter_table("incident") as batch_op:
        batch_op.create_index("ix_incident_next_tick_at", ["next_tick_at"], unique=False)
        batch_op.create_index("ix_incident_storm_id", ["storm_id"], unique=False)
        batch_op.create_index(
            "ix_incident_team_id_key_opened_at", ["team_id", "key", "opened_at"], unique=False
        )
        batch_op.create_index(
            "uq_incident_open_key",
            ["team_id", "key"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "storm",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_storm_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storm")),
    )
    with op.batch_alter_table("storm") as batch_op:
        batch_op.create_index("ix_storm_team_id_opened_at", ["team_id", "opened_at"], unique=False)

    op.create_table(
        "day_count",
        sa.Column("registry_id", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("proven", sa.Integer(), nullable=False),
        sa.Column("unproven", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("unreachable", sa.Integer(), nullable=False),
        sa.Column("limited", sa.Integer(), nullable=False),
        sa.Column("blocked", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registry_id"],
            ["registry.id"],
            name=op.f("fk_day_count_registry_id_registry"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("registry_id", "day", name=op.f("pk_day_count")),
    )
    op.create_table(
        "incident_registry",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("registry_id", sa.String(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incident.id"],
            name=op.f("fk_incident_registry_incident_id_incident"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["registry_id"],
            ["registry.id"],
            name=op.f("fk_incident_registry_registry_id_registry"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("incident_id", "registry_id", name=op.f("pk_incident_registry")),
    )
    with op.batch_alter_table("incident_registry") as batch_op:
        batch_op.create_index("ix_incident_registry_registry_id", ["registry_id"], unique=False)

    op.create_table(
        "reminder",
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("registry_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("said_json", sa.Text(), nullable=False),
        sa.Column("snooze_json", sa.Text(), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rotate_days", sa.Integer(), nullable=False),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credential.id"],
            name=op.f("fk_reminder_credential_id_credential"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["registry_id"],
            ["registry.id"],
            name=op.f("fk_reminder_registry_id_registry"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_reminder_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_reminder")),
    )
    with op.batch_alter_table("reminder") as batch_op:
        batch_op.create_index("ix_reminder_next_at", ["next_at"], unique=False)
        batch_op.create_index("ix_reminder_registry_id", ["registry_id"], unique=False)
        batch_op.create_index("ix_reminder_team_id", ["team_id"], unique=False)

    with op.batch_alter_table("credential") as batch_op:
        batch_op.add_column(sa.Column("expires_typed", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE credential SET expires_typed = expires_at WHERE expires_source = 'person'")

    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("op", sa.String(), nullable=False, server_default="post"))
        batch_op.add_column(sa.Column("subject", sa.String(), nullable=False, server_default=""))
        batch_op.create_index(
            "ix_outbox_subject",
            ["subject", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting' AND subject <> ''"),
            postgresql_where=sa.text("state = 'waiting' AND subject <> ''"),
        )

    with op.batch_alter_table("registry") as batch_op:
        batch_op.add_column(sa.Column("recheck_minutes", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(
            sa.Column("health_json", sa.Text(), nullable=False, server_default="{}")
        )
        batch_op.add_column(sa.Column("pause_json", sa.Text(), nullable=False, server_default="{}"))
        batch_op.create_index(
            "ix_registry_account",
            ["host", "login", "team_id"],
            unique=False,
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )
        batch_op.create_index(
            "ix_registry_team_due",
            ["team_id", "next_check_at"],
            unique=False,
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )

    with op.batch_alter_table("workspace") as batch_op:
        batch_op.add_column(
            sa.Column("preferences_json", sa.Text(), nullable=False, server_default="{}")
        )


def downgrade() -> None:
    with op.batch_alter_table("workspace") as batch_op:
        batch_op.drop_column("preferences_json")

    with op.batch_alter_table("registry") as batch_op:
        batch_op.drop_index(
            "ix_registry_team_due",
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )
        batch_op.drop_index(
            "ix_registry_account",
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )
        batch_op.drop_column("pause_json")
        batch_op.drop_column("health_json")
        batch_op.drop_column("attempts")
        batch_op.drop_column("recheck_minutes")

    with op.batch_alter_table("credential") as batch_op:
        batch_op.drop_column("expires_typed")

    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_index(
            "ix_outbox_subject",
            sqlite_where=sa.text("state = 'waiting' AND subject <> ''"),
            postgresql_where=sa.text("state = 'waiting' AND subject <> ''"),
        )
        batch_op.drop_column("subject")
        batch_op.drop_column("op")

    with op.batch_alter_table("reminder") as batch_op:
        batch_op.drop_index("ix_reminder_team_id")
        batch_op.drop_index("ix_reminder_registry_id")
        batch_op.drop_index("ix_reminder_next_at")

    op.drop_table("reminder")
    with op.batch_alter_table("incident_registry") as batch_op:
        batch_op.drop_index("ix_incident_registry_registry_id")

    op.drop_table("incident_registry")
    op.drop_table("day_count")
    with op.batch_alter_table("storm") as batch_op:
        batch_op.drop_index("ix_storm_team_id_opened_at")

    op.drop_table("storm")
    with op.batch_alter_table("incident") as batch_op:
        batch_op.drop_index(
            "uq_incident_open_key",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.drop_index("ix_incident_team_id_key_opened_at")
        batch_op.drop_index("ix_incident_storm_id")
        batch_op.drop_index("ix_incident_next_tick_at")

    op.drop_table("incident")
    op.drop_table("home_view")
    with op.batch_alter_table("channel_state") as batch_op:
        batch_op.drop_index("ix_channel_state_next_tick_at")

    op.drop_table("channel_state")
    op.drop_table("account")
