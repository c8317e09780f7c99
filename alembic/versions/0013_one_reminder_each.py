"""One reminder for all registries that share a credential.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("reminder") as batch_op:
        # The previous release writes reminders without it.
        batch_op.add_column(sa.Column("lead", sa.String(), nullable=False, server_default=""))
        batch_op.create_index("ix_reminder_lead", ["lead"], unique=False)
    with op.batch_alter_table("credential") as batch_op:
        batch_op.create_index(
            "ix_credential_team_id_fingerprint", ["team_id", "fingerprint"], unique=False
        )
    # Every reminder is looked at once more, so that those of one credential come together.
    op.execute("UPDATE reminder SET settings_version = -1")


def downgrade() -> None:
    with op.batch_alter_table("credential") as batch_op:
        batch_op.drop_index("ix_credential_team_id_fingerprint")
    op.execute("UPDATE reminder SET state = 'quiet', settings_version = -1 WHERE state = 'follows'")
    with op.batch_alter_table("reminder") as batch_op:
        batch_op.drop_index("ix_reminder_lead")
        batch_op.drop_column("lead")
