"""The first schema: study, tree, trial, attempt, measurement, edit, event.

Revision: 0001, after nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "study",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("repo", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("nightlab_version", sa.String, nullable=False),
        sa.Column("created_unix_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_unix_ms", sa.BigInteger),
        sa.Column("spent_s", sa.Float, nullable=False),
        sa.Column("prepared_s", sa.Float, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("base_digest", sa.String),
        sa.Column("head", sa.String),
        sa.Column("branch", sa.String),
        sa.Column("dirty", sa.JSON, nullable=False),
        sa.Column("is_git", sa.Boolean, nullable=False),
        sa.Column("nested", sa.JSON, nullable=False),
        sa.Column("site", sa.JSON),
        sa.Column("engine", sa.JSON, nullable=False),
        sa.Column("base_findings", sa.JSON),
        sa.Column("defaults", sa.JSON, nullable=False),
        sa.Column("incumbent", sa.Integer),
        sa.Column("stop_reason", sa.String, nullable=False),
    )
    op.create_table(
        "tree",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("base", sa.String),
        sa.Column("entries", sa.JSON, nullable=False),
        sa.Column("removed", sa.JSON, nullable=False),
        sa.Column("commit_id", sa.String),
    )
    op.create_table(
        "trial",
        sa.Column("study_id", sa.String, sa.ForeignKey("study.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("parent", sa.Integer),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("subject", sa.Integer),
        sa.Column("call", sa.JSON),
        sa.Column("proposal", sa.String, nullable=False),
        sa.Column("summary", sa.String, nullable=False),
        sa.Column("tree_digest", sa.String),
        sa.Column("run_digest", sa.String),
        sa.Column("run_seed", sa.Integer),
        sa.Column("verdict", sa.String),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("gain", sa.Float),
        sa.Column("gain_low", sa.Float),
        sa.Column("gain_high", sa.Float),
        sa.Column("created_unix_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_unix_ms", sa.BigInteger),
    )
    op.create_table(
        "attempt",
        sa.Column("study_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("phase", sa.String, nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("container", sa.String, nullable=False),
        sa.Column("resources", sa.JSON, nullable=False),
        sa.Column("started_unix_ms", sa.BigInteger, nullable=False),
        sa.Column("launched_unix_ms", sa.BigInteger),
        sa.Column("ended_unix_ms", sa.BigInteger),
        sa.Column("ending", sa.String),
        sa.Column("exit_code", sa.Integer),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("gate", sa.JSON),
        sa.Column("usage", sa.JSON),
        sa.Column("posture", sa.JSON),
        sa.Column("log_path", sa.String, nullable=False),
        sa.Column("outputs", sa.JSON, nullable=False),
        sa.Column("added_importable", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(["study_id", "number"], ["trial.study_id", "trial.number"]),
    )
    op.create_table(
        "measurement",
        sa.Column("study_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.Float),
        sa.Column("trust", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.ForeignKeyConstraint(["study_id", "number"], ["trial.study_id", "trial.number"]),
    )
    op.create_table(
        "edit",
        sa.Column("study_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("commit_id", sa.String, nullable=False),
        sa.Column("tree_digest", sa.String, nullable=False),
        sa.Column("summary", sa.String, nullable=False),
        sa.ForeignKeyConstraint(["study_id", "number"], ["trial.study_id", "trial.number"]),
    )
    op.create_table(
        "event",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("study_id", sa.String, sa.ForeignKey("study.id"), nullable=False),
        sa.Column("number", sa.Integer),
        sa.Column("at_unix_ms", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
    )
    op.create_index("ix_event_study_id", "event", ["study_id"])
