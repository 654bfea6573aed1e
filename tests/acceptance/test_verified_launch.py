"""What runs is what was sealed, byte for byte; whatever else wrote before the launch is taken back and told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.meddling import MeddledSpawner, once

from nightlab.controller.model.change import Where
from nightlab.controller.model.trial import Ending

pytestmark = pytest.mark.docker


ATTACK = """
import errno, json, os
results = {}
def attempt(name, function, *arguments):
    try: function(*arguments); results[name] = "done"
    except OSError as error: results[name] = errno.errorcode[error.errno]
for path in ("train.py", "pkg/lib.py", "run.sh"):
    attempt(f"write {path}", lambda path=path: open(path, "a"))
    attempt(f"truncate {path}", os.truncate, path, 0)
    attempt(f"mode {path}", os.chmod, path, 0o777)
    attempt(f"unlink {path}", os.unlink, path)
    attempt(f"rename {path}", os.rename, path, "elsewhere.py")
    open("mine", "w").close()
    attempt(f"replace {path}", os.replace, "mine", path)
    attempt(f"times {path}", os.utime, path, (0, 0))
for directory in ("", "pkg/"):
    attempt(f"bytecode {directory}", open, directory + "__pycache__/lib.cpython-311.pyc", "w")
    attempt(f"bytecode mode {directory}", os.chmod, directory + "__pycache__", 0o777)
    attempt(f"bytecode remove {directory}", os.rmdir, directory + "__pycache__")
    attempt(f"bytecode rename {directory}", os.rename, directory + "__pycache__", "cache")
