"""Opens a state directory's database: one writer under a lock, any number of readers.

The lock is an flock on `lock`, freed by the kernel when the holder dies; the file names the holder for people. SQLite
below 3.51.3 can lose a page when two connections checkpoint a write-ahead log, so there the rollback journal is used.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from nightlab.controller.errors import StoreError

FILE: Final = "store.sqlite3"
WAL_SAFE: Final = (3, 51, 3)
BUSY_S: Final = 30.0


class Lock:
    """The right to write to a state directory, held until `release` or the holder's death."""

    def __init__(self, state_dir: Path) -> None:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = state_dir / "lock"
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            holder = holder_pid(state_dir)
            raise StoreError(
                f"{state_dir} is in use by process {holder or 'unknown'}: another nightlab runs there; "
                "wait for it, or end it with `nightlab stop`"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the right back; safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def holder_pid(state_dir: Path) -> int | None:
    """Return the process that holds the lock, or None if nobody does."""
    try:
        fd = os.open(state_dir / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(fd, 32, 0).decode(errors="replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(fd)
    return None


def open_writer(state_dir: Path) -> sa.Engine:
    """Open for writing, creating or migrating as needed. The caller holds the Lock.

    Raises:
        StoreError: The file is damaged, or was written by a newer nightlab.
    """
    path = state_dir / FILE
    path.touch(mode=0o600)
    engine = _engine(f"file:{path}?mode=rwc")
    try:
        with engine.begin() as connection:
            _require_sound(connection, path)
            _migrate(connection, path)
    except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
        engine.dispose()
        raise StoreError(f"{path} cannot be used: {error.args[0]}", hint="move it aside to start anew") from error
    return engine


def open_reader(state_dir: Path) -> sa.Engine:
    """Open for reading only, beside a writer or without one.

    Raises:
        StoreError: There is no store, or it has another version than this nightlab writes.
    """
    path = state_dir / FILE
    if not path.is_file():
        raise StoreError(f"{state_dir} holds no study yet", hint="start one with `nightlab run`")
    engine = _engine(f"file:{path}?mode=ro")
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except sa.exc.DatabaseError as error:
        raise StoreError(f"{path} cannot be read: {error.args[0]}") from error
    if found != _scripts().get_current_head():
        raise StoreError(f"{path} has schema {found}, this nightlab reads {_scripts().get_current_head()}")
    return engine


def _engine(uri: str) -> sa.Engine:
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, timeout=BUSY_S, check_same_thread=False, isolation_level=None),
        poolclass=sa.pool.StaticPool,
    )
    sa.event.listen(engine, "connect", _set_pragmas)
    # Writes take the lock at their start: a deferred transaction that upgrades fails at once instead of waiting.
    sa.event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN" if "mode=ro" in uri else "BEGIN IMMEDIATE"))
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:
    wal = sqlite3.sqlite_version_info >= WAL_SAFE
    if not connection.execute("PRAGMA query_only").fetchone()[0]:
        try:
            connection.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}")
        except sqlite3.OperationalError:
            return  # a read-only connection cannot change the journal, and need not
    connection.execute(f"PRAGMA synchronous={'FULL' if wal else 'EXTRA'}")
    connection.execute("PRAGMA foreign_keys=ON")


def _require_sound(connection: sa.Connection, path: Path) -> None:
    answer = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if answer != "ok":
        raise StoreError(f"{path} is damaged: {answer}", hint="restore a copy, or move it aside to start anew")


def _migrate(connection: sa.Connection, path: Path) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in _scripts().walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(f"{path} was written by a newer nightlab (schema {found})", hint="upgrade nightlab")
    if found != _scripts().get_current_head():
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_alembic())
