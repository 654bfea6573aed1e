"""The search for the guilty part: what no tool explains, what cannot be read, several tools, limits, lost machines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.controller.proof.programs import Program, RuffAgain

from nightlab.controller.errors import SandboxLost
from nightlab.controller.model.change import Writer
from nightlab.controller.proof.culprit import Case, Proof, find_culprit
from nightlab.controller.proof.hunks import Files
from nightlab.controller.proof.observation import Observation

SOURCE = b"""import os
import time
import json

SCALAR_LR = 0.5
WIDTH = 64
NAMES = [name for name in ("a", "b")]


def loss(step):
    if step == None:
        return 0.0
    return SCALAR_LR / (step + 1)


def best(scores):
    return sorted(scores, key=lambda pair: pair[1])[-1]


for step in range(4):
    print(f"step {step} loss {loss(step)} took {time.perf_counter()} s")
print("best", best([("one", 2), ("two", 2)]), NAMES, WIDTH)
"""


def changed(*pairs: tuple[bytes, bytes]) -> bytes:
    source = SOURCE
    for old, new in pairs:
        assert old in source
        source = source.replace(old, new)
    return source


TIDY = (b'[name for name in ("a", "b")]', b'list(("a", "b"))')
IS_NONE = (b"step == None", b"step is None")
FLIP = (b"SCALAR_LR = 0.5", b"SCALAR_LR = 0.3")
TIES = (b"sorted(scores, key=lambda pair: pair[1])[-1]", b"max(scores, key=lambda pair: pair[1])")
RUFF = Writer("ruff check", ("before.py",), ("C416", "E711", "FURB192"), "unsafe")
UNKNOWN = Writer("", ("before.py",))


async def look(after: bytes, *writers: Writer, program: Any = None, **limits: Any) -> Proof:
    program = program or Program({})
    case = Case({"before.py": SOURCE}, {"before.py": after}, writers, ("before.py",), (3, 11))
    return await find_culprit(case, program.observe, RuffAgain(), **limits)


async def test_a_literal_that_no_tool_flips_is_found_among_other_edits() -> None:
    proof = await look(changed(TIDY, IS_NONE, FLIP), UNKNOWN)
    assert proof.differs is True
    assert proof.guilty == ("unknown",)
    assert "-SCALAR_LR = 0.5\n+SCALAR_LR = 0.3\n" in proof.hunks
    assert "is None" not in proof.hunks
    assert "loss 0.5" in proof.evidence
    assert "loss 0.3" in proof.evidence
    assert proof.runs <= 7
    assert proof.wall_s > 0


async def test_a_known_tool_beside_a_flip_is_not_accused() -> None:
    proof = await look(changed(TIDY, IS_NONE, FLIP), Writer("ruff check", (), ("C416", "E711"), "unsafe"), UNKNOWN)
    assert proof.guilty == ("unknown",)
    assert "SCALAR_LR" in proof.hunks
    assert "is None" not in proof.hunks


async def test_a_guilty_rule_is_named_with_its_edit() -> None:
    proof = await look(changed(TIDY, IS_NONE, TIES), RUFF)
    assert proof.guilty == ("ruff:FURB192",)
    assert "+    return max(scores" in proof.hunks
    assert "list((" not in proof.hunks
    assert proof.is_minimal


async def test_two_guilty_rules_are_both_named() -> None:
    class Both(RuffAgain):
        """One of whose rules is another one."""

        async def redo(self, before: Files, writer: Writer, *, rules: Any = None, **settings: Any) -> Files:
            chosen = writer.rules if rules is None else rules
            made = dict(before)
            for rule, (old, new) in {"C416": TIDY, "E711": FLIP, "FURB192": TIES}.items():
                if rule in chosen:
                    made["before.py"] = made["before.py"].replace(old, new)
            return made

    case = Case({"before.py": SOURCE}, {"before.py": changed(TIDY, FLIP, TIES)}, (RUFF,))
    proof = await find_culprit(case, Program({}).observe, Both())
    assert set(proof.guilty) == {"ruff:E711", "ruff:FURB192"}
    assert "SCALAR_LR" in proof.hunks and "max(scores" in proof.hunks


async def test_a_harmless_change_shows_no_difference() -> None:
    proof = await look(changed(TIDY, IS_NONE), RUFF)
    assert (proof.differs, proof.guilty, proof.hunks) == (False, (), "")
    assert proof.evidence == "no difference seen in 5 lines of 3 runs"
    assert proof.runs == 3


async def test_a_file_that_cannot_be_read_any_more_needs_no_run() -> None:
    program = Program({})
    broken = (b"def loss(step):", b"def loss(step:")
    proof = await look(changed(TIDY, IS_NONE, broken), UNKNOWN, program=program)
    assert proof.differs is True
    assert "-def loss(step):\n+def loss(step:\n" in proof.hunks
    assert "is None" not in proof.hunks
    assert "before.py cannot be read any more" in proof.evidence
    assert (proof.runs, program.runs) == (0, 0)


async def test_pieces_that_cannot_be_read_alone_are_not_run() -> None:
    opened, closed = (
        (b"WIDTH = 64", b"WIDTH = min("),
        (b'NAMES = [name for name in ("a", "b")]', b"64, 32); NAMES = []"),
    )
    program = Program({})
    proof = await look(changed(opened, closed, IS_NONE), UNKNOWN, program=program)
    assert "+WIDTH = min(" in proof.hunks and "+64, 32)" in proof.hunks
    assert "is None" not in proof.hunks
    assert program.runs == proof.runs <= 6


async def test_an_interpreter_newer_than_this_one_has_the_last_word() -> None:
    program = Program({})
    case = Case({"before.py": SOURCE}, {"before.py": changed((b"def loss(step):", b"def loss(step:"))}, python=(9, 0))
    proof = await find_culprit(case, program.observe, RuffAgain())
    assert proof.runs == 3
    assert "SyntaxError" in proof.evidence


@pytest.mark.parametrize(("most_runs", "differs"), [(2, None), (3, True), (4, True)])
async def test_runs_are_counted_and_what_is_known_by_then_is_told(most_runs: int, differs: bool | None) -> None:
    program = Program({})
    proof = await look(changed(TIDY, IS_NONE, TIES), RUFF, program=program, most_runs=most_runs)
    assert proof.differs is differs
    assert program.runs == proof.runs == most_runs
    assert not proof.is_minimal or differs is None
    assert ("ruff:FURB192" in proof.guilty) == bool(differs)


async def test_a_program_that_ends_as_it_likes_tells_nothing() -> None:
    source = b"import os, time\nraise SystemExit(time.perf_counter_ns() % 251 if os else 0)\n"
    case = Case({"before.py": source}, {"before.py": source.replace(b" if os else 0", b"")})
    proof = await find_culprit(case, Program({}).observe, RuffAgain())
    assert proof.differs is None or "exit code" in proof.evidence


async def test_a_machine_that_is_lost_is_no_difference() -> None:
    class Lost(Program):
        async def observe(self, files: Files) -> Observation:
            if self.runs == 2:
                raise SandboxLost("gone")
            return await Program.observe(self, files)

    with pytest.raises(SandboxLost):
        await look(changed(FLIP), UNKNOWN, program=Lost({}))


async def test_a_search_can_be_cancelled() -> None:
    class Hanging(Program):
        async def observe(self, files: Files) -> Observation:
            begun.set()
            return await asyncio.Future()

    begun = asyncio.Event()
    search = asyncio.create_task(look(changed(FLIP), UNKNOWN, program=Hanging({})))
    await begun.wait()
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search


async def test_added_and_removed_files_are_pieces_too() -> None:
    before = {"before.py": b"from helper import x\nprint(x)\n", "helper.py": b"x = 1\n"}
    after = {"before.py": before["before.py"], "helper.py": b"x = 1\n", "sitecustomize.py": b"import builtins\n"}
    proof = await find_culprit(Case(before, after), Program({}).observe, RuffAgain())
    assert proof.differs is False
    gone = {"before.py": before["before.py"]}
    proof = await find_culprit(Case(before, gone), Program({}).observe, RuffAgain())
    assert proof.guilty == ("unknown",)
    assert "+++ /dev/null" in proof.hunks
    assert "ModuleNotFoundError" in proof.evidence
