"""Plugins of a study: what they are, the state that the host keeps for them, which outcomes they were told.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "plugin",
        sa.Column("study_id", sa.String, sa.ForeignKey("study.id"), primary_key=True),
        sa.Column("plugin", sa.String, primary_key=True),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("stopped", sa.String, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("told", sa.JSON, nullable=False),
    )
