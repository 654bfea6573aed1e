"""The measurement can fail: a gate with any one fault misses a bar, and the command says so with its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controller.bench.gate import answering

from nightlab.controller.bench.gate import __main__ as command
from nightlab.controller.bench.gate.cases import Kind, read_corpus
from nightlab.controller.bench.gate.checks import BARS, Bar, Promise, Row, summarize
from nightlab.controller.bench.gate.show import misses, table
from nightlab.controller.bench.gate.suite import plan, run
from nightlab.controller.errors import ConfigError, LinkError

CORPUS = Path(__file__).parents[3] / "lint-corpus"
NAMES = (
    *("best-checkpoint-tie", "unused-import-eval", "fmt-docstring-prompt", "ext-autoflake-unused-var", "neg-suppress"),
    *("neg-isort-pure", "oob-config-file", "oob-truncated-write", "bug-missing-import", "bug-wrong-kwarg"),
    "bug-unreachable",
)
FAULTS = {
    answering.NeverRollsBack: {Row.LINT_DRIFT, Row.HARMLESS_DRIFT, Row.OUT_OF_BAND, Row.LITERAL, Row.WRITE},
    answering.NoticesNothing: {Row.LINT_DRIFT, Row.HARMLESS_DRIFT, Row.OUT_OF_BAND, Row.LITERAL, Row.WRITE},
    answering.CriesWolf: {Row.QUIET, Row.REPO},
    answering.BlamesALinter: {Row.LINT_DRIFT, Row.HARMLESS_DRIFT, Row.OUT_OF_BAND, Row.LITERAL},
    answering.KnowsNobody: {Row.LINT_DRIFT, Row.HARMLESS_DRIFT},
    answering.LintsNothing: {Row.BUG},
    answering.SmokesNothing: {Row.BUG_UNSEEN},
    answering.TrustsEveryFix: {Row.LINT_WANTED},
    answering.TrustsNoFix: {Row.HARMLESS_WANTED},
}


async def measured(kind: type[answering.AnsweringGate]):
    cases = [case for case in read_corpus(CORPUS) if case.name in NAMES]
    gate = kind({case.name: case for case in cases})
    return await run(plan(gate, cases, ()), 2, lambda _checks: None)


async def test_a_gate_without_a_fault_holds_every_bar():
    checks = await measured(answering.AnsweringGate)
    assert misses(summarize(checks)) == [], [check for check in checks if check.is_kept is False]
    assert {check.row for check in checks} == set(Row)


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__name__)
async def test_a_gate_with_one_fault_misses_its_bars_and_no_others(kind, capsys):
    checks = await measured(kind)
    assert {summary.row for summary in summarize(checks) if summary.missed} == FAULTS[kind]
    assert command.report(checks, as_json=False)
    assert "missed: " in capsys.readouterr().out


async def test_a_gate_that_breaks_keeps_nothing():
    class Broken(answering.AnsweringGate):
        async def launch(self, *_args, **_kwargs):
            raise LinkError("gone")

    checks = await measured(Broken)
    assert not any(check.is_kept for check in checks)
    assert all("could not be measured: gone" in check.said for check in checks)


def test_every_row_has_a_bar_and_a_missing_check_is_shown_as_none():
    assert {bar.row for bar in BARS} == set(Row)
    assert Bar(Row.LINT_DRIFT, Promise.ATTRIBUTED, 0.98) in BARS
    assert table(()).splitlines()[0].startswith("kind")


def test_the_whole_corpus_is_read():
    cases = read_corpus(CORPUS)
    kinds = {kind: sum(case.kind is kind for case in cases) for kind in Kind}
    assert kinds == {Kind.LINT: 92, Kind.HARMLESS: 16, Kind.OUT_OF_BAND: 2, Kind.BUG: 27}
    assert all(case.program.files["before.py"] for case in cases)


@pytest.mark.parametrize("text", ['kind = "other"', "kind =", 'kind = "lint"\ntargets = 3'])
def test_a_case_that_cannot_be_read_is_named(tmp_path, text):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/before.py").write_text("print('result: 1')\n")
    (tmp_path / "odd/case.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"odd/case\.toml"):
        read_corpus(tmp_path)


def test_a_folder_without_cases_is_no_corpus(tmp_path):
    with pytest.raises(ConfigError, match="has no case"):
        read_corpus(tmp_path)
