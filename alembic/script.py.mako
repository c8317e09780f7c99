"""${message}.

The law of migrations: the previous release must go on working on the migrated database; locks are
short (no rewriting of a large table, no waiting on one); dropping and renaming come one release
after the code has stopped using the thing; a new column that must not be null has a server default,
because the previous release does not fill it; a released migration is never edited.

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
