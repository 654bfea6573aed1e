"""What the gate makes of ruff's answer: new findings block, old ones do not, nonsense is an error."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ruff import find_ruff_bin
from tests.controller.gate.conftest import HostRuff

from nightlab.controller.errors import LinkError
from nightlab.controller.gate.findings import new_findings, parse_findings
from nightlab.controller.gate.lint import lint
from nightlab.controller.gate.rules import SELECTED
from nightlab.controller.gate.target import target_version
from nightlab.controller.gate.verify import added_importable, drifted
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import Finding


async def findings(directory: Path, **files: str) -> tuple[Finding, ...]:
    for name, text in files.items():
        (directory / f"{name}.py").write_text(text)
    tree = Tree.of(Entry(f"{name}.py", 0o100644, 1, "00" * 32) for name in files)
    return (await lint(HostRuff(), tree, root=str(directory), python=(3, 11))).findings


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("x = 1\nprint(y)\n", "F821", 2),
        ("def f(:\n", "invalid-syntax", 1),
        ("a = 0\ndef f():\n    print(a)\n    a = 1\n", "F823", 3),
        ("return 1\n", "F706", 1),
        ("print('%d %d' % (1,))\n", "F507", 1),
        ("print('{} {}'.format(1))\n", "F524", 1),
        ("async def g(): pass\ndef f():\n    await g()\n", "PLE1142", 3),
        ("if (1, 2):\n    pass\n", "F634", 1),
        ("x = 1\nprint(x is 1)\n", "F632", 2),
        ("from os import *\nprint(paths)\n", "F405", 2),
    ],
)
async def test_code_that_cannot_run_as_meant_is_found(tmp_path: Path, text: str, code: str, line: int) -> None:
    found = await findings(tmp_path, train=text)
    assert [(f.path, f.line) for f in found if f.code == code][:1] == [("train.py", line)]


async def test_noqa_and_the_repos_own_config_hide_nothing(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text("this is = not toml [")
    (tmp_path / ".gitignore").write_text("*.py\n")
    found = await findings(tmp_path, train="# ruff: noqa\nprint(y)  # noqa: F821\n")
    assert [f.code for f in found] == ["F821"]


async def test_style_and_unused_imports_do_not_block(tmp_path: Path) -> None:
    assert await findings(tmp_path, train="import os,sys\nl=1\nunused = 2\nif unused == 2: l = 3\n") == ()


async def test_what_the_base_had_does_not_block_even_if_it_moves(tmp_path: Path) -> None:
    base = await findings(tmp_path, train="print(y)\n", other="def f(x: Float['batch dim']): pass\n")
    edited = await findings(tmp_path, train="\n\nprint(y)\nprint(z)\n", other="\ndef f(x: Float['batch dim']): pass\n")
    assert base
    assert [(f.code, f.line, f.message) for f in new_findings(edited, base)] == [("F821", 4, "Undefined name `z`")]


async def test_a_second_one_of_the_same_kind_is_new(tmp_path: Path) -> None:
    base = await findings(tmp_path, train="print(y)\n")
    edited = await findings(tmp_path, train="print(y)\nprint(y)\n")
    assert len(new_findings(edited, base)) == 1


async def test_many_long_names_are_linted_in_batches(tmp_path: Path) -> None:
    files = {f"{'n' * 180}{number:04d}": "print(y)\n" for number in range(700)}
    assert len(await findings(tmp_path, **files)) == 700


@pytest.mark.parametrize(
    "answer",
    [
        b"[1]",
        b'{"code": 1}',
        b"[" * 100_000,
        b'{"location": 3}',
        b"\xff",
        b'{"code": "F821", "filename": "/ws/other.py", "message": "m"}',
        b'{"code": "F821", "filename": "/ws/train.py", "message": "m", "location": {"row": -1, "column": 1}}',
        b'{"code": "F821\\u001b[2J", "filename": "/ws/train.py", "message": "m"}',
        b'{"code": "F821", "filename": "/ws/train.py", "message": "m", "location": {"row": 1e999, "column": 1}}',
    ],
)
def test_an_answer_that_is_none_of_ruffs_is_an_error(answer: bytes) -> None:
    with pytest.raises(LinkError, match="no diagnostic"):
        parse_findings(answer, "/ws", ["train.py"])


def test_more_findings_than_a_tree_can_have_are_an_error() -> None:
    with pytest.raises(LinkError, match="are the most"):
        parse_findings(b"{}\n" * 100_001, "/ws", ["train.py"])


def test_every_selected_rule_exists_and_is_not_on_its_way_out() -> None:
    said = subprocess.run([find_ruff_bin(), "rule", "--all", "--output-format=json"], capture_output=True, check=True)
    known = {rule["code"] for rule in json.loads(said.stdout) if {"Stable", "Preview"} & set(rule["status"])}
    assert set(SELECTED) <= known
    assert len(SELECTED) == len(set(SELECTED))


@pytest.mark.parametrize(
    ("python", "target"), [((3, 11), "py311"), ((3, 6), "py37"), ((3, 99), "py315"), ((2, 7), "py37"), (None, "")]
)
def test_target_version_is_the_nearest_that_ruff_knows(python: tuple[int, int] | None, target: str) -> None:
    assert target_version(python) == target


def test_drift_names_changed_missing_and_replaced_files() -> None:
    sealed = Tree.of(Entry(name, 0o100644, 1, f"{i:064x}") for i, name in enumerate(["a", "b", "c", "d"]))
    inside = [
        Entry("a", 0o100444, 1, f"{0:064x}"),
        Entry("b", 0o100444, 1, f"{9:064x}"),
        Entry("d", 0o120000, 1, f"{3:064x}"),
    ]
    assert drifted(sealed, inside) == ("b", "c", "d")


def test_added_importable_files_are_named_without_the_seeded_ones() -> None:
    sealed = Tree.of([Entry("train.py", 0o100644, 1, "00" * 32)])
    found = [Entry(p, 0o100644, 1, "") for p in ["train.py", "json.py", "ext.so", "out/log.txt", "x.pth", "pkg/m.pyc"]]
    assert added_importable(sealed, ["ext.so"], found) == ("json.py", "pkg/m.pyc", "x.pth")
