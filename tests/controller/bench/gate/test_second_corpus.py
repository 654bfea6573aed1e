"""The second corpus is read, and who wrote a sample of it is told rightly."""

from __future__ import annotations

import random
from pathlib import Path

from nightlab.controller.bench.gate.attribution import attribute
from nightlab.controller.bench.gate.cases import Case, Kind, read_corpus
from nightlab.controller.bench.gate.drift import names_rule
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.model.change import Writer

CORPUS = Path(__file__).parents[3] / "lint-corpus-more"
SAMPLE = 16
BY_HAND = ("oob-py-sed", "oob-partial-write", "oob-crlf-and-flip")


def case_of(*rules: str) -> Case:
    cases = read_corpus(CORPUS, "docstring-period")
    return Case("one", Kind.LINT, cases[0].program, rules)


async def test_who_wrote_a_sample_is_told_and_writes_by_hand_are_nobodys():
    cases = read_corpus(CORPUS)
    sample = random.Random(5).sample([case for case in cases if case.kind in (Kind.LINT, Kind.HARMLESS)], SAMPLE)
    by_hand = [case for case in cases if case.name in BY_HAND]
    async with Explainer() as explainer:
        checks = [await attribute(explainer, case) for case in (*sample, *by_hand)]
    assert [f"{check.case}: {check.said}" for check in checks if not check.is_kept] == []


def test_every_kind_is_there_in_number():
    kinds = [case.kind for case in read_corpus(CORPUS)]
    assert len(kinds) >= 90
    assert min(kinds.count(kind) for kind in Kind) >= 8


def test_a_rule_that_makes_the_same_is_right_and_another_is_not():
    told = (Writer("ruff check", ("before.py",), ("D415",), also=("ruff check --fix --select D400,D401",)),)
    assert names_rule(case_of("D400"), told)
    assert names_rule(case_of("D401"), told)
    assert not names_rule(case_of("D402"), told)
