"""Wanted fixes: on a copy, each with its author, what may change behaviour alone on top of the rest."""

from __future__ import annotations

import subprocess

import pytest
from ruff import find_ruff_bin

from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.explain.orders import FixOrder
from nightlab.controller.explain.who.fixes import fixes
from nightlab.controller.model.change import Effect

PROGRAM = b"""import os
from typing import Optional


def scale(x: Optional[int]=None, seen=[]):
    if x==None:
        return ("a" "b")
    return  x


print("result:", scale())
"""


@pytest.fixture(autouse=True)
def _private_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def ordered(content: bytes = PROGRAM, config: tuple[tuple[str, bytes], ...] = (), **order: object) -> list[dict]:
    wanted = {"level": "off", "format": False, "select": (), "refused": (), "python": (3, 11), **order}
    return fixes([("train.py", content)], wanted, ["train.py"], config)


def test_nothing_is_made_that_is_not_wanted():
    assert ordered() == []
    assert ordered(level="safe", select=("D400",)) == []
    assert ordered(b"def (\n", level="all", format=True) == []


def test_what_leaves_the_program_the_same_comes_first_and_each_other_is_alone_on_top():
    made = ordered(level="all", format=True, select=("F401", "E711", "E703", "ISC"))
    assert [each["author"] for each in made] == ["ruff:ISC001", "formatter:ruff format", "ruff:E711", "ruff:F401"]
    assert [each["effect"] for each in made] == [*[Effect.SAME_PROGRAM] * 2, *[Effect.BEHAVIOUR] * 2]
    _, formatted, compared, imports = (dict(each["files"])["train.py"] for each in made)
    assert compared == formatted.replace(b"x == None", b"x is None")
    assert imports == formatted.replace(b"import os\n", b"")
    assert made[0]["reason"] == ""
    assert all(each["reason"].startswith("may change what the program does: ") for each in made[2:])


def test_safe_means_what_ruff_calls_safe():
    assert [each["author"] for each in ordered(level="safe", select=("F401", "E711", "B006"))] == ["ruff:F401"]


def test_refused_authors_are_left_out():
    made = ordered(level="all", format=True, select=("F401", "E711"), refused=("ruff:F401", "formatter:ruff format"))
    assert [each["author"] for each in made] == ["ruff:E711"]


def test_the_repos_selection_counts_and_a_broken_config_does_not():
    chosen = ("ruff.toml", b'[lint]\nselect = ["E711"]\n')
    assert [each["author"] for each in ordered(level="all", config=(chosen,))] == ["ruff:E711"]
    broken = ordered(level="all", config=(("ruff.toml", b'[lint]\nselect = ["NOPE1"]\n'),))
    assert broken == ordered(level="all")
    assert "ruff:F401" in [each["author"] for each in broken]


def test_no_fix_is_made_for_a_newer_python_than_the_interpreter():
    source = b"from typing import TypeVar\n\nT = TypeVar('T')\n\n\ndef first(x: list[T]) -> T:\n    return x[0]\n"
    config = (("ruff.toml", b'target-version = "py313"\n'),)
    assert ordered(source, config, level="all", select=("UP047",)) == []
    newer = ordered(source, config, level="all", select=("UP047",), python=(3, 13))
    assert [each["author"] for each in newer] == ["ruff:UP047"]


def test_a_formatter_that_drops_parentheses_only_a_newer_python_can_spare_keeps_them():
    source = b"try:\n    x = 1\nexcept (ValueError, TypeError):\n    x = 2\n\n\n\n\nprint( x )\n"
    (made,) = ordered(source, (("ruff.toml", b'target-version = "py314"\n'),), format=True)
    assert b"(ValueError, TypeError)" in dict(made["files"])["train.py"]


def without_unused_imports() -> bytes:
    command = [find_ruff_bin(), "check", "--isolated", "--fix-only", "--select=F401", "-"]
    return subprocess.run(command, input=PROGRAM, capture_output=True, check=True).stdout


async def test_the_confined_worker_serves_who_fixes_and_redo():
    after = without_unused_imports()
    async with Explainer() as explainer:
        told = await explainer.explain({"train.py": PROGRAM}, {"train.py": after}, paths=["train.py"], python=(3, 11))
        assert told.author == "ruff:F401"
        assert told.unexplained == ()
        assert await explainer.redo({"train.py": PROGRAM}, told.writers[0], python=(3, 11)) == {"train.py": after}
        made = await explainer.fixes({"train.py": PROGRAM}, FixOrder("safe", select=("F401",), python=(3, 11)))
        assert [(each.author, each.files["train.py"]) for each in made] == [("ruff:F401", after)]
