"""The oracle and the search for the culprit on programs that fixers broke, run by this interpreter."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from typing import TypeVar

import pytest
from tests.controller.proof.innocuous import RULES, SOURCE
from tests.controller.proof.programs import ENV, TOOLS, CorpusCase, Program, RuffAgain, cases

from nightlab.controller.model.change import Writer
from nightlab.controller.proof.culprit import Case, find_culprit
from nightlab.controller.proof.paired import paired

Found = TypeVar("Found")
Pair = tuple[CorpusCase, Found]
SAMPLE = 7  # every so many-th case is in the quick sample
AT_A_TIME = 2
# Importing torch takes longer than all else that a case does; `make bench-gate` runs every one.
HEAVY_SAMPLE = 4
HARMFUL, HARMLESS = cases("lint"), cases("neg")
LIGHT = [case for case in (*HARMFUL, *HARMLESS) if not case.facts["needs"]]
NEEDY = [case for case in (*HARMFUL, *HARMLESS) if case.facts["needs"] and all(map(find_spec, case.facts["needs"]))]
HEAVY = NEEDY[::HEAVY_SAMPLE]  # torch is not in every environment
QUICK = [case for case in HARMFUL if not case.facts["needs"]][::SAMPLE] + HARMLESS[::SAMPLE]


def name_of(case: CorpusCase) -> str:
    return case.name


async def differs(case: CorpusCase) -> tuple[bool | None, str]:
    after = case.fixed(case.files)
    before = {path: content for path, content in case.files.items() if after.get(path) != content}
    after = {path: after[path] for path in before}
    entry = "before.py"
    if case.edit:
        before[entry] = case.files[entry] + case.edit
        after[entry] = after.get(entry, case.files[entry]) + case.edit
    found = await paired(Program(case.files).observe, before, after)
    return found.differs, found.evidence


@pytest.mark.parametrize("case", QUICK, ids=name_of)
async def test_a_pair_of_runs_tells_what_a_fix_does(case: CorpusCase) -> None:
    found, evidence = await differs(case)
    assert found is (case.facts["kind"] == "lint"), evidence
    assert "equivalent" not in evidence


@pytest.mark.slow
async def test_a_pair_of_runs_tells_every_light_case_and_some_heavy_ones() -> None:
    seen = await for_each(differs, [*LIGHT, *HEAVY])
    assert {case.name: found for case, found in seen if found[0] is not (case.facts["kind"] == "lint")} == {}


async def for_each(look: Callable[[CorpusCase], Awaitable[Found]], chosen: Sequence[CorpusCase]) -> list[Pair[Found]]:
    """Look at cases, a few at a time; each is processes of its own."""
    turns = asyncio.Semaphore(AT_A_TIME)

    async def one(case: CorpusCase) -> Pair[Found]:
        async with turns:
            return case, await look(case)

    return await asyncio.gather(*map(one, chosen))


# Among other fixes


def mixed_case(case: CorpusCase) -> Case | None:
    """The case's fix among some twenty others in the same file; None where it is not one of ruff's rules."""
    words = list(case.facts["ruff_args"])
    if case.facts.get("tool", "ruff") != "ruff" or words[0] != "check" or "--select" not in words:
        return None
    if case.facts.get("then_ruff_args") or case.edit or any(word in words for word in ("--config", "--extend-select")):
        return None
    select = words[words.index("--select") + 1]
    before = {**case.files, "before.py": case.files["before.py"] + SOURCE.encode()}
    chosen = ",".join([select, *RULES])
    words[words.index("--select") + 1] = chosen
    after = case.fixed(before, [*(word for word in words if word != "--unsafe-fixes"), "--unsafe-fixes"])
    target = [f"--target-version={words[words.index('--target-version') + 1]}"] if "--target-version" in words else []
    flags = ["--preview"] if "--preview" in words else []
    targets = {path: before[path] for path in case.facts["targets"]}
    rules = {rule for content in targets.values() for rule in fired(content, [f"--select={chosen}", *flags, *target])}
    level = "unsafe+preview" if flags else "unsafe"
    writer = Writer("ruff check", tuple(targets), tuple(sorted(rules)), level, tuple(target))
    return Case(targets, {path: after[path] for path in targets}, (writer,))


def fired(source: bytes, words: list[str]) -> set[str]:
    command = [str(TOOLS / "ruff"), "check", "--isolated", "--no-cache", "--output-format=json", *words, "-"]
    done = subprocess.run(command, input=source, env=ENV, capture_output=True, timeout=60)
    return {found["code"] for found in json.loads(done.stdout) if found["fix"]}


async def named(case: CorpusCase, mixed: Case) -> tuple[bool, int, str]:
    """Whether the right rule is named, in how many runs of the program, and what was found."""
    proof = await find_culprit(mixed, Program(case.files).observe, RuffAgain())
    right = proof.differs is True and {rule.removeprefix("ruff:") for rule in proof.guilty} <= set(case.facts["rules"])
    return right, proof.runs, f"{proof.guilty} {proof.evidence}"


MIXABLE = [case for case in HARMFUL if "--select" in case.facts["ruff_args"] and not case.facts["needs"]]


@pytest.mark.parametrize("case", MIXABLE[:: 3 * SAMPLE], ids=name_of)
async def test_the_guilty_rule_is_named_among_twenty_others(case: CorpusCase) -> None:
    mixed = mixed_case(case)
    assert mixed is not None
    assert len(mixed.writers[0].rules) > 15
    right, runs, found = await named(case, mixed)
    assert right, found
    assert runs <= 12


@pytest.mark.slow
async def test_the_guilty_rule_is_named_in_every_third_light_case_and_some_heavy_ones() -> None:
    chosen = [*[case for case in LIGHT if case in HARMFUL][::3], *[case for case in HEAVY if case in HARMFUL][:2]]
    mixed = {case.name: made for case in chosen if (made := mixed_case(case)) is not None}
    seen = await for_each(lambda case: named(case, mixed[case.name]), [case for case in chosen if case.name in mixed])
    assert len(seen) > 20
    assert {case.name: found for case, found in seen if not found[0]} == {}
