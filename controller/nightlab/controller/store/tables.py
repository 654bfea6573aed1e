"""The tables of a state directory, as SQLAlchemy Core.

Times are unix milliseconds; durations that decide anything come from monotonic clocks and are stored as their own
columns. JSON columns hold values of `controller.model` and `config.schema`, never code. A change needs a migration.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

metadata: Final = sa.MetaData()

study: Final = sa.Table(
    "study",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("repo", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("config", sa.JSON, nullable=False),
    sa.Column("nightlab_version", sa.String, nullable=False),
    sa.Column("created_unix_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_unix_ms", sa.BigInteger),
    sa.Column("spent_s", sa.Float, nullable=False, default=0.0),
    sa.Column("prepared_s", sa.Float, nullable=False, default=0.0),
    sa.Column("slots", sa.Integer, nullable=False, default=1),
    sa.Column("base_digest", sa.String),
    sa.Column("head", sa.String),
    sa.Column("branch", sa.String),
    sa.Column("dirty", sa.JSON, nullable=False, default=list),
    sa.Column("is_git", sa.Boolean, nullable=False, default=False),
    sa.Column("nested", sa.JSON, nullable=False, default=list),
    sa.Column("site", sa.JSON),
    sa.Column("engine", sa.JSON, nullable=False, default=dict),
    sa.Column("base_findings", sa.JSON),
    sa.Column("defaults", sa.JSON, nullable=False, default=dict),
    sa.Column("incumbent", sa.Integer),
    sa.Column("stop_reason", sa.String, nullable=False, default=""),
)

tree: Final = sa.Table(
    "tree",
    metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("base", sa.String),
    sa.Column("entries", sa.JSON, nullable=False),
    sa.Column("removed", sa.JSON, nullable=False, default=list),
    sa.Column("commit_id", sa.String),
)

trial: Final = sa.Table(
    "trial",
    metadata,
    sa.Column("study_id", sa.ForeignKey("study.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("parent", sa.Integer),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("subject", sa.Integer),
    sa.Column("call", sa.JSON),
    sa.Column("proposal", sa.String, nullable=False, default=""),
    sa.Column("summary", sa.String, nullable=False, default=""),
    sa.Column("tree_digest", sa.String),
    sa.Column("run_digest", sa.String),
    sa.Column("run_seed", sa.Integer),
    sa.Column("verdict", sa.String),
    sa.Column("reason", sa.String, nullable=False, default=""),
    sa.Column("gain", sa.Float),
    sa.Column("gain_low", sa.Float),
    sa.Column("gain_high", sa.Float),
    sa.Column("created_unix_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_unix_ms", sa.BigInteger),
    sa.Column("canonical", sa.String),
    sa.Column("fixes", sa.JSON, nullable=False, default=list),
)

attempt: Final = sa.Table(
    "attempt",
    metadata,
    sa.Column("study_id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("phase", sa.String, nullable=False),
    sa.Column("slot", sa.Integer, nullable=False, default=0),
    sa.Column("container", sa.String, nullable=False),
    sa.Column("resources", sa.JSON, nullable=False, default=dict),
    sa.Column("started_unix_ms", sa.BigInteger, nullable=False),
    sa.Column("launched_unix_ms", sa.BigInteger),
    sa.Column("ended_unix_ms", sa.BigInteger),
    sa.Column("ending", sa.String),
    sa.Column("exit_code", sa.Integer),
    sa.Column("reason", sa.String, nullable=False, default=""),
    sa.Column("gate", sa.JSON),
    sa.Column("usage", sa.JSON),
    sa.Column("posture", sa.JSON),
    sa.Column("log_path", sa.String, nullable=False, default=""),
    sa.Column("outputs", sa.JSON, nullable=False, default=dict),
    sa.Column("added_importable", sa.JSON, nullable=False, default=list),
    sa.ForeignKeyConstraint(["study_id", "number"], ["trial.study_id", "trial.number"]),
)

measurement: Final = sa.Table(
    "measurement",
    metadata,
    sa.Column("study_id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.Float),
    sa.Column("trust", sa.String, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.ForeignKeyConstraint(["study_id", "number"], ["trial.study_id", "trial.number"]),
)

edit: Final = sa.Table(
    "edit",
    metadata,
    sa.Column("study_id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True),
    sa.Column("author", sa.String, nullable=False),
    sa.Column("commit_id", sa.String, nullable=False),
    sa.Column("tree_digest", sa.String, nullable=False),
    sa.Column("summary", sa.String, nullable=False, default=""),
    sa.ForeignKeyConstraint(["study_id", "number"], ["trial.study_id", "trial.number"]),
)

event: Final = sa.Table(
    "event",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("study_id", sa.ForeignKey("study.id"), nullable=False, index=True),
    sa.Column("number", sa.Integer),
    sa.Column("at_unix_ms", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("text", sa.String, nullable=False, default=""),
    sa.Column("facts", sa.JSON, nullable=False, default=dict),
)

proof: Final = sa.Table(
    "proof",
    metadata,
    sa.Column("study_id", sa.ForeignKey("study.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("before_digest", sa.String, nullable=False),
    sa.Column("after_digest", sa.String, nullable=False),
    sa.Column("created_unix_ms", sa.BigInteger, nullable=False),
    sa.Column("trial", sa.Integer),
    sa.Column("run_seed", sa.Integer),
    sa.Column("fixes", sa.JSON, nullable=False, default=list),
    sa.Column("subject", sa.String, nullable=False, default=""),
    sa.Column("begun_unix_ms", sa.BigInteger),
    sa.Column("ended_unix_ms", sa.BigInteger),
    sa.Column("differs", sa.Boolean),
    sa.Column("runs", sa.Integer, nullable=False, default=0),
    sa.Column("guilty", sa.JSON, nullable=False, default=list),
    sa.Column("hunks", sa.String, nullable=False, default=""),
    sa.Column("evidence", sa.String, nullable=False, default=""),
    sa.Column("wall_s", sa.Float, nullable=False, default=0.0),
)

approval: Final = sa.Table(
    "approval",
    metadata,
    sa.Column("study_id", sa.ForeignKey("study.id"), primary_key=True),
    sa.Column("author", sa.String, primary_key=True),
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False, default=""),
)

quarantine: Final = sa.Table(
    "quarantine",
    metadata,
    sa.Column("author", sa.String, primary_key=True),
    sa.Column("study_id", sa.ForeignKey("study.id"), nullable=False),
    sa.Column("trial", sa.Integer, nullable=False),
    sa.Column("at_unix_ms", sa.BigInteger, nullable=False),
    sa.Column("evidence", sa.String, nullable=False, default=""),
    sa.Column("hunks", sa.String, nullable=False, default=""),
    sa.Column("lost_s", sa.Float, nullable=False, default=0.0),
)

plugin: Final = sa.Table(
    "plugin",
    metadata,
    sa.Column("study_id", sa.ForeignKey("study.id"), primary_key=True),
    sa.Column("plugin", sa.String, primary_key=True),
    sa.Column("version", sa.String, nullable=False, default=""),
    sa.Column("digest", sa.String, nullable=False, default=""),
    sa.Column("stopped", sa.String, nullable=False, default=""),
    sa.Column("state", sa.LargeBinary, nullable=False, default=b""),
    sa.Column("told", sa.JSON, nullable=False, default=list),
)
