"""What the second look makes of trees and files that are not what one hopes for."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.controller.gate.conftest import Gate

from nightlab.controller.errors import ExplainFailed, GateRejected, LinkError
from nightlab.controller.explain.findings import as_findings
from nightlab.controller.gate.findings import new_findings
from nightlab.controller.gate.related import edit_of
from nightlab.controller.model.trial import Finding

MODEL = "def build(width, depth=2):\n    return width * depth\n"
TRAIN = "from model import build\nprint(build(8, depth=3))\n"


async def test_a_caller_that_the_edit_did_not_touch_is_found(gate: Gate) -> None:
    after = {"model.py": MODEL.replace("depth", "layers"), "train.py": TRAIN}
    found = await gate.block({"model.py": MODEL, "train.py": TRAIN}, after)
    assert [(f.path, f.code, f.line) for f in found.findings] == [("train.py", "NL001", 2)]


async def test_a_wrong_call_that_the_base_had_does_not_stop_an_edit_of_its_file(gate: Gate) -> None:
    wrong = TRAIN.replace("depth", "layers")
    found = await gate.block({"model.py": MODEL, "train.py": wrong}, {"model.py": MODEL, "train.py": f"# x\n\n{wrong}"})
    assert found.findings == ()


async def test_a_default_that_bites_only_since_the_edit_stops_it(gate: Gate) -> None:
    before = "def f(x, out=[]):\n    return x in out\n"
    after = "def f(x, out=[]):\n    out.append(x)\n    return x in out\n"
    found = await gate.block({"a.py": before}, {"a.py": after})
    assert [f.code for f in found.findings] == ["B006"]


async def test_a_renamed_file_brings_nothing_new(gate: Gate) -> None:
    text = "print(missing)\ndef f(x, out=[]):\n    out.append(x)\n"
    assert (await gate.block({"old.py": text}, {"new.py": text})).findings == ()


async def test_a_star_of_the_tree_is_looked_into(gate: Gate) -> None:
    names = {"names.py": "WIDTH = 3\n"}
    before = {**names, "a.py": "from names import *\n"}
    assert (await gate.block(before, {**names, "a.py": "from names import *\nprint(WIDTH)\n"})).findings == ()
    found = await gate.block(before, {**names, "a.py": "from names import *\nprint(WITDH)\n"})
    assert "did you mean `WIDTH`" in found.findings[0].message


async def test_allowed_rules_do_not_stop(gate: Gate) -> None:
    found = await gate.block({"a.py": "x = 1\n"}, {"a.py": "lr: 0.1\nprint(y)\n"}, allow=["NL007", "F821"])
    assert found.findings == ()


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "-" * 20_000 + "1\n",
        "x = " + "(" * 5_000 + "\n",
        "x = [" + "[" * 90 + "]" * 90 + "]\n" + "def f(x, a=[]): a.append(x)\n",
        "\ufeffx = 1\n",
        "x = 1\x0cy = 2\n",
        "# -*- coding: latin-9000 -*-\nx = 1\n",
        "if True:\n" + "".join(f"{' ' * n}if x:\n" for n in range(1, 99)),
    ],
)
async def test_hostile_files_cost_the_second_look_and_no_more(gate: Gate, text: str) -> None:
    found = await gate.block({"b.py": "x = 1\n"}, {"a.py": text, "b.py": "x = 1\nprint(missing)\n"})
    assert ("b.py", "F821") in {(f.path, f.code) for f in found.findings}


async def test_a_file_that_breaks_ruff_is_a_finding_and_no_loss(gate: Gate) -> None:
    report = await gate.read({"deep.py": "x = " + "-" * 20_000 + "1\n", "a.py": "print(missing)\n", "b.py": "x = 1\n"})
    assert [(f.path, f.code) for f in report.findings] == [("a.py", "F821"), ("deep.py", "NL000")]
    assert report.linted_files == 3


async def test_a_ruff_that_breaks_on_everything_is_an_error(gate: Gate) -> None:
    with pytest.raises(LinkError, match="ended with"):
        await gate.read({f"deep{n}.py": "x = " + "-" * 20_000 + "1\n" for n in range(9)})


@pytest.mark.parametrize(
    "name",
    ["a b.py", "-x.py", "[a]*.py", "n\new.py", "ü/文.py", "--config=x.py", "'\".py", "a\tb.py", "{x}.py", "~.py"],
)
async def test_odd_names_are_read_like_any_other(gate: Gate, name: str) -> None:
    report = await gate.read({name: "print(missing)\n", "plain.py": "print(missing)\n"}, [name])
    assert {f.path for f in report.findings} == {name, "plain.py"}
    assert report.linted_files == 2


async def test_five_thousand_files_are_all_read(gate: Gate) -> None:
    files: Mapping[str, str] = {f"pkg{n % 50}/m{n}.py": "x = 1\n" for n in range(5_000)}
    assert (await gate.read(files, ["pkg1/m1.py"])).linted_files == 5_000


async def test_an_entry_point_that_is_not_there_is_an_error(gate: Gate) -> None:
    with pytest.raises(GateRejected, match=r"starts train\.py, which is no file"):
        await gate.read({"other.py": "x = 1\n"}, ["train.py"])


async def test_a_script_without_suffix_is_read_when_it_is_started(gate: Gate) -> None:
    report = await gate.read({"train": "#!/usr/bin/env python\nprint(missing)\n"}, ["train"])
    assert [f.code for f in report.findings] == ["F821"]


async def test_a_tree_without_python_says_so(gate: Gate) -> None:
    report = await gate.read({"run.sh": "echo\n"}, ["run.sh"])
    assert (report.linted_files, report.notes) == (0, ("the tree has no Python file: ruff read nothing",))


def test_a_number_of_a_line_in_a_message_makes_no_new_finding() -> None:
    old = Finding("F811", "a.py", 9, 1, "Redefinition of unused `f` from line 3")
    new = Finding("F811", "a.py", 12, 1, "Redefinition of unused `f` from line 6")
    assert new_findings([new], [old]) == ()


@pytest.mark.parametrize(
    "told",
    [
        {"kept": [{"code": "B006", "path": "other.py"}], "own": []},
        {"kept": [], "own": [{"code": "F821", "path": "a.py", "message": "m"}]},
        {"kept": [], "own": [{"code": "NL001", "path": "b.py", "message": "m"}]},
        [],
    ],
)
def test_a_worker_that_speaks_of_something_else_is_not_believed(told: object) -> None:
    with pytest.raises(ExplainFailed):
        as_findings(told, [Finding("B006", "a.py", 1, 1, "m")], ["a.py"])


async def test_only_files_around_the_edit_are_looked_at(gate: Gate) -> None:
    files = {"model.py": MODEL, "train.py": TRAIN, "far.py": "x = 1\n"}
    base, tree = gate.tree(files), gate.tree({**files, "model.py": MODEL + "# more\n"})
    contents = gate.contents
    edit = edit_of(base, tree, contents.__getitem__)
    assert (set(edit.rest), tuple(edit.callers)) == ({"train.py"}, ("train.py",))
