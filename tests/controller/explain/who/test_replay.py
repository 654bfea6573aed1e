"""Who made a change: tools on real sources, hands on top of them, and hands alone."""

from __future__ import annotations

import random
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest
from ruff import find_ruff_bin

from nightlab.controller.explain.who.replay import redo, writers

LIBRARY = Path(sysconfig.get_path("stdlib"))
PYTHON = (3, 11)
PROGRAM = b"""import os, sys
import json
from typing import Optional

SCALAR_LR = 0.5
MOMENTUM = 0.9


def scale(x: Optional[int] = None):
    if x == None:
        return SCALAR_LR
    return json.dumps({"x":x,  "m": MOMENTUM})


def decay(step):
    return SCALAR_LR * MOMENTUM ** step


print("result:", scale())
"""


@pytest.fixture(autouse=True)
def _private_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def ruff(*arguments: str, source: bytes) -> bytes:
    command = [find_ruff_bin(), *arguments, "--isolated", "--stdin-filename", "train.py", "-"]
    return subprocess.run(command, input=source, capture_output=True, check=True).stdout


def fixed(source: bytes, rules: str, *options: str) -> bytes:
    return ruff("check", "--fix-only", f"--select={rules}", "--target-version=py311", *options, source=source)


def told(before: bytes, after: bytes, **options: object) -> tuple[list[dict], list[str]]:
    answer = writers([("train.py", before)], [("train.py", after)], ["train.py"], PYTHON, **options)
    return answer["writers"], [fact["text"] for fact in answer["unexplained"]]


def test_a_fix_is_named_with_its_rule_and_nothing_is_left():
    found, left = told(PROGRAM, fixed(PROGRAM, "F401"))
    assert [(each["tool"], tuple(each["rules"]), each["applicability"]) for each in found] == [
        ("ruff check", ("F401",), "safe")
    ]
    assert left == []


def test_a_flip_next_to_fix_and_format_is_all_that_is_left():
    after = ruff("format", source=fixed(PROGRAM, "F401,E711,UP045", "--unsafe-fixes"))
    found, left = told(PROGRAM, after.replace(b"SCALAR_LR = 0.5", b"SCALAR_LR = 0.3"))
    assert [each["tool"] for each in found] == ["ruff check", "ruff format", ""]
    assert tuple(found[0]["rules"]) == ("E711", "F401", "UP045")
    assert left == ["`SCALAR_LR` 0.5 -> 0.3"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"0.5", b"0.3"),
        (b"0.5\n", b".3  \n"),
        (b"import json\n", b"import json\nimport random\n"),
        (b"print(", b"print( "),
        (b"    if x == None:\n        return SCALAR_LR\n", b""),
        (b"MOMENTUM ** step", b"MOMENTUM"),
        (b'"x":x', b'"y": x'),
    ],
)
def test_what_a_hand_wrote_is_nobodys(old, new):
    after = PROGRAM.replace(old, new)
    assert after != PROGRAM
    found, left = told(PROGRAM, after)
    assert [each["tool"] for each in found] == [""]
    assert left


def test_a_truncated_and_an_emptied_file_are_nobodys():
    for after in (PROGRAM[:200], PROGRAM[: PROGRAM.index(b"def decay")], b""):
        assert [each["tool"] for each in told(PROGRAM, after)[0]] == [""]


def test_a_file_that_only_ends_earlier_is_nobodys_unless_a_safe_fix_makes_it():
    cut = fixed(PROGRAM, "T201", "--unsafe-fixes")
    assert PROGRAM.startswith(cut) and cut != PROGRAM
    assert [each["tool"] for each in told(PROGRAM, cut)[0]] == [""]
    found, _ = told(b"x = 1\nimport sys\n", fixed(b"x = 1\nimport sys\n", "F401"))
    assert [each["rules"] for each in found] == [("F401",)]


def test_a_format_to_any_length_of_lines_is_named():
    source = PROGRAM + b"print(scale(1), scale(2), 'what is long enough for some and not for others')\n"
    for width in (50, 63, 74):
        found, left = told(source, ruff("format", f"--line-length={width}", source=source))
        assert [each["tool"] for each in found] == ["ruff format"], width
        assert left == []


