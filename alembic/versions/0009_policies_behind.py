"""Since when a cluster's policy should say what it should say now, and whether that was told.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("cluster") as batch_op:
        batch_op.add_column(sa.Column("rules_hash", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("rules_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("behind_told", sa.Boolean(), nullable=False, server_default=sa.false())
        )


def downgrade() -> None:
    with op.batch_alter_table("cluster") as batch_op:
        batch_op.drop_column("behind_told")
        batch_op.drop_column("rules_at")
        batch_op.drop_column("rules_hash")
