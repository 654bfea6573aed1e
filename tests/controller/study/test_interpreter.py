"""What an interpreter says that it imports is checked; the question itself is asked of a real one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from nightlab.controller.study.interpreter import CODE, MODULES_KEPT, Imports, parse_imports


def test_a_real_interpreter_names_its_library_its_packages_and_not_the_repo(tmp_path):
    (tmp_path / "mine.py").touch()
    (tmp_path / "site/space").mkdir(parents=True)
    (tmp_path / "site/space/inner.py").touch()
    (tmp_path / "site/other.py").touch()
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "own.py").touch()
    env = {"PYTHONPATH": f"{tmp_path}/site:{repo}"}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(repo)], capture_output=True, check=True, env=env, cwd=repo, timeout=60
    )
    found = parse_imports(b"a sitecustomize said something\n" + done.stdout)
    assert found is not None
    assert {"json", "sys", "sitecustomize", "pytest", "space.inner", "other"} - {*found.modules} <= {"sitecustomize"}
    assert not {"own", "mine"} & {*found.modules}
    assert found.search_path[:2] == (f"{tmp_path}/site", str(repo))


@pytest.mark.parametrize("output", [b"", b"no json", b"[1, 2]", b"[[1], [], 3]", b"[" * 100_000, b'[["a"], [1], ""]'])
def test_nonsense_is_no_answer(output):
    assert parse_imports(output) is None


def test_hostile_names_are_left_out_and_lists_are_bounded():
    names = ["json", "a.b.c", "a/../b", "\x1b[31m", "x" * 200, *(f"m{n}" for n in range(MODULES_KEPT + 10))]
    found = parse_imports(json.dumps([names, ["/usr/lib/../lib", "relative"], ""]).encode())
    assert isinstance(found, Imports)
    assert found.modules[:2] == ("json", "m0")
    assert len(found.modules) == MODULES_KEPT
    assert found.search_path == ("/usr/lib",)
