"""A night's gate in one sentence and a short list: silent where nothing happened, grave things first."""

from dataclasses import replace

from tests.controller.report import factory

from nightlab.controller.model.change import Where, Writer
from nightlab.controller.report.gate_night import inherited, proof_line, quarantine_line, seen, summary_sentence
from nightlab.controller.report.gate_view import ProofView, QuarantineView
from nightlab.controller.report.gate_words import command_of, drift_line, evidence, writers_phrase


def test_a_quiet_night_is_one_sentence_and_no_list():
    view = factory.no_gain()
    assert summary_sentence(view) == "5 launches, all verified; nothing else wrote."
    assert seen(view) == ()


def test_before_the_first_gate_there_is_nothing_to_say():
    assert summary_sentence(factory.empty()) == ""


def test_a_night_with_work_is_counted():
    assert summary_sentence(factory.gated_night()) == (
        "16 launches, 15 verified, 1 not as sealed; 2 changes by others rolled back; 1 trial stopped by ruff; "
        "1 fix applied; 2 fixes held back; 1 fix let through; 3 smoke runs, 1 failed; 1 author in quarantine."
    )


def test_what_is_bad_comes_first_and_each_fix_once():
    items = seen(factory.gated_night())
    bad = [item.is_bad for item in items]
    assert bad == sorted(bad, reverse=True)
    assert [(item.number, item.kind) for item in items] == [
        (12, "quarantine"), (15, "shadowing"), (3, "drift"), (4, "drift"), (8, "ruff"), (4, "held back"),
        (7, "let through"), (17, "smoke run"),
    ]  # fmt: skip


def test_a_drift_says_what_where_what_became_of_it_and_who():
    assert drift_line(factory.flipped()) == (
        "`SCALAR_LR` 0.5 -> 0.3, train.py:41, after the seal, rolled back before the launch; "
        "writer: unknown (no known tool makes this change)"
    )
    assert "not rolled back" in drift_line(factory.flipped(Where.RUN, is_rolled_back=False))


def test_a_known_writer_is_named_with_the_command_that_proves_it():
    assert writers_phrase(factory.linted().explanation) == (
        "writer: ruff:F401 (`ruff check --select F401 --fix` makes exactly this change)"
    )


def test_a_command_says_level_preview_and_settings():
    writer = Writer("ruff check", ("a.py",), ("I001", "UP006"), "unsafe+preview", ("--target-version=py312",), False)
    assert command_of(writer) == (
        "ruff check --select I001,UP006 --preview --fix --unsafe-fixes --target-version=py312"
    )
    assert evidence(writer).endswith("makes this change up to layout, same AST")
    assert evidence(Writer("black", ("a.py",)), is_alone=False) == "`black` makes its part of this change"


def test_two_writers_of_one_file_each_explain_a_part():
    explanation = replace(
        factory.linted().explanation, writers=(Writer("isort", ("train.py",)), Writer("", ("train.py",)))
    )
    assert writers_phrase(explanation) == (
        "writers: formatter:isort (`isort` makes its part of this change); unknown (no known tool makes this change)"
    )


def test_what_the_base_had_is_told_once():
    assert [finding.code for finding in inherited(factory.gated_night())] == ["F841"]


def test_a_quarantine_says_what_was_caught_and_what_it_cost():
    line = quarantine_line(QuarantineView("ruff:F841", 3, "exit code 0 became 1", "", 842.0))
    assert line == (
        "ruff:F841 is in quarantine: exit code 0 became 1, caught on trial 3; 14 min 02 s of container time were lost"
    )
    assert "since an earlier study" in quarantine_line(QuarantineView("ruff:F841"))


def test_no_proof_is_ever_called_equivalence():
    proofs = [ProofView("x", 1, ended, differs) for ended in (True, False) for differs in (True, False, None)]
    assert all("equivalent" not in proof_line(proof) and "same" not in proof_line(proof) for proof in proofs)
    assert proof_line(ProofView("x", 1, True, None)) == "x: paired smoke runs cannot tell"