def test_what_needs_a_preview_of_ruff_is_rather_another_tools():
    source = b"import sys\ndef where(x):\n    return sys.path[x]\nprint(where(0))\n"
    after = source.replace(b"\ndef", b"\n\n\ndef").replace(b"\nprint", b"\n\n\nprint")
    assert fixed(source, "E302,E305", "--preview") == after
    (found,) = told(source, after)[0]
    assert found["tool"] in ("ruff format", "black", "autopep8")


def test_the_repos_config_is_tried_and_named():
    config = b'[tool.ruff]\nline-length = 60\nextend = "/etc/passwd"\n[tool.ruff.format]\nquote-style = "single"\n'
    options = ("--config=line-length=60", "--config=format.quote-style='single'")
    found, left = told(PROGRAM, ruff("format", *options, source=PROGRAM), repo_config=[("pyproject.toml", config)])
    assert [(each["tool"], tuple(each["settings"])) for each in found] == [
        ("ruff format", ("--config=the repo's ruff config",))
    ]
    assert left == []


def test_a_newer_python_than_the_interpreters_is_said():
    source = b"from typing import TypeVar\n\nT = TypeVar('T')\n\n\ndef first(x: list[T]) -> T:\n    return x[0]\n"
    after = ruff("check", "--fix-only", "--select=UP047", "--unsafe-fixes", "--target-version=py312", source=source)
    assert after != source
    found, _ = told(source, after)
    assert found[0]["rules"] == ("UP047",)
    assert found[0]["settings"] == ("--target-version=py312 (newer than the interpreter's 3.11)",)


def test_several_files_have_one_writer_and_a_broken_config_harms_nothing():
    old = [("a.py", PROGRAM), ("b.py", b"import os\nx = 1\n"), ("conf.yaml", b"lr: 1\n")]
    new = [(path, fixed(content, "F401") if path.endswith(".py") else b"lr: 2\n") for path, content in old]
    answer = writers(old, new, [path for path, _ in old], PYTHON, [("ruff.toml", b"[lint\nnonsense")])
    assert [(each["tool"], each["paths"]) for each in answer["writers"]] == [
        ("ruff check", ("a.py", "b.py")),
        ("", ("conf.yaml",)),
    ]


def test_some_of_a_writers_rules_can_be_made_alone():
    after = fixed(PROGRAM, "F401,UP045")
    (found,), _ = told(PROGRAM, after)
    assert dict(redo([("train.py", PROGRAM)], found, None, ["train.py"], PYTHON)) == {"train.py": after}
    alone = redo([("train.py", PROGRAM)], found, ["UP045"], ["train.py"], PYTHON)
    assert dict(alone) == {"train.py": fixed(PROGRAM, "UP045")}
    assert redo([("train.py", PROGRAM)], found, [], ["train.py"], PYTHON) == []


def flipped(source: bytes, chance: random.Random) -> bytes:
    """Change one decimal number in the code of a module by hand."""
    places = list(re.finditer(rb"(?<== )\d+\n", source))
    if not places:
        return source
    place = chance.choice(places)
    return source[: place.start()] + b"7654321\n" + source[place.end() :]


def combined(name: str, seed: int) -> tuple[set[str], set[str], list[str], bool]:
    """Fix some rules in a module of the standard library, format it, flip a number; return what was and is told."""
    chance = random.Random(seed)
    before = (LIBRARY / name).read_bytes()
    usable = ["F401", "F841", "UP031", "UP032", "E711", "E713", "C408", "SIM102", "RET505", "I001", "PIE790", "UP004"]
    rules = set(chance.sample(usable, chance.randint(3, 8)))
    kept = {rule for rule in rules if fixed(before, rule, "--unsafe-fixes") != before}
    after = ruff("format", source=fixed(before, ",".join(sorted(rules)), "--unsafe-fixes"))
    flip = flipped(after, chance)
    found, left = told(before, flip)
    named = {rule for each in found for rule in each["rules"]}
    return kept, named, left, flip != after


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), [("textwrap.py", 1), ("csv.py", 2), ("shlex.py", 3), ("cmd.py", 4)])
def test_fixes_format_and_a_flip_on_a_real_module_are_told_apart(name, seed):
    kept, named, left, is_flipped = combined(name, seed)
    assert named == kept
    assert len(left) == int(is_flipped)
    assert all("7654321" in fact for fact in left)
