"""Automatic rotation: its journal, and which registries it is switched on for.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("rotation") as batch_op:
        # The previous release writes rotations without it.
        batch_op.add_column(sa.Column("run_json", sa.Text(), nullable=False, server_default=""))

    op.create_table(
        "rotation_journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rotation_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rotation_id"],
            ["rotation.id"],
            name=op.f("fk_rotation_journal_rotation_id_rotation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation_journal")),
    )
    with op.batch_alter_table("rotation_journal") as batch_op:
        batch_op.create_index(
            "ix_rotation_journal_rotation_id_id", ["rotation_id", "id"], unique=False
        )

    op.create_table(
        "rotation_policy",
        sa.Column("registry_id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("at_age_days", sa.Integer(), nullable=True),
        sa.Column("before_expiry_days", sa.Integer(), nullable=True),
        sa.Column("lasts_days", sa.Integer(), nullable=False),
        sa.Column("grace_hours", sa.Integer(), nullable=False),
        sa.Column("access_blob", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registry_id"],
            ["registry.id"],
            name=op.f("fk_rotation_policy_registry_id_registry"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_rotation_policy_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("registry_id", name=op.f("pk_rotation_policy")),
    )
    with op.batch_alter_table("rotation_policy") as batch_op:
        batch_op.create_index("ix_rotation_policy_team_id", ["team_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("rotation_policy") as batch_op:
        batch_op.drop_index("ix_rotation_policy_team_id")

    op.drop_table("rotation_policy")
    with op.batch_alter_table("rotation_journal") as batch_op:
        batch_op.drop_index("ix_rotation_journal_rotation_id_id")

    op.drop_table("rotation_journal")
    with op.batch_alter_table("rotation") as batch_op:
        batch_op.drop_column("run_json")
