"""Only a run of which it can be shown that what ran was what was sealed has a result; copies of its code do no harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.acceptance.meddling import MeddledSpawner

from nightlab.controller.model.change import Where
from nightlab.controller.model.trial import Ending

pytestmark = pytest.mark.docker
WAITING = """import os, time
SCALAR_LR = 0.5
print("ready", flush=True)
while not os.path.exists("go"): time.sleep(0.01)
print(SCALAR_LR)
"""


async def meddled(ground, meddle):
    """Walk a run during which somebody with every right writes into the workspace."""
    spawner = MeddledSpawner(ground.spawner)

    def line(text: str) -> None:
        if text == "ready":
            meddle(spawner.root / "app")
            (spawner.root / "app/go").touch()

    return await ground.walk(ground.tree({"train.py": WAITING, "big.bin": "x" * 3_000_000}), spawner=spawner, line=line)


def flip(app: Path) -> None:
    (app / "train.py").write_text(WAITING.replace("0.5", "0.3"))


def flip_and_restore(app: Path) -> None:
    flip(app)
    (app / "train.py").write_text(WAITING)


def restore_a_large_file(app: Path) -> None:
    with (app / "big.bin").open("r+b") as file:
        file.write(b"y")
        file.seek(0)
        file.write(b"x")


def replace_and_restore(app: Path) -> None:
    (app / "train.py").rename(app / "kept")
    (app / "train.py").write_text(WAITING.replace("0.5", "0.3"))
    (app / "kept").rename(app / "train.py")


async def test_a_run_in_which_nothing_was_changed_has_no_drift(ground):
    outcome = await meddled(ground, lambda app: (app / "out.txt").write_text("log"))
    assert (outcome.ending, outcome.gate.drifts, outcome.gate.notes) == (Ending.FINISHED, (), ())


async def test_a_literal_that_was_changed_during_the_run_voids_it_and_is_named(ground):
    outcome = await meddled(ground, flip)
    assert outcome.ending is Ending.NOT_AS_SEALED
    assert outcome.gate.drift == ("train.py",)
    assert "`SCALAR_LR` 0.5 -> 0.3, train.py:2" in outcome.reason
    assert [(drift.where, drift.is_rolled_back) for drift in outcome.gate.drifts] == [(Where.RUN, False)]


@pytest.mark.parametrize(
    ("meddle", "path"),
    [(flip_and_restore, "train.py"), (replace_and_restore, "train.py"), (restore_a_large_file, "big.bin")],
)
async def test_what_was_changed_and_put_back_voids_the_run(ground, meddle, path):
    outcome = await meddled(ground, meddle)
    assert outcome.ending is Ending.NOT_AS_SEALED
    assert outcome.gate.drift == (path,)
    assert "put back while it ran" in outcome.reason


SHADOWS = {
    "json.py": "`json` of the image",
    "json/__init__.py": "`json` of the image",
    "src/json.py": "`json` of the image",
    "pkg/random.py": "`random` of the image",
    "sitecustomize.py": "`sitecustomize`, which Python runs by itself",
    "src/usercustomize/__init__.py": "`usercustomize`, which Python runs by itself",
    "src/lib/__init__.py": "`lib` of the sealed tree",
    "src/lib.cpython-311-x86_64-linux-gnu.so": "`lib` of the sealed tree",
    "pkg/deep.abi3.so": "`pkg.deep` of the sealed tree",
    "pkg/deep.pyc": "`pkg.deep` of the sealed tree",
    "pkg/__init__.py": "`pkg` of the sealed tree",
    "conftest.py": "a conftest.py of the sealed tree, which pytest runs by itself",
    "evil.pth": "a path file, which Python runs by itself",
}
WRITER = """import os, sys
path = sys.argv[1]
os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
open(path, "w").write("import os\\n")
print("done")
"""
SEALED = {"src/train.py": WRITER, "src/lib.py": "A = 1\n", "pkg/deep.py": "B = 1\n"}


@pytest.mark.parametrize("path", SHADOWS)
async def test_a_run_that_shadows_what_python_imports_is_void(ground, path):
    outcome = await ground.walk(ground.tree(SEALED), argv=("python3", "src/train.py", path))
    assert outcome.ending is Ending.NOT_AS_SEALED
    assert outcome.gate.shadowing == (path,)
    assert outcome.reason == f"while it ran {path} would be taken for {SHADOWS[path]}"
    assert outcome.gate.drift == ()


async def test_a_link_that_hides_a_package_shadows_it(ground):
    code = "import os\nos.mkdir('/tmp/x')\nos.symlink('/tmp/x', 'tomllib')\nos.symlink('/tmp/x', 'latest')\n"
    outcome = await ground.walk(ground.tree({"train.py": code}))
    assert (outcome.ending, outcome.gate.shadowing) == (Ending.NOT_AS_SEALED, ("tomllib",))


DUMPER = """import json, os, pathlib, shutil
shutil.copytree("src", "runs/1/code")
shutil.copytree(".", "/tmp/all")
shutil.copytree("/tmp/all", "outputs/snapshot")
for path in ("config.py", "runs/1/config.py", "runs/1/json.py", "wandb/run-1/files/train.py", "pkg/generated.py"):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text("LR = 1")
pathlib.Path("model.pth").write_bytes(b"PK\\3\\4\\0")
os.mkdir("closed", 0o700)
pathlib.Path("closed/json.py").write_text("")
os.symlink("runs/1", "latest")
print(json.dumps(sorted(os.listdir("src/__pycache__"))))
"""


async def test_copies_of_the_code_in_output_directories_harm_nothing(ground):
    sealed = {"src/train.py": DUMPER, "src/lib.py": "A = 1\n", "pkg/deep.py": "B = 1\n"}
    outcome = await ground.walk(ground.tree(sealed), argv=("python3", "src/train.py"))
    assert outcome.ending is Ending.FINISHED, outcome.reason
    assert outcome.gate.shadowing == outcome.gate.drift == outcome.gate.notes == ()
    assert {"config.py", "runs/1/code/lib.py", "pkg/generated.py", "closed/json.py"} <= {*outcome.added_importable}
    assert json.loads(ground.output(outcome).splitlines()[-1]) == []
