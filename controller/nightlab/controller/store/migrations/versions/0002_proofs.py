"""What the gate remembers: canonical trees and fixes of trials; proofs, approvals and quarantined authors.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and make the tables."""
    op.add_column("trial", sa.Column("canonical", sa.String))
    op.add_column("trial", sa.Column("fixes", sa.JSON, nullable=False, server_default="[]"))
    op.create_table(
        "proof",
        sa.Column("study_id", sa.String, sa.ForeignKey("study.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("before_digest", sa.String, nullable=False),
        sa.Column("after_digest", sa.String, nullable=False),
        sa.Column("created_unix_ms", sa.BigInteger, nullable=False),
        sa.Column("trial", sa.Integer),
        sa.Column("run_seed", sa.Integer),
        sa.Column("fixes", sa.JSON, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("begun_unix_ms", sa.BigInteger),
        sa.Column("ended_unix_ms", sa.BigInteger),
        sa.Column("differs", sa.Boolean),
        sa.Column("runs", sa.Integer, nullable=False),
        sa.Column("guilty", sa.JSON, nullable=False),
        sa.Column("hunks", sa.String, nullable=False),
        sa.Column("evidence", sa.String, nullable=False),
        sa.Column("wall_s", sa.Float, nullable=False),
    )
    op.create_table(
        "approval",
        sa.Column("study_id", sa.String, sa.ForeignKey("study.id"), primary_key=True),
        sa.Column("author", sa.String, primary_key=True),
        sa.Column("path", sa.String, primary_key=True),
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("reason", sa.String, nullable=False),
    )
    op.create_table(
        "quarantine",
        sa.Column("author", sa.String, primary_key=True),
        sa.Column("study_id", sa.String, sa.ForeignKey("study.id"), nullable=False),
        sa.Column("trial", sa.Integer, nullable=False),
        sa.Column("at_unix_ms", sa.BigInteger, nullable=False),
        sa.Column("evidence", sa.String, nullable=False),
        sa.Column("hunks", sa.String, nullable=False),
        sa.Column("lost_s", sa.Float, nullable=False),
    )
