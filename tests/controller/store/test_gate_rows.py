"""What the gate saw survives the store whole, and a store of an earlier version still opens."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlab.controller.model.change import (
    Drift,
    Effect,
    Explanation,
    Fact,
    FileChange,
    Fix,
    FixState,
    Where,
    Writer,
)
from nightlab.controller.model.trial import Ending, Finding, GateReport, Phase, Role, SmokeReport
from nightlab.controller.store import (
    ApprovalRecord,
    AttemptRecord,
    ProofKind,
    ProofRecord,
    ProofState,
    QuarantineRecord,
    Store,
    StudyRecord,
    TrialRecord,
    open_writer,
)
from nightlab.controller.store.database import FILE, _alembic, _engine

# Everything that UTF-8 can say; what a container says of paths is made so before it comes here.
text = st.text(st.characters(codec="utf-8"), max_size=12)
line = st.none() | st.integers(1, 10**6)
facts = st.builds(Fact, text, line, text)
changes = st.builds(FileChange, text, st.sampled_from(Effect), st.lists(facts, max_size=2).map(tuple), text)
words = st.lists(text, max_size=2).map(tuple)
writers = st.builds(Writer, text, words, words, text, words, st.booleans())
explanations = st.builds(
    Explanation, st.lists(changes, max_size=2).map(tuple), st.lists(writers, max_size=2).map(tuple)
)
drifts = st.builds(Drift, st.sampled_from(Where), explanations, st.booleans())
fixes = st.builds(
    Fix, text, st.sampled_from(Effect), st.sampled_from(FixState), st.lists(changes, max_size=2).map(tuple), text
)
seconds = st.floats(0, 1e9)
size = st.none() | st.integers(0, 2**50)
smokes = st.builds(SmokeReport, st.sampled_from(Ending), text, seconds, seconds, st.none(), size, size, words)
reports = st.builds(
    GateReport,
    blocking=st.lists(st.builds(Finding, text, text, st.just(1), st.just(2), text), max_size=2).map(tuple),
    drifts=st.lists(drifts, max_size=2).map(tuple),
    shadowing=words,
    smoke=st.none() | smokes,
    fixes=st.lists(fixes, max_size=2).map(tuple),
    notes=words,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(open_writer(tmp_path_factory.mktemp("state")))
    made.add_study(StudyRecord("s1", "name", "/r", "running", {}, "0.1", 5))
    made.add_trial(TrialRecord("s1", 0, Role.SEARCH, 7))
    made.add_attempt(AttemptRecord("s1", 0, 1, Phase.PLANNED, "c", 8))
    return made


@settings(max_examples=60, deadline=None)
@given(report=reports)
def test_a_gate_report_comes_back_as_it_was_written(store: Store, report: GateReport) -> None:
    store.update_attempt("s1", 0, 1, gate=report)
    assert store.attempts("s1", 0)[0].gate == report


@settings(max_examples=30, deadline=None)
@given(found=st.lists(fixes, max_size=3).map(tuple))
def test_a_trials_fixes_come_back_as_they_were_written(store: Store, found: tuple[Fix, ...]) -> None:
    store.update_trial("s1", 0, fixes=found, canonical="c0")
    trial = store.trial("s1", 0)
    assert (trial.fixes, trial.canonical) == (found, "c0")


def test_proofs_approvals_and_quarantine_come_back_as_they_were_written(store: Store) -> None:
    fix = Fix("ruff:F841", Effect.BEHAVIOUR, FixState.HELD_BACK, (), "why")
    proof = ProofRecord("s1", 0, ProofKind.FIX, ProofState.OPEN, "b", "a", 9, 0, 3, (fix,), "ruff:F841")
    approval = ApprovalRecord("s1", "ruff:F841", "train.py", "d", "no difference seen in 3 lines of 3 runs")
    caught = QuarantineRecord("ruff:B006", "s1", 0, 11, "loss 1 -> nan", "-a\n+b\n", 61.5)
    store.add_proof(proof)
    store.approve([approval, approval])
    store.quarantine(caught)
    store.quarantine(QuarantineRecord("ruff:B006", "s1", 5, 99))
    assert store.proofs("s1") == [proof]
    assert store.approvals("s1") == [approval]
    assert store.quarantined() == [caught]
    store.update_proof("s1", 0, state=ProofState.PROVEN, differs=True, guilty=["ruff:F841"], wall_s=1.5)
    found = store.proofs("s1")[0]
    assert (found.state, found.differs, found.guilty, found.wall_s) == (ProofState.PROVEN, True, ("ruff:F841",), 1.5)


def test_a_store_of_the_first_version_opens_with_its_rows(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    engine = _engine(f"file:{tmp_path / FILE}?mode=rwc")
    with engine.begin() as connection:
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    gate = {"blocking": [], "inherited": [], "digest_outside": "ab", "digest_inside": "ab", "drift": ["train.py"]}
    with sqlite3.connect(tmp_path / FILE) as old:
        old.execute(
            "insert into study (id, name, repo, state, config, nightlab_version, created_unix_ms, spent_s, prepared_s,"
            " slots, dirty, is_git, nested, engine, defaults, stop_reason)"
            " values ('s1', 'n', '/r', 'finished', '{}', '0', 1, 2.0, 0.0, 1, '[]', 0, '[]', '{}', '{}', '')"
        )
        old.execute(
            "insert into trial (study_id, number, role, proposal, summary, reason, created_unix_ms, verdict)"
            " values ('s1', 0, 'search', '', '', '', 1, 'void')"
        )
        old.execute(
            "insert into attempt (study_id, number, attempt, phase, slot, container, resources, started_unix_ms,"
            " reason, gate, log_path, outputs, added_importable)"
            " values ('s1', 0, 1, 'ended', 0, 'c', '{}', 1, '', ?, '', '{}', '[]')",
            [json.dumps(gate)],
        )
    store = Store(open_writer(tmp_path))
    trial, attempt = store.trial("s1", 0), store.attempts("s1", 0)[0]
    assert (trial.fixes, trial.canonical) == ((), None)
    assert attempt.gate == GateReport(digest_outside="ab", digest_inside="ab", drift=("train.py",))
    assert store.proofs("s1") == []
    store.close()
