"""What a page that shows a token knows of it, and how often a wrong code was typed there.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("token_link") as batch_op:
        batch_op.add_column(
            sa.Column("token_digest", sa.String(), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("token_link") as batch_op:
        batch_op.drop_column("tries")
        batch_op.drop_column("token_digest")