attempt("directory mode", os.chmod, "pkg", 0o777)
attempt("directory rename", os.rename, "pkg", "gone")
attempt("directory remove", os.rmdir, "pkg")
os.mkdir("other")
attempt("directory replace", os.rename, "other", "pkg")
attempt("root", os.rename, "/app", "/nowhere")
open("pkg/shadow.py", "w").close()
open("checkpoint.bin", "w").close()
print(json.dumps(results))
"""
BASE = {"train.py": ATTACK, "pkg/lib.py": "VALUE = 1\n", "run.sh": "exit 0\n"}


async def test_a_run_cannot_change_what_was_sealed_and_what_it_adds_is_reported(ground):
    outcome = await ground.walk(ground.tree(BASE))
    results = ground.told(outcome)
    assert len(results) == 34
    assert set(results.values()) <= {"EACCES", "EPERM", "EROFS", "EBUSY", "ENOTEMPTY", "EEXIST"}, results
    assert outcome.gate.drift == outcome.gate.drifts == outcome.gate.shadowing == ()
    assert outcome.gate.digest_inside == outcome.gate.digest_outside == ground.tree(BASE).digest
    assert outcome.added_importable == ("pkg/shadow.py",)


STORY = {
    "train.py": "import tomllib\nfrom pkg.lib import VALUE\n\nSCALAR_LR = 0.5\n"
    "print(SCALAR_LR, VALUE, tomllib.load(open('train.toml', 'rb'))['momentum'])\n",
    "train.toml": "momentum = 0.9\n",
    "pkg/lib.py": "VALUE = 1\n",
}
HONEST = "0.5 1 0.9"


def flip(app: Path) -> None:
    path = app / "train.py"
    path.write_text(path.read_text().replace("0.5", "0.3"))


def swap(app: Path) -> None:
    (app / "new").write_text(STORY["train.py"].replace("0.5", "0.3"))
    (app / "new").replace(app / "train.py")


def truncate(app: Path) -> None:
    os.truncate(app / "train.py", 20)


def configure(app: Path) -> None:
    (app / "train.toml").write_text("momentum = 0.0\n")


def remove(app: Path) -> None:
    (app / "pkg/lib.py").unlink()


def link(app: Path) -> None:
    (app / "elsewhere.py").write_text(STORY["train.py"].replace("0.5", "0.3"))
    (app / "train.py").unlink()
    (app / "train.py").symlink_to("elsewhere.py")


def link_directory(app: Path) -> None:
    (app / "pkg").rename(app / "kept")
    (app / "kept/lib.py").write_text("VALUE = 2\n")
    (app / "pkg").symlink_to("kept")


def replace_file_by_directory(app: Path) -> None:
    (app / "train.toml").unlink()
    (app / "train.toml/deep").mkdir(parents=True)
    (app / "train.toml/deep/file").touch()
    os.chown(app / "train.toml/deep", 65531, 65531)


def replace_directory_by_file(app: Path) -> None:
    shutil.rmtree(app / "pkg")
    (app / "pkg").write_text("no directory")


def expose(app: Path) -> None:
    (app / "train.py").chmod(0o666)
    (app / "pkg").chmod(0o777)


def take_over(app: Path) -> None:
    os.chown(app / "train.py", 65532, 65532)


def plant(app: Path) -> None:
    (app / "tomllib.py").write_text("def load(file):\n    return {'momentum': 0}\n")
    (app / "sitecustomize.py").write_text("raise SystemExit('planted')\n")
    (app / "conftest.py").touch()
    (app / "evil.pth").write_text("import os\n")
    (app / "tomllib").mkdir()
    (app / "tomllib/__init__.py").touch()


def plant_bytecode(app: Path) -> None:
    (app / "pkg/__pycache__").rmdir()
    (app / "pkg/__pycache__").mkdir()
    (app / "pkg/__pycache__/lib.cpython-311.pyc").write_bytes(b"stale")


def flood(app: Path) -> None:
    for number in range(60):
        (app / f"a{number}.py").write_text("A = 1\n")
    for number in range(9):
        (app / f"b{number}.txt").write_text("x" * 2**20)
    flip(app)


def found_empty_directory(app: Path) -> None:
    (app / "apex/deep").mkdir(parents=True)
    (app / "pkg/lib").mkdir()


MEDDLERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a flipped literal": (flip, "`SCALAR_LR` 0.5 -> 0.3, train.py:4"),
    "a swapped file": (swap, "`SCALAR_LR` 0.5 -> 0.3, train.py:4"),
    "a truncated file": (truncate, "train.py"),
    "a config file": (configure, "`momentum` 0.9 -> 0.0, train.toml:1"),
    "a removed file": (remove, "pkg/lib.py"),
    "a link for a file": (link, "symbolic link, train.py"),
    "a link for a directory": (link_directory, "pkg/lib.py"),
    "a directory for a file": (replace_file_by_directory, "train.toml"),
    "a file for a directory": (replace_directory_by_file, "pkg/lib.py"),
    "open modes": (expose, "its owner or mode lets others change it, train.py"),
    "another owner": (take_over, "its owner or mode lets others change it, train.py"),
    "planted modules": (plant, "tomllib.py"),
    "a literal in a flood of files": (flood, "`SCALAR_LR` 0.5 -> 0.3, train.py:4"),
    "an empty directory": (found_empty_directory, "apex"),
    "planted bytecode": (plant_bytecode, "pkg/__pycache__"),
}


@pytest.mark.parametrize("name", MEDDLERS)
async def test_what_was_written_after_the_seal_is_taken_back_told_and_never_run(ground, name):
    meddle, told = MEDDLERS[name]
    spawner = MeddledSpawner(ground.spawner, once(lambda root: meddle(root / "app")))
    outcome = await ground.walk(ground.tree(STORY), spawner=spawner)
    assert outcome.ending is Ending.FINISHED, outcome.reason
    assert ground.output(outcome).strip() == HONEST
    (drift,) = outcome.gate.drifts
    assert (drift.where, drift.is_rolled_back) == (Where.SEALED, True)
    facts = [str(fact) for change in drift.explanation.changes for fact in change.facts]
    assert any(told in fact for fact in facts), facts
    assert drift.explanation.author == "unknown"
    assert outcome.gate.drift == ()
    assert outcome.gate.digest_inside == ground.tree(STORY).digest


async def test_somebody_who_never_stops_writing_is_not_launched_and_the_next_trial_works(ground):
    spawner = MeddledSpawner(ground.spawner, lambda root: flip(root / "app"))
    outcome = await ground.walk(ground.tree(STORY), spawner=spawner)
    assert outcome.ending is Ending.NOT_AS_SEALED
    assert "`SCALAR_LR` 0.5 -> 0.3" in outcome.reason
    assert outcome.gate.drift == ("train.py",)
    assert [drift.is_rolled_back for drift in outcome.gate.drifts] == [False]
    assert not (ground.state.root / outcome.log_path).exists()
    assert outcome.usage.train_s == 0
    honest = await ground.walk(ground.tree(STORY))
    assert (honest.ending, ground.output(honest).strip()) == (Ending.FINISHED, HONEST)


async def test_a_tool_that_wrote_after_the_seal_is_named_by_its_rule(ground):
    files = {"train.py": "import os\nimport json\n\nprint(json.dumps(1))\n"}

    def fix(root: Path) -> None:
        (root / "app/train.py").write_text("import json\n\nprint(json.dumps(1))\n")

    outcome = await ground.walk(ground.tree(files), spawner=MeddledSpawner(ground.spawner, once(fix)))
    (drift,) = outcome.gate.drifts
    assert outcome.ending is Ending.FINISHED
    assert drift.explanation.author == "ruff:F401"


async def test_an_undefined_name_is_stopped_where_the_edit_brought_it_and_not_where_the_base_had_it(ground):
    base = {"train.py": "print(1)\n", "notes.py": "def unused():\n    return undefined_before\n"}
    first = await ground.walk(ground.tree(base))
    assert first.ending is Ending.GATE_REJECTED
    known = first.gate.blocking
    assert [(f.code, f.path, f.line) for f in known] == [("F821", "notes.py", 2)]

    as_it_was = await ground.walk(ground.tree(base), base_findings=known)
    assert as_it_was.ending is Ending.FINISHED
    assert as_it_was.gate.inherited == known

    edited = {**base, "train.py": "LR = 0.1\n\nprint(LR * scale)\n"}
    outcome = await ground.walk(ground.tree(edited), base_findings=known)
    assert outcome.ending is Ending.GATE_REJECTED
    assert outcome.reason == "ruff: train.py:3: F821 Undefined name `scale`"
    assert not (ground.state.root / outcome.log_path).exists()
