"""Rotations: which credential replaces which, and whether the old one was seen dead.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rotation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("registry_id", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("state_json", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["registry_id"],
            ["registry.id"],
            name=op.f("fk_rotation_registry_id_registry"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_rotation_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation")),
    )
    with op.batch_alter_table("rotation") as batch_op:
        batch_op.create_index("ix_rotation_next_at", ["next_at"], unique=False)
        batch_op.create_index(
            "ix_rotation_team_id_opened_at", ["team_id", "opened_at"], unique=False
        )

    op.create_table(
        "rotation_member",
        sa.Column("rotation_id", sa.String(), nullable=False),
        sa.Column("registry_id", sa.String(), nullable=False),
        sa.Column("old_credential_id", sa.String(), nullable=False),
        sa.Column("new_credential_id", sa.String(), nullable=False),
        sa.Column("before_json", sa.Text(), nullable=False),
        sa.Column("after_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registry_id"],
            ["registry.id"],
            name=op.f("fk_rotation_member_registry_id_registry"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["rotation_id"],
            ["rotation.id"],
            name=op.f("fk_rotation_member_rotation_id_rotation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("rotation_id", "registry_id", name=op.f("pk_rotation_member")),
    )
    with op.batch_alter_table("rotation_member") as batch_op:
        batch_op.create_index("ix_rotation_member_registry_id", ["registry_id"], unique=False)

    with op.batch_alter_table("draft") as batch_op:
        # The previous release writes drafts without it.
        batch_op.add_column(
            sa.Column("rotation_json", sa.Text(), nullable=False, server_default="")
        )


def downgrade() -> None:
    with op.batch_alter_table("draft") as batch_op:
        batch_op.drop_column("rotation_json")

    with op.batch_alter_table("rotation_member") as batch_op:
        batch_op.drop_index("ix_rotation_member_registry_id")

    op.drop_table("rotation_member")
    with op.batch_alter_table("rotation") as batch_op:
        batch_op.drop_index("ix_rotation_team_id_opened_at")
        batch_op.drop_index("ix_rotation_next_at")

    op.drop_table("rotation")
