"""Cases of every kind go through the real gate in real sandboxes, chosen so that each part of it has work."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightlab.controller.bench.gate.attribution import attribute
from nightlab.controller.bench.gate.cases import read_corpus
from nightlab.controller.bench.gate.checks import Check, summarize
from nightlab.controller.bench.gate.flips import FLIPS
from nightlab.controller.bench.gate.real import RealGate, open_gate
from nightlab.controller.bench.gate.show import misses
from nightlab.controller.bench.gate.suite import plan, run
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.model.change import Explanation, Writer

pytestmark = pytest.mark.docker
CORPUS = Path(__file__).parents[3] / "lint-corpus"
NO_WHEELS = Path("wheels")
CASES = frozenset(
    {
        *("unused-import-eval", "best-checkpoint-tie", "neg-format-train", "oob-truncated-write"),
        *("bug-missing-import", "bug-loop-closure", "bug-unreachable"),
    }
)
GENERATED = frozenset(
    {"flip float", "flip toml float", "flip json bool", "write unreadable alpha.py", "write late restored"}
)


async def measured(gate: RealGate, names: frozenset[str]) -> list[Check]:
    cases = [case for case in read_corpus(CORPUS) if case.name in names]
    jobs = [job for job in plan(gate, cases, ()) if job.name in names]
    assert {job.name for job in jobs} == names
    return await run(jobs, 2, lambda _checks: None)


def wrong(checks: list[Check]) -> list[str]:
    return [f"{check.case}, {check.promise}: {check.said}" for check in checks if check.is_kept is False]


async def test_chosen_cases_keep_every_promise_in_real_sandboxes():
    async with open_gate(NO_WHEELS, lambda _text: None) as gate:
        checks = await measured(gate, CASES | GENERATED)
    assert wrong(checks) == []


async def test_a_real_gate_whose_explainer_blames_a_linter_misses_its_bar(monkeypatch):
    explain = Explainer.explain

    async def blaming(self, before, after, **options) -> Explanation:
        told = await explain(self, before, after, **options)
        return Explanation(told.changes, (Writer("ruff check", tuple(after), ("F401",)),), ())

    monkeypatch.setattr(Explainer, "explain", blaming)
    async with open_gate(NO_WHEELS, lambda _text: None) as gate:
        checks = await measured(gate, frozenset({"flip float"}))
    assert any("attributed" in miss for miss in misses(summarize(checks)))


def test_flips_are_of_every_kind_of_literal():
    assert len({name for name, *_ in FLIPS}) == len(FLIPS) >= 30


async def test_tools_and_the_explainer_agree_on_who_wrote_the_whole_corpus():
    cases = [case for case in read_corpus(CORPUS) if case.kind != "bug"]
    async with Explainer() as explainer:
        checks = [await attribute(explainer, case) for case in cases]
    assert sum(bool(check.is_kept) for check in checks) / len(checks) >= 0.98, wrong(checks)
