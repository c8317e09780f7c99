"""Minted logins are renewed by the clock: when, for whom, and by which process.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("minted_login") as batch_op:
        batch_op.add_column(sa.Column("renew_at", moment, nullable=True))
        batch_op.add_column(sa.Column("asked_at", moment, nullable=True))
        batch_op.add_column(sa.Column("lease_until", moment, nullable=True))
        batch_op.add_column(sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_index("ix_minted_login_renew_at", ["renew_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("minted_login") as batch_op:
        batch_op.drop_index("ix_minted_login_renew_at")
        for column in ("attempts", "fence", "lease_until", "asked_at", "renew_at"):
            batch_op.drop_column(column)
