"""Clusters, their tokens, what they pull with, and which images run where.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cluster",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("namespaces_json", sa.Text(), nullable=False),
        sa.Column("policy_hash", sa.String(), nullable=False),
        sa.Column("policy_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inventory_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_cluster_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cluster")),
    )
    with op.batch_alter_table("cluster") as batch_op:
        batch_op.create_index(
            "uq_cluster_live_name",
            ["team_id", "name"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "image_use",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_image_use_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_use")),
    )
    with op.batch_alter_table("image_use") as batch_op:
        batch_op.create_index(
            "ix_image_use_team_id_last_seen_at", ["team_id", "last_seen_at"], unique=False
        )
        batch_op.create_index(
            "uq_image_use_place",
            ["team_id", "source", "cluster_id", "place", "image"],
            unique=True,
        )

    op.create_table(
        "cluster_token",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["cluster_id"],
            ["cluster.id"],
            name=op.f("fk_cluster_token_cluster_id_cluster"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_cluster_token")),
    )
    with op.batch_alter_table("cluster_token") as batch_op:
        batch_op.create_index("ix_cluster_token_cluster_id", ["cluster_id"], unique=False)

    op.create_table(
        "token_link",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["cluster_id"],
            ["cluster.id"],
            name=op.f("fk_token_link_cluster_id_cluster"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_token_link")),
    )
    with op.batch_alter_table("token_link") as batch_op:
        batch_op.create_index("ix_token_link_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "minted_login",
        sa.Column("registry_id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("minted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["registry_id"],
            ["registry.id"],
            name=op.f("fk_minted_login_registry_id_registry"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["workspace.team_id"], name=op.f("fk_minted_login_team_id_workspace")
        ),
        sa.PrimaryKeyConstraint("registry_id", name=op.f("pk_minted_login")),
    )


def downgrade() -> None:
    op.drop_table("minted_login")
    with op.batch_alter_table("token_link") as batch_op:
        batch_op.drop_index("ix_token_link_expires_at")

    op.drop_table("token_link")
    with op.batch_alter_table("cluster_token") as batch_op:
        batch_op.drop_index("ix_cluster_token_cluster_id")

    op.drop_table("cluster_token")
    with op.batch_alter_table("image_use") as batch_op:
        batch_op.drop_index("uq_image_use_place")
        batch_op.drop_index("ix_image_use_team_id_last_seen_at")

    op.drop_table("image_use")
    with op.batch_alter_table("cluster") as batch_op:
        batch_op.drop_index(
            "uq_cluster_live_name",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.drop_table("cluster")
