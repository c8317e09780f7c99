"""What became of the secrets that were entered outside Slack, and whether Slack shows it.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("secret_ask") as batch_op:
        batch_op.add_column(sa.Column("draft_id", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("secret_ask") as batch_op:
        batch_op.drop_column("told_at")
        batch_op.drop_column("draft_id")
