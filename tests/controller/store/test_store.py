"""A state directory has one writer, keeps what it is told, and says what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from nightlab.controller.errors import StoreError
from nightlab.controller.model.score import Measurement, Trust, Verdict
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import ActionCall, Ending, Finding, GateReport, Phase, Role, Usage
from nightlab.controller.store import (
    AttemptRecord,
    EditRecord,
    EventRecord,
    Lock,
    Store,
    StudyRecord,
    TrialRecord,
    holder_pid,
    open_reader,
    open_writer,
)
from nightlab.controller.store.database import FILE
from nightlab.controller.store.tables import metadata

STUDY = StudyRecord("s1", "name", "/repo", "running", {"a": [1, 2.5, "x"]}, "0.1", 5, dirty=("a b",), is_git=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(open_writer(tmp_path))
    made.add_study(STUDY)
    return made


def entry(path: str, content: int) -> Entry:
    return Entry(path, 0o100644, 3, f"{content:064x}")


def test_every_record_comes_back_as_it_was_written(store: Store) -> None:
    call = ActionCall("p", "a", {"x": 1, "y": 2.0, "z": "é", "flag": True}, "d")
    trial = TrialRecord("s1", 0, Role.SEARCH, 7, parent=None, call=call, verdict=Verdict.NO_EFFECT, gain=-0.5)
    attempt = AttemptRecord(
        "s1",
        0,
        1,
        Phase.ENDED,
        "c",
        8,
        resources={"cpuset": "0"},
        ending=Ending.OUT_OF_MEMORY,
        exit_code=-9,
        gate=GateReport(blocking=(Finding("F821", "t.py", 3, 1, "undefined"),), digest_inside="ab"),
        usage=Usage(1.5, 1.0, 10, None, 12, None, 0.7),
        posture={"level": "standard"},
        outputs={"out/m.pt": 12},
    )
    edit = EditRecord("s1", 0, 0, "action:p/a", "c0ffee", "d1", "x 1 -> 2")
    event = EventRecord("s1", 9, "kind", "text", 0, {"k": [1]})
    store.add_trial(trial)
    store.add_attempt(attempt)
    store.add_edit(edit)
    store.add_event(event)
    assert store.study("s1") == STUDY
    assert store.trials("s1") == [trial]
    assert store.attempts("s1", 0) == [attempt]
    assert store.edits("s1", 0) == [edit]
    assert store.events("s1") == [event]


def test_measurements_are_replaced_as_a_whole(store: Store) -> None:
    store.add_trial(TrialRecord("s1", 0, Role.BASELINE, 1))
    store.set_measurements(
        "s1", 0, [Measurement("a", 1.0, Trust.REPORTED, ""), Measurement("b", None, Trust.OBSERVED, "")]
    )
    store.set_measurements("s1", 0, [Measurement("a", 2.0, Trust.REPORTED, "x")])
    assert store.measurements("s1") == {0: {"a": Measurement("a", 2.0, Trust.REPORTED, "x")}}


def test_a_tree_is_stored_as_its_difference_and_comes_back_whole(store: Store) -> None:
    base = Tree.of([entry("a.py", 1), entry("b.py", 2)])
    changed = base.with_changes([entry("a.py", 3), entry("c.py", 4)], ["b.py"])
    store.add_tree(base)
    store.add_tree(changed, base=base)
    store.add_tree(changed, base=base)
    assert store.tree(changed.digest) == changed
    assert store.tree(base.digest) == base
    with pytest.raises(StoreError, match="is not in the store"):
        store.tree("00" * 32)


def test_changing_what_is_not_there_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="trial 9"):
        store.update_trial("s1", 9, reason="x")
    with pytest.raises(StoreError, match="no study 'zz'"):
        store.study("zz")


def test_a_row_cannot_be_written_twice_nor_without_its_trial(store: Store) -> None:
    store.add_trial(TrialRecord("s1", 0, Role.BASELINE, 1))
    with pytest.raises(sa.exc.IntegrityError):
        store.add_trial(TrialRecord("s1", 0, Role.BASELINE, 1))
    with pytest.raises(sa.exc.IntegrityError):
        store.add_attempt(AttemptRecord("s1", 5, 1, Phase.PLANNED, "c", 1))


def test_a_second_writer_is_refused_by_the_holders_pid(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    code = "import sys; from pathlib import Path; from nightlab.controller.store import Lock; Lock(Path(sys.argv[1]))"
    tried = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=os.environ)
    assert tried.returncode == 1
    assert f"in use by process {os.getpid()}" in tried.stderr
    assert holder_pid(tmp_path) == os.getpid()
    lock.release()
    assert holder_pid(tmp_path) is None
    Lock(tmp_path).release()


def test_a_child_process_does_not_inherit_the_lock(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        lock.release()
        Lock(tmp_path).release()
        child.kill()


def test_a_reader_sees_what_the_writer_wrote_and_cannot_write(store: Store, tmp_path: Path) -> None:
    reader = Store(open_reader(tmp_path))
    store.add_trial(TrialRecord("s1", 0, Role.BASELINE, 1))
    assert [t.number for t in reader.trials("s1")] == [0]
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        reader.add_trial(TrialRecord("s1", 1, Role.BASELINE, 1))


def test_reading_where_nothing_was_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no study yet"):
        open_reader(tmp_path)


def test_a_store_of_a_newer_nightlab_is_refused(store: Store, tmp_path: Path) -> None:
    store.close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer nightlab"):
        open_writer(tmp_path)
    with pytest.raises(StoreError, match="has schema 9999"):
        open_reader(tmp_path)


def test_a_damaged_store_is_named_and_left_alone(store: Store, tmp_path: Path) -> None:
    for number in range(200):
        store.add_trial(TrialRecord("s1", number, Role.SEARCH, 1, reason="x" * 400))
    store.close()
    path = tmp_path / FILE
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 12] = b"\xff" * (4096 * 9)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|cannot be used"):
        open_writer(tmp_path)
    assert path.read_bytes() == content


def test_migrations_make_the_very_tables_that_the_code_uses(tmp_path: Path) -> None:
    engine = open_writer(tmp_path)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def test_a_writer_that_is_killed_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from nightlab.controller.store import *
from nightlab.controller.model.trial import Role
store = Store(open_writer(Path(sys.argv[1])))
store.add_study(StudyRecord("s1", "n", "/r", "running", {}, "0", 1))
for number in range(100000):
    store.add_trial(TrialRecord("s1", number, Role.SEARCH, 1))
    print(number, flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as child:
        assert child.stdout is not None
        for _ in range(30):
            last = int(child.stdout.readline())
        child.kill()
        rest = child.stdout.read().split()
        last = int(rest[-1]) if rest else last
    numbers = [t.number for t in Store(open_writer(tmp_path)).trials("s1")]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) in (last + 1, last + 2)
