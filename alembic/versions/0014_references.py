"""References in place of secrets, and checks whose reference led nowhere.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A release that knows neither column goes on writing rows.
    with op.batch_alter_table("credential") as batch_op:
        batch_op.add_column(sa.Column("source", sa.Text(), server_default="", nullable=False))
    with op.batch_alter_table("day_count") as batch_op:
        batch_op.add_column(
            sa.Column("unresolved", sa.Integer(), server_default="0", nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("day_count") as batch_op:
        batch_op.drop_column("unresolved")
    with op.batch_alter_table("credential") as batch_op:
        batch_op.drop_column("source")
