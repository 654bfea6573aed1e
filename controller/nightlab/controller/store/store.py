"""Reads and writes the state of studies. The one place that knows SQL.

The caller writes the intent (a trial, an attempt's next phase) before it acts and the outcome after; each method is one
transaction. `Store` serves a writer and a reader alike: a reader's engine is read-only, so its writes fail.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects import sqlite

from nightlab.controller.errors import StoreError
from nightlab.controller.model.score import Measurement
from nightlab.controller.model.tree import Change, Entry, Tree, diff_trees
from nightlab.controller.store import tables
from nightlab.controller.store.records import (
    ApprovalRecord,
    AttemptRecord,
    EditRecord,
    EventRecord,
    PluginRecord,
    ProofRecord,
    QuarantineRecord,
    StudyRecord,
    TrialRecord,
)

T = TypeVar("T")
_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_KINDS: Final = (
    *(StudyRecord, TrialRecord, AttemptRecord, EditRecord, EventRecord, Measurement),
    *(ProofRecord, ApprovalRecord, QuarantineRecord, PluginRecord),
)
_ADAPTERS: Final[dict[type, TypeAdapter[Any]]] = {kind: TypeAdapter(kind) for kind in _KINDS}


class Store:
    """All studies of one state directory."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()

    # Studies

    def add_study(self, record: StudyRecord) -> None:
        """Write a new study."""
        self._write(tables.study.insert().values(_row(record)))

    def update_study(self, study_id: str, **facts: Any) -> None:
        """Set some columns of a study."""
        self._write_one(tables.study.update().where(tables.study.c.id == study_id).values(_plain(facts)), study_id)

    def study(self, study_id: str) -> StudyRecord:
        """Return a study.

        Raises:
            StoreError: There is none of that id.
        """
        found = self._read(StudyRecord, tables.study.select().where(tables.study.c.id == study_id))
        if not found:
            raise StoreError(f"no study {study_id!r} here", hint="`nightlab status` lists the studies")
        return found[0]

    def studies(self) -> list[StudyRecord]:
        """Return all studies, oldest first."""
        return self._read(
            StudyRecord, tables.study.select().order_by(tables.study.c.created_unix_ms, tables.study.c.id)
        )

    # Trees

    def add_tree(self, tree: Tree, *, base: Tree | None = None, commit_id: str | None = None) -> None:
        """Write a tree, as its difference to a base that is stored already; one that is known is left alone."""
        changes = diff_trees(base, tree) if base is not None else [Change(e.path, None, e) for e in tree.entries]
        values = {
            "digest": tree.digest,
            "base": base.digest if base is not None else None,
            "entries": [[e.path, e.mode, e.size, e.sha256] for c in changes if (e := c.after) is not None],
            "removed": [c.path for c in changes if c.after is None],
            "commit_id": commit_id,
        }
        self._write(sqlite.insert(tables.tree).values(values).on_conflict_do_nothing())

    def tree(self, digest: str) -> Tree:
        """Return a stored tree.

        Raises:
            StoreError: There is none of that digest.
        """
        with self._engine.connect() as connection:
            row = connection.execute(tables.tree.select().where(tables.tree.c.digest == digest)).mappings().first()
        if row is None:
            raise StoreError(f"tree {digest[:12]} is not in the store")
        base = self.tree(row["base"]) if row["base"] else Tree(())
        return base.with_changes((Entry(*entry) for entry in row["entries"]), row["removed"])

    # Trials

    def add_trial(self, record: TrialRecord, edits: Sequence[EditRecord] = ()) -> None:
        """Write the intent to run a trial together with the edits that its tree is made of, or none of it."""
        with self._transaction() as connection:
            connection.execute(tables.trial.insert().values(_row(record)))
            for edit in edits:
                connection.execute(tables.edit.insert().values(_row(edit)))

    def update_trial(self, study_id: str, number: int, **facts: Any) -> None:
        """Set some columns of a trial."""
        where = sa.and_(tables.trial.c.study_id == study_id, tables.trial.c.number == number)
        self._write_one(tables.trial.update().where(where).values(_plain(facts)), f"{study_id} trial {number}")

    def trials(self, study_id: str) -> list[TrialRecord]:
        """Return a study's trials by number."""
        query = tables.trial.select().where(tables.trial.c.study_id == study_id).order_by(tables.trial.c.number)
        return self._read(TrialRecord, query)

    def trial(self, study_id: str, number: int) -> TrialRecord:
        """Return one trial.

        Raises:
            StoreError: There is none of that number.
        """
        where = sa.and_(tables.trial.c.study_id == study_id, tables.trial.c.number == number)
        found = self._read(TrialRecord, tables.trial.select().where(where))
        if not found:
            raise StoreError(f"study {study_id} has no trial {number}", hint="`nightlab trial list` shows them")
        return found[0]

    # Attempts

    def add_attempt(self, record: AttemptRecord) -> None:
        """Write the intent to begin an attempt."""
        self._write(tables.attempt.insert().values(_row(record)))

    def update_attempt(self, study_id: str, number: int, attempt: int, **facts: Any) -> None:
        """Set some columns of an attempt."""
        c = tables.attempt.c
        where = sa.and_(c.study_id == study_id, c.number == number, c.attempt == attempt)
        name = f"{study_id} trial {number} attempt {attempt}"
        self._write_one(tables.attempt.update().where(where).values(_plain(facts)), name)

    def attempts(self, study_id: str, number: int | None = None) -> list[AttemptRecord]:
        """Return attempts, of one trial or of all, in order."""
        c = tables.attempt.c
        query = tables.attempt.select().where(c.study_id == study_id).order_by(c.number, c.attempt)
        return self._read(AttemptRecord, query if number is None else query.where(c.number == number))

    # What trials have

    def set_measurements(self, study_id: str, number: int, measurements: Iterable[Measurement]) -> None:
        """Replace a trial's measurements."""
        table = tables.measurement
        where = sa.and_(table.c.study_id == study_id, table.c.number == number)
        rows = [{"study_id": study_id, "number": number, **_row(m)} for m in measurements]
        with self._transaction() as connection:
            connection.execute(table.delete().where(where))
            if rows:
                connection.execute(table.insert(), rows)

    def measurements(self, study_id: str) -> dict[int, dict[str, Measurement]]:
        """Return every measurement by trial number and name."""
        table = tables.measurement
        query = table.select().where(table.c.study_id == study_id).order_by(table.c.number, table.c.name)
        found: dict[int, dict[str, Measurement]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query).mappings():
                facts = {key: value for key, value in row.items() if key not in ("study_id", "number")}
                found.setdefault(row["number"], {})[row["name"]] = _ADAPTERS[Measurement].validate_python(facts)
        return found

    def add_edit(self, record: EditRecord) -> None:
        """Write one edit; the same one again changes nothing."""
        self._write(sqlite.insert(tables.edit).values(_row(record)).on_conflict_do_nothing())

    def edits(self, study_id: str, number: int) -> list[EditRecord]:
        """Return a trial's edits in order."""
        c = tables.edit.c
        query = tables.edit.select().where(c.study_id == study_id, c.number == number).order_by(c.ordinal)
        return self._read(EditRecord, query)

    def add_event(self, record: EventRecord) -> None:
        """Append to the study's log."""
        self._write(tables.event.insert().values(_row(record)))

    def events(self, study_id: str) -> list[EventRecord]:
        """Return the study's log in order."""
        columns = [c for c in tables.event.c if c.name != "sequence"]
        query = sa.select(*columns).where(tables.event.c.study_id == study_id).order_by(tables.event.c.sequence)
        return self._read(EventRecord, query)

    # What the gate remembers

    def add_proof(self, record: ProofRecord) -> None:
        """Write the intent to prove something."""
        self._write(tables.proof.insert().values(_row(record)))

    def update_proof(self, study_id: str, number: int, **facts: Any) -> None:
        """Set some columns of a proof."""
        where = sa.and_(tables.proof.c.study_id == study_id, tables.proof.c.number == number)
        self._write_one(tables.proof.update().where(where).values(_plain(facts)), f"{study_id} proof {number}")

    def proofs(self, study_id: str) -> list[ProofRecord]:
        """Return a study's proofs in order."""
        c = tables.proof.c
        return self._read(ProofRecord, tables.proof.select().where(c.study_id == study_id).order_by(c.number))

    def approve(self, records: Iterable[ApprovalRecord]) -> None:
        """Write that fixes were let through; the same ones again change nothing."""
        rows = [_row(record) for record in records]
        if rows:
            self._write(sqlite.insert(tables.approval).values(rows).on_conflict_do_nothing())

    def approvals(self, study_id: str) -> list[ApprovalRecord]:
        """Return what a study has let through."""
        return self._read(ApprovalRecord, tables.approval.select().where(tables.approval.c.study_id == study_id))

    def quarantine(self, record: QuarantineRecord) -> None:
        """Write that an author's fixes are not made any more, in no study of this repo; the first word stays."""
        self._write(sqlite.insert(tables.quarantine).values(_row(record)).on_conflict_do_nothing())

    def update_quarantine(self, author: str, **facts: Any) -> None:
        """Set some columns of an author's quarantine."""
        where = tables.quarantine.c.author == author
        self._write_one(tables.quarantine.update().where(where).values(_plain(facts)), f"quarantine of {author}")

    def quarantined(self) -> list[QuarantineRecord]:
        """Return every author whose fixes are not made any more, oldest first."""
        c = tables.quarantine.c
        return self._read(QuarantineRecord, tables.quarantine.select().order_by(c.at_unix_ms, c.author))

    # Plugins

    def add_plugin(self, study_id: str, plugin: str, **facts: str) -> None:
        """Write what a plugin is; where it is known, its state and what it was told stay.

        Args:
            study_id: Of the study.
            plugin: Its name.
            facts: `version`, `digest` and `stopped` of a PluginRecord.
        """
        row = sqlite.insert(tables.plugin).values(study_id=study_id, plugin=plugin, **facts)
        keys = [tables.plugin.c.study_id, tables.plugin.c.plugin]
        self._write(row.on_conflict_do_update(keys, set_=facts))

    def keep_plugin_state(self, study_id: str, plugin: str, state: bytes, told: Iterable[int]) -> None:
        """Write a plugin's state together with the trials that it holds, so that a kill leaves both or neither."""
        c = tables.plugin.c
        where = sa.and_(c.study_id == study_id, c.plugin == plugin)
        values = {"state": state, "told": sorted(told)}
        self._write_one(tables.plugin.update().where(where).values(values), f"{study_id} plugin {plugin}")

    def plugins(self, study_id: str) -> list[PluginRecord]:
        """Return a study's plugins by name."""
        c = tables.plugin.c
        return self._read(PluginRecord, tables.plugin.select().where(c.study_id == study_id).order_by(c.plugin))

    # One transaction each

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF not in _NO_ROOM:
                raise
            raise StoreError(
                f"the store of the state directory cannot be written: {error.orig}",
                hint="free some space on its disk, then go on with `nightlab run --resume`",
            ) from error

    def _write(self, statement: sa.Executable) -> int:
        with self._transaction() as connection:
            return connection.execute(statement).rowcount

    def _write_one(self, statement: sa.Executable, name: str) -> None:
        if self._write(statement) != 1:
            raise StoreError(f"{name} is not in the store")

    def _read(self, kind: type[T], query: sa.Select[Any]) -> list[T]:
        adapter = _ADAPTERS[kind]
        with self._engine.connect() as connection:
            return [adapter.validate_python(dict(row)) for row in connection.execute(query).mappings()]


def _row(record: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = _ADAPTERS[type(record)].dump_python(record, mode="json")
    return dumped


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: TypeAdapter(Any).dump_python(value, mode="json") for key, value in facts.items()}
